"""Tubes, their results, where a number comes from, and what a person decides: the pages' own read models and decisions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Query, Request
from pydantic import BaseModel, Field

from lis_bridge.console.pages import moving
from lis_bridge.console.pages.tube import decide, policies_of, provenance_of, sheet_of, slots_of
from lis_bridge.console.pages.tubes import AskedOf
from lis_bridge.console.queries import tubes as finding
from lis_bridge.console.queries.paging import Page
from lis_bridge.console.queries.provenance import Provenance
from lis_bridge.console.queries.recent import Row
from lis_bridge.console.queries.sheet import TubeSheet
from lis_bridge.console.visitor import SiteOf, Technician, Viewer, note_view
from lis_bridge.core.holds import Reason

router = APIRouter(prefix="/tubes", tags=["tubes"])


class Withholding(BaseModel):
    """Reported results, by their numbers, to be held back."""

    numbers: Annotated[list[int], Field(min_length=1, max_length=2000)]
    reason: Reason
    why: Annotated[str, Field(min_length=1, max_length=200)]


class Moving(BaseModel):
    """Reported results, or a hold's, that belong to the specimen ``to``; ``again`` is the same, typed once more, ``seen`` is ``OLD-NEW`` versions."""

    to: Annotated[str, Field(min_length=1, max_length=100)]
    again: Annotated[str, Field(min_length=1, max_length=100)]
    seen: str
    numbers: Annotated[list[int], Field(max_length=2000)] = []
    hold: int | None = None


class Call(BaseModel):
    """Who was told of a critical value."""

    told: Annotated[str, Field(min_length=1, max_length=100)]
    ward: Annotated[str, Field(max_length=100)] = ""
    read_back: bool = False


@router.get("")
async def tubes(
    request: Request,
    site: SiteOf,
    user: Viewer,
    asked: AskedOf,
    before: int | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Page[Row]:
    """Tubes, the newest first; ask on with ``before`` until it is null, also when a page is empty."""
    filters = asked.filters(site)
    found = (await site.read(lambda tx: finding.find(tx, filters, before, limit))).page
    if found.rows:
        await note_view(request, "tubes", tubes=[row.key for row in found.rows])
    return found


@router.get("/{key}")
async def tube(request: Request, site: SiteOf, user: Viewer, key: str) -> TubeSheet:
    """A tube with its results by panel, its holds and its critical values."""
    found = await sheet_of(site, key)
    await note_view(request, f"tube {found.key}")
    return found


@router.get("/{key}/results/{number}")
async def result(request: Request, site: SiteOf, user: Viewer, key: str, number: int, whole: bool = False) -> Provenance:
    """Where a number comes from."""
    return await provenance_of(request, site, key, number, whole=whole)


@router.post("/{key}/holds/{hold}/release")
async def release(request: Request, site: SiteOf, user: Technician, key: str, hold: int) -> TubeSheet:
    """Let held results go to the LIS; the tube as it then is."""
    await site.write(lambda tx: decide(request, site, tx, key, lambda decisions, _: decisions.release(hold), hold))
    return await sheet_of(site, key)


@router.post("/{key}/holds/{hold}/discard")
async def discard(request: Request, site: SiteOf, user: Technician, key: str, hold: int) -> TubeSheet:
    """Decide that held results are none; the tube as it then is."""
    await site.write(lambda tx: decide(request, site, tx, key, lambda decisions, _: decisions.discard(hold), hold))
    return await sheet_of(site, key)


@router.post("/{key}/hold")
async def hold(request: Request, site: SiteOf, user: Technician, key: str, said: Annotated[Withholding, Body()]) -> TubeSheet:
    """Hold reported results back; the tube as it then is."""
    policies = policies_of(site)
    await site.write(
        lambda tx: decide(
            request,
            site,
            tx,
            key,
            lambda decisions, found: decisions.withhold(
                found.id, slots_of(found, said.numbers), said.reason, said.why.strip(), policies
            ),
        )
    )
    return await sheet_of(site, key)


@router.post("/{key}/move")
async def move(request: Request, site: SiteOf, user: Technician, key: str, said: Annotated[Moving, Body()]) -> TubeSheet:
    """Move results to another specimen; that tube as it then is."""
    target = await site.write(
        lambda tx: moving.act(request, site, tx, key, said.to, said.again, said.seen, said.numbers, said.hold)
    )
    return await sheet_of(site, target)


@router.post("/{key}/criticals/{critical}/call")
async def call(
    request: Request, site: SiteOf, user: Technician, key: str, critical: int, said: Annotated[Call, Body()]
) -> TubeSheet:
    """Register that somebody was told of a critical value; the tube as it then is."""
    await site.write(
        lambda tx: decide(
            request,
            site,
            tx,
            key,
            lambda decisions, _: decisions.register_call(critical, told=said.told, ward=said.ward, read_back=said.read_back),
        )
    )
    return await sheet_of(site, key)
