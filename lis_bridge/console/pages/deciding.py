"""What several pages do: decide, in one transaction and in the name of the person who asked; answer with a whole page; send elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Form, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from lis_bridge.console.site import Site
from lis_bridge.console.visitor import note_of, page, site_of
from lis_bridge.pipeline.deciding import Decisions

Line = Annotated[str, Form(min_length=1, max_length=200)]
Decision = Callable[[Decisions, Connection], Any]


async def decide(request: Request, site: Site, decision: Decision) -> Any:
    """What the decision returns, after its commit. Raises what the room below refuses."""
    note = note_of(request)

    def act(tx: Connection) -> Any:
        return decision(Decisions(tx, site.config.destinations, note.by, note.at, via=note.via, address=note.address), tx)

    made = await site.write(act)
    site.look()
    return made


def whole(request: Request, template: str, **values: Any) -> Response:
    """A page inside the layout, which also says how the LIS fares."""
    return page(request, template, top=top_of(site_of(request)), **values)


def top_of(site: Site) -> dict[str, Any]:
    """The LIS's state: the worst of several."""
    destinations = site.snapshot().destinations
    away = [one for one in destinations if one.state != "connected"]
    return {"destinations": destinations, "away": away, "owed": sum(one.owed for one in destinations)}


def elsewhere(request: Request, path: str) -> Response:
    """Send the browser to another page of ours."""
    if "hx-request" in request.headers:
        return Response(status_code=204, headers={"HX-Redirect": path})
    return RedirectResponse(path, 303)
