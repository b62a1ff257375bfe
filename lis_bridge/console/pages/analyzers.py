"""The analyzers: all of them, and each with its settings, counters, faults, its line as it speaks, and what an engineer does with its link."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from sqlalchemy import Connection
from starlette.responses import Response

from lis_bridge.console.pages.deciding import top_of
from lis_bridge.console.pages.now import tiles_of
from lis_bridge.console.queries.device import Device, device
from lis_bridge.console.queries.line import Shown, shown
from lis_bridge.console.site import Site
from lis_bridge.console.visitor import Engineer, SiteOf, Viewer, note_of, note_view, page
from lis_bridge.runtime.captures import Captured

router = APIRouter(prefix="/analyzers")
CHUNKS = 120


@router.get("")
async def analyzers(request: Request, site: SiteOf, user: Viewer) -> Response:
    """All of them."""
    return page(request, "pages/analyzers.html", devices=await devices_of(site), top=top_of(site))


@router.get("/~all")
async def table(request: Request, site: SiteOf, user: Viewer) -> Response:
    """The table, as it now is."""
    return page(request, "parts/devices.html", devices=await devices_of(site))


@router.get("/{id}")
async def analyzer(request: Request, site: SiteOf, user: Viewer, id: str) -> Response:
    """One of them. 404 for one that is not configured."""
    found = await device_of(site, id)
    if not user.may("engineer"):
        return page(request, "pages/analyzer.html", device=found, top=top_of(site), recordings=(), making=frozenset(), line=())
    await note_line(request, id)
    values = {"line": line_of(site, id), **await recordings_of(site, id)}
    return page(request, "pages/analyzer.html", device=found, top=top_of(site), **values)


@router.get("/{id}/state")
async def state(request: Request, site: SiteOf, user: Viewer, id: str) -> Response:
    """Its state in words."""
    return page(request, "parts/device_state.html", device=await device_of(site, id))


@router.get("/{id}/side")
async def side(request: Request, site: SiteOf, user: Viewer, id: str) -> Response:
    """Faults, counters and settings."""
    return page(request, "parts/device_side.html", device=await device_of(site, id))


@router.get("/{id}/line")
async def line(request: Request, site: SiteOf, user: Engineer, id: str) -> Response:
    """What passed on its line."""
    await note_line(request, id)
    return page(request, "parts/line.html", device_id=id, line=line_of(site, id))


@router.post("/{id}/stop")
async def stop(request: Request, site: SiteOf, user: Engineer, id: str) -> Response:
    """Hear no more, after the transmission in hand."""
    await site.switches.stop(id, user.name, noted(request, "link stopped", id))
    return await _head(request, site, id)


@router.post("/{id}/start")
async def start(request: Request, site: SiteOf, user: Engineer, id: str) -> Response:
    """Hear again."""
    await site.switches.start(id, noted(request, "link started", id))
    return await _head(request, site, id)


@router.post("/{id}/reconnect")
async def reconnect(request: Request, site: SiteOf, user: Engineer, id: str) -> Response:
    """Give the link back and take it up anew."""
    await site.switches.reconnect(id, user.name, noted(request, "link taken up anew", id))
    return await _head(request, site, id)


@router.post("/{id}/test")
async def test(request: Request, site: SiteOf, user: Engineer, id: str) -> Response:
    """Try what can be tried."""
    await noted(request, "link tested", id)()
    return page(request, "parts/tested.html", tests=await site.switches.test(id))


@router.post("/{id}/record")
async def record(request: Request, site: SiteOf, user: Engineer, id: str) -> Response:
    """Begin a recording."""
    await site.switches.record(id, user.name, site.local(), noted(request, "recording begun", id))
    return await _recordings(request, site, id)


@router.post("/{id}/end-recording")
async def end_recording(request: Request, site: SiteOf, user: Engineer, id: str) -> Response:
    """End it."""
    await site.switches.end_recording(id, noted(request, "recording ended", id))
    return await _recordings(request, site, id)


async def devices_of(site: Site) -> list[Device]:
    """All analyzers as they are now."""

    def found(tx: Connection) -> list[Device]:
        snapshot = {one.id: one for one in site.snapshot().analyzers}
        configured = {one.id: one for one in site.config.analyzers}
        return [device(tile, snapshot[tile.id], configured[tile.id], site.compiled) for tile in tiles_of(tx, site)]

    return await site.read(found)


async def device_of(site: Site, id: str) -> Device:
    """One analyzer as it is now. Raises 404."""
    found = next((one for one in await devices_of(site) if one.id == id), None)
    if found is None:
        raise HTTPException(404)
    return found


def line_of(site: Site, id: str) -> list[Shown]:
    """What passed on its line last. Raises UsageError."""
    return shown(site.switches.reception(id).tap.passed(CHUNKS))


async def recordings_of(site: Site, id: str | None = None) -> dict[str, Any]:
    """The recordings of one analyzer or all, and which are still being made."""
    listed: list[Captured] = await site.apart(site.switches.captures.listed)
    return {"recordings": [one for one in listed if id in (None, one.analyzer)], "making": site.switches.in_the_making()}


async def note_line(request: Request, id: str) -> None:
    """A line shows patients: written down once a session for each."""
    site: Site = request.scope["state"]["site"]
    shown_already = site.shown_to(request.scope["state"]["session"].token)
    if f"line {id}" not in shown_already:
        await note_view(request, f"line {id}")
        shown_already.add(f"line {id}")


def noted(request: Request, action: str, id: str) -> Callable[[], Awaitable[object]]:
    """Writes an act on an analyzer's link down."""
    note, site = note_of(request), request.scope["state"]["site"]
    return lambda: site.write(lambda tx: note.append(tx, action, f"analyzer {id}"))


async def _head(request: Request, site: Site, id: str) -> Response:
    site.hub.tell({"analyzers", "work", "line"})
    return page(request, "parts/device_head.html", device=await device_of(site, id))


async def _recordings(request: Request, site: Site, id: str) -> Response:
    return page(request, "parts/recordings.html", analyzer=id, **await recordings_of(site, id))
