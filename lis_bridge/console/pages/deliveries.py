"""Deliveries: what the LIS is owed, what it was told and what it said, and what a person decides about a dead one."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from sqlalchemy import Connection
from starlette.responses import Response

from lis_bridge import audit, outbox
from lis_bridge.console.csv import download
from lis_bridge.console.pages.deciding import decide, elsewhere, whole
from lis_bridge.console.queries.deliveries import Wanted, deliveries
from lis_bridge.console.queries.paging import EXPORTED, ROWS
from lis_bridge.console.site import Site
from lis_bridge.console.visitor import (
    BLANK,
    Before,
    Day,
    SiteOf,
    Technician,
    Text,
    Viewer,
    filters_of,
    note_shown,
    note_view,
    page,
)
from lis_bridge.outbox import Line, State

router = APIRouter()
STATES: tuple[State, ...] = get_args(State)


def wanted_of(
    state: Annotated[State | None, BLANK] = None,
    destination: Text = None,
    tube: Text = None,
    since: Day = None,
    until: Day = None,
) -> Wanted:
    """What the address says."""
    return Wanted(state, destination, tube and tube.strip(), since, until)


WantedOf = Annotated[Wanted, Depends(wanted_of)]


@router.get("/deliveries")
async def deliveries_page(
    request: Request,
    site: SiteOf,
    user: Viewer,
    wanted: WantedOf,
    before: Before = None,
) -> Response:
    """The list; asked for by the list itself, the list alone."""
    found = await site.read(lambda tx: deliveries(tx, wanted, site.config.site.timezone, before=before, limit=ROWS))
    await note_shown(request, "deliveries", {line.tube for line in found.rows})
    values: dict[str, Any] = {"found": found, "filters": filters_of(wanted), "before": before, "wanted": wanted, "states": STATES}
    values["destinations"] = [one.id for one in site.config.destinations]
    if request.headers.get("hx-target") == "deliveries":
        return page(request, "parts/deliveries.html", **values)
    return whole(request, "pages/deliveries.html", **values)


@router.get("/deliveries.csv")
async def deliveries_csv(request: Request, site: SiteOf, user: Viewer, wanted: WantedOf) -> Response:
    """The whole list as a file."""
    zone = site.config.site.timezone
    await note_view(request, "deliveries", file="csv", filters=filters_of(wanted))
    head = (
        "delivery",
        "control id",
        "destination",
        "tube",
        "results",
        "state",
        "tries",
        "created",
        "settled",
        "verdict",
        "words",
    )

    def cells(line: Line) -> tuple[object, ...]:
        at = (site.local(line.created_at).isoformat(), site.local(line.settled_at).isoformat() if line.settled_at else "")
        said = (line.verdict, line.lis_text)
        return (line.id, line.control_id, line.destination, line.tube, line.results, line.state, line.attempts, *at, *said)

    def ask(tx: Connection, before: int | None) -> Any:
        return deliveries(tx, wanted, zone, before=before, limit=EXPORTED)

    return download(site, "deliveries", head, ask, cells)


@router.get("/deliveries/{delivery}")
async def delivery_page(request: Request, site: SiteOf, user: Viewer, delivery: int) -> Response:
    """One delivery with its message, the LIS's answer, and who decided what about it."""

    def ask(tx: Connection) -> tuple[outbox.Delivery | None, list[audit.Line]]:
        return outbox.get(tx, delivery), audit.lines(tx, subject=f"delivery {delivery}", limit=ROWS)

    found, history = await site.read(ask)
    if found is None:
        raise HTTPException(404)
    await note_view(request, f"tube {found.line.tube}", delivery=delivery)
    return whole(request, "pages/delivery.html", found=found, history=history, charset=charset_of(site, found.line))


@router.post("/deliveries/{delivery}/decide")
async def decide_about(
    request: Request,
    site: SiteOf,
    user: Technician,
    delivery: int,
    decision: Annotated[str, Form(pattern="^(resend|dismiss)$")],
    why: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Send a dead delivery again, or give it up with a reason."""
    if decision == "resend":
        await decide(request, site, lambda decisions, tx: decisions.resend(delivery))
    elif not why.strip():
        raise HTTPException(422, "say why the LIS is never to get it")
    else:
        await decide(request, site, lambda decisions, tx: decisions.dismiss(delivery, why.strip()))
    return elsewhere(request, f"/deliveries/{delivery}")


def charset_of(site: Site, line: Line) -> str:
    """The destination's charset; UTF-8 where it has left the configuration."""
    return next((one.charset for one in site.config.destinations if one.id == line.destination), "UTF-8")
