"""The stream that tells a page what changed; the page then fetches those fragments."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from starlette.responses import StreamingResponse

from lis_bridge.console.accounts import sessions
from lis_bridge.console.live import BEAT_SECONDS
from lis_bridge.console.site import Site
from lis_bridge.console.visitor import SiteOf

router = APIRouter()


@router.get("/live")
async def live(request: Request, site: SiteOf, since: int = 0) -> StreamingResponse:
    """Events named after topics, and a beat while nothing changes; ``ended`` when the session is over. ``since`` is the hub's count of the page."""
    token = request.scope["state"]["session"].token

    async def events() -> AsyncIterator[str]:
        checked = 0.0
        async for topics in site.hub.changes(since):
            if site.clock.monotonic() - checked >= BEAT_SECONDS:
                checked = site.clock.monotonic()
                if not await _lasts(site, token):
                    yield _event("ended")
                    return
            yield "".join(map(_event, sorted(topics))) + _event("beat")

    return StreamingResponse(events(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _lasts(site: Site, token: str) -> bool:
    now, ages = site.clock.now(), site.ages
    return await site.read(lambda tx: sessions.find(tx, token, now, ages)) is not None


def _event(name: str) -> str:
    return f"event: {name}\ndata:\n\n"
