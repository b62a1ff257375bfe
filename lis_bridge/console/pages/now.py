"""Now, the home page: what needs a person, between the analyzers and the tubes as they fill up."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from sqlalchemy import Connection
from starlette.responses import Response

from lis_bridge.console.pages.deciding import Decision, decide, top_of, whole
from lis_bridge.console.queries.analyzers import Tile, tiles
from lis_bridge.console.queries.figures import figures
from lis_bridge.console.queries.recent import recent
from lis_bridge.console.queries.work import Critical, Dead, Held, Work, work
from lis_bridge.console.site import Site
from lis_bridge.console.visitor import SiteOf, Technician, Viewer, note_shown, page

router = APIRouter()
Line = Annotated[str, Form(min_length=1, max_length=100)]


@router.get("/")
async def now_page(request: Request, site: SiteOf, user: Viewer) -> Response:
    """The whole page."""
    found = await site.read(lambda tx: whole_of(tx, site))
    await _note_shown(request, found["rows"], found["work"])
    return whole(request, "pages/now.html", **found)


@router.get("/now/analyzers")
async def analyzers(request: Request, site: SiteOf, user: Viewer) -> Response:
    """The tiles."""
    return page(request, "parts/tiles.html", tiles=await site.read(lambda tx: tiles_of(tx, site)))


@router.get("/now/work")
async def work_list(request: Request, site: SiteOf, user: Viewer) -> Response:
    """The work list."""
    found = await site.read(lambda tx: _walls(tx, site))
    await _note_shown(request, (), found["work"])
    return page(request, "parts/work.html", work=found["work"])


@router.get("/now/tubes")
async def tubes(request: Request, site: SiteOf, user: Viewer) -> Response:
    """The tubes."""
    rows = await site.read(recent)
    await _note_shown(request, rows, None)
    return page(request, "parts/tubes.html", rows=rows)


@router.get("/now/figures")
async def figures_(request: Request, site: SiteOf, user: Viewer) -> Response:
    """The foot."""
    return page(request, "parts/figures.html", figures=await site.read(lambda tx: figures(tx, site.local())))


@router.get("/now/top")
async def top(request: Request, site: SiteOf, user: Viewer) -> Response:
    """The LIS's state in the top bar."""
    return page(request, "parts/top.html", top=top_of(site))


@router.post("/holds/{hold}/release")
async def release(request: Request, site: SiteOf, user: Technician, hold: int) -> Response:
    """Let held results go to the LIS."""
    return await _decide(request, site, lambda decisions, _: decisions.release(hold))


@router.post("/holds/{hold}/discard")
async def discard(request: Request, site: SiteOf, user: Technician, hold: int) -> Response:
    """Decide that held results are none."""
    return await _decide(request, site, lambda decisions, _: decisions.discard(hold))


@router.post("/deliveries/{delivery}/resend")
async def resend(request: Request, site: SiteOf, user: Technician, delivery: int) -> Response:
    """Send a dead delivery again."""
    return await _decide(request, site, lambda decisions, _: decisions.resend(delivery))


@router.post("/criticals/{critical}/call")
async def call(
    request: Request,
    site: SiteOf,
    user: Technician,
    critical: int,
    told: Line,
    ward: Annotated[str, Form(max_length=100)] = "",
    read_back: Annotated[bool, Form()] = False,
) -> Response:
    """Register that somebody was told of a critical value."""
    return await _decide(
        request, site, lambda decisions, _: decisions.register_call(critical, told=told, ward=ward, read_back=read_back)
    )


async def _decide(request: Request, site: Site, decision: Decision) -> Response:
    """Decide, and show the list as it now is."""
    await decide(request, site, decision)
    found = await site.read(lambda tx: _walls(tx, site))
    return page(request, "parts/work.html", work=found["work"])


def tiles_of(tx: Connection, site: Site) -> list[Tile]:
    """The analyzers as they are now."""
    return tiles(tx, site.config, site.compiled, site.snapshot(), site.day, site.local())


def whole_of(tx: Connection, site: Site) -> dict[str, Any]:
    """All that the page shows."""
    return {**_walls(tx, site), "rows": recent(tx), "figures": figures(tx, site.local())}


def _walls(tx: Connection, site: Site) -> dict[str, Any]:
    found = tiles_of(tx, site)
    return {"tiles": found, "work": work(tx, found)}


async def _note_shown(request: Request, rows: Any, found: Work | None) -> None:
    """Write down once a session which patients' tubes the page has shown."""
    named = (Critical, Held, Dead)
    keys = {row.key for row in rows} | {item.tube for item in (found.items if found else ()) if isinstance(item, named)}
    await note_shown(request, "now", keys)
