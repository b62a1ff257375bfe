"""A tube: all its results, where each number comes from, what is drawn of it, and what a person does about it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Request
from sqlalchemy import Connection
from starlette.responses import Response

from lis_bridge.console.pages.deciding import top_of
from lis_bridge.console.queries import charts as drawings
from lis_bridge.console.queries.provenance import Provenance, provenance
from lis_bridge.console.queries.sheet import Lab, TubeSheet, sheet, stamp
from lis_bridge.console.site import Site
from lis_bridge.console.visitor import SiteOf, Technician, Viewer, note_of, note_view, page
from lis_bridge.core.faults import BridgeError
from lis_bridge.core.holds import BY_HAND, Reason
from lis_bridge.pipeline.deciding import Decisions
from lis_bridge.tubes.events import Slot

router = APIRouter(prefix="/tubes/{key}")
Words = Annotated[str, Form(min_length=1, max_length=200)]
Line = Annotated[str, Form(min_length=1, max_length=100)]


def lab_of(site: Site) -> Lab:
    """The site's tests and its destinations' charsets."""
    return Lab(site.compiled.tests, {one.id: one.charset for one in site.config.destinations})


async def sheet_of(site: Site, key: str) -> TubeSheet:
    """The tube. Raises 404."""
    found = await site.read(lambda tx: sheet(tx, key, lab_of(site)))
    if found is None:
        raise HTTPException(404, "there is no such tube")
    return found


async def provenance_of(request: Request, site: Site, key: str, number: int, *, whole: bool) -> Provenance:
    """Where a number comes from, once it is written down who asked. Raises 404."""
    found = await site.read(lambda tx: provenance(tx, key, number, lab_of(site), site.compiled.plans, whole=whole))
    if found is None:
        raise HTTPException(404, "there is no such result")
    await note_view(request, f"tube {found.tube}", bytes_of=found.test or found.code)
    return found


@router.get("")
async def tube_page(request: Request, site: SiteOf, user: Viewer, key: str) -> Response:
    """The whole page."""
    found = await sheet_of(site, key)
    await note_view(request, f"tube {found.key}")
    return page(request, "pages/tube.html", sheet=found, reasons=BY_HAND, names=names_of(site), top=top_of(site))


@router.get("/sheet")
async def tube_sheet(request: Request, site: SiteOf, user: Viewer, key: str, seen: str = "") -> Response:
    """The results as they are now; 204 where nothing changed since ``seen``."""
    mark = await site.read(lambda tx: stamp(tx, key))
    if mark is not None and mark[1] == seen:
        return Response(status_code=204)
    return page(request, "parts/sheet.html", sheet=await sheet_of(site, key), names=names_of(site))


@router.get("/results/{number}")
async def result_of(request: Request, site: SiteOf, user: Viewer, key: str, number: int, whole: bool = False) -> Response:
    """Where a number comes from."""
    found = await provenance_of(request, site, key, number, whole=whole)
    revision = next((plan.revision for plan in site.compiled.plans.values() if plan.driver == found.driver), None)
    return page(request, "parts/provenance.html", one=found, whole=whole, driver_now=revision, names=names_of(site))


@router.get("/charts")
async def charts(request: Request, site: SiteOf, user: Viewer, key: str) -> Response:
    """Curves, histograms and pictures."""
    found = await site.read(lambda tx: drawings.charts(tx, key))
    points = [json.dumps([list(one.xs), list(one.ys)]) for one in found.charts]
    return page(request, "parts/charts.html", found=found, points=points, key=key, names=names_of(site))


@router.get("/pictures/{id}")
async def picture(request: Request, site: SiteOf, user: Viewer, key: str, id: int) -> Response:
    """A picture as the analyzer sent it."""
    found = await site.read(lambda tx: drawings.picture(tx, key, id))
    if found is None:
        raise HTTPException(404, "there is no such picture")
    return Response(found[0], media_type=found[1])


@router.post("/holds/{hold}/release")
async def release(request: Request, site: SiteOf, user: Technician, key: str, hold: int) -> Response:
    """Let held results go to the LIS."""
    return await _decide(request, site, key, lambda decisions, _: decisions.release(hold), hold=hold)


@router.post("/holds/{hold}/discard")
async def discard(request: Request, site: SiteOf, user: Technician, key: str, hold: int) -> Response:
    """Decide that held results are none."""
    return await _decide(request, site, key, lambda decisions, _: decisions.discard(hold), hold=hold)


@router.post("/hold")
async def withhold(
    request: Request,
    site: SiteOf,
    user: Technician,
    key: str,
    reason: Annotated[Reason, Form()],
    why: Words,
    number: Annotated[list[int], Form(max_length=2000)],
) -> Response:
    """Hold reported results back."""
    policies = policies_of(site)
    return await _decide(
        request,
        site,
        key,
        lambda decisions, found: decisions.withhold(found.id, slots_of(found, number), reason, why.strip(), policies),
    )


@router.post("/criticals/{critical}/call")
async def call(
    request: Request,
    site: SiteOf,
    user: Technician,
    key: str,
    critical: int,
    told: Line,
    ward: Annotated[str, Form(max_length=100)] = "",
    read_back: Annotated[bool, Form()] = False,
) -> Response:
    """Register that somebody was told of a critical value of this tube."""
    return await _decide(
        request,
        site,
        key,
        lambda decisions, _: decisions.register_call(critical, told=told, ward=ward, read_back=read_back),
    )


async def _decide(
    request: Request, site: Site, key: str, decision: Callable[[Decisions, TubeSheet], Any], hold: int | None = None
) -> Response:
    """Decide in one transaction, about the tube as it then is; answer with it as it is afterwards."""
    await site.write(lambda tx: decide(request, site, tx, key, decision, hold))
    return page(request, "parts/sheet.html", sheet=await sheet_of(site, key), names=names_of(site))


def decide(
    request: Request,
    site: Site,
    tx: Connection,
    key: str,
    decision: Callable[[Decisions, TubeSheet], Any],
    hold: int | None = None,
) -> Any:
    """A decision about a tube in the caller's transaction. Raises BridgeError where ``hold`` is none of its open ones."""
    found = sheet(tx, key, lab_of(site))
    if found is None:
        raise BridgeError("there is no such tube", where=f"tube {key}", hint="look at the list of tubes")
    if hold is not None and hold not in {one.id for one in found.holds}:
        raise BridgeError(
            "this hold is none of this tube, or decided already", where=f"hold {hold}", hint="look at the tube again"
        )
    note = note_of(request)
    decisions = Decisions(tx, site.config.destinations, note.by, note.at, via=note.via, address=note.address)
    return decision(decisions, found)


def slots_of(found: TubeSheet, numbers: list[int]) -> list[Slot]:
    """The measurements of reported results by their numbers. Raises BridgeError where one is reported no more."""
    known = {one.number: one for one in found.results if one.standing == "reported"}
    if not set(numbers) <= set(known):
        hint = "look at the tube again"
        raise BridgeError("one of these results is reported no more", where=f"tube {found.key}", hint=hint)
    return [(known[number].source, known[number].code, known[number].aspect) for number in dict.fromkeys(numbers)]


def policies_of(site: Site) -> dict[str, Any]:
    """Which run each analyzer's driver reports."""
    return {id: plan.manifest.runs.reported for id, plan in site.compiled.plans.items()}


def names_of(site: Site) -> dict[str, str]:
    """What people call the analyzers."""
    return {one.id: one.name or one.id for one in site.config.analyzers}
