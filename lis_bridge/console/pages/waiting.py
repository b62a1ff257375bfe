"""The counts at the rail, and the one count that the locked door tells: that a critical value waits, of nobody's name."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from lis_bridge.console.queries.waiting import raised, waiting
from lis_bridge.console.queries.work import open_criticals
from lis_bridge.console.visitor import SiteOf, Viewer, page

router = APIRouter()


@router.get("/now/counts")
async def counts(request: Request, site: SiteOf, user: Viewer) -> Response:
    """What waits, for the rail of whatever page is open."""
    return page(request, "parts/counts.html", counts=await site.read(waiting))


@router.get("/waiting")
async def at_the_door(request: Request, site: SiteOf) -> Response:
    """How many critical values wait; anybody may ask, and learns nothing else."""
    criticals, last = await site.read(lambda tx: (open_criticals(tx), raised(tx)))
    return page(request, "parts/waiting.html", criticals=criticals, raised=last)
