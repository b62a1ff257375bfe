"""Correcting a specimen id: both tubes side by side, what goes over, and two confirmations, the second by typing the specimen again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, HTTPException, Query, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from lis_bridge.catalogue.derive import Formulas
from lis_bridge.console.pages.deciding import top_of
from lis_bridge.console.pages.tube import decide, lab_of, names_of, policies_of, slots_of
from lis_bridge.console.queries.sheet import Result, TubeSheet, sheet
from lis_bridge.console.site import Site
from lis_bridge.console.visitor import SiteOf, Technician, note_view, page
from lis_bridge.core.faults import BridgeError, UsageError
from lis_bridge.pipeline.deciding import Decisions, Reader
from lis_bridge.tubes import keys

router = APIRouter(prefix="/tubes/{key}")
Specimen = Annotated[str, Form(min_length=1, max_length=100)]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is to go from ``old`` to the specimen ``to``; ``new`` is None where nothing is known of it yet. ``seen``: both tubes' versions."""

    old: TubeSheet
    new: TubeSheet | None
    to: str
    results: tuple[Result, ...]
    hold: int | None

    @property
    def seen(self) -> str:
        return f"{self.old.version}-{self.new.version if self.new else 0}"


def compare(tx: Connection, site: Site, key: str, to: str, hold: int | None) -> Comparison | None:
    """Both tubes; None for no such tube. Raises UsageError where there is nothing to move, or nowhere to."""
    old = sheet(tx, key, lab_of(site))
    if old is None:
        return None
    target = keys.named(to).key
    if target == old.key:
        raise UsageError("the results stand there already", where=f"tube {old.key}", hint="name another specimen")
    found = sheet(tx, target, lab_of(site))
    new = found if found is not None and found.key == target else None
    wanted = [one for one in old.results if (one.standing == "reported" if hold is None else one.hold == hold)]
    if not wanted:
        raise UsageError("there is nothing to move", where=f"tube {old.key}", hint="look at the tube again")
    return Comparison(old, new, target, tuple(wanted), hold)


@router.get("/move")
async def comparison(
    request: Request,
    site: SiteOf,
    user: Technician,
    key: str,
    to: Annotated[str, Query(min_length=1, max_length=100)],
    hold: Annotated[str, Query(pattern="[0-9]{0,18}")] = "",
) -> Response:
    """Both patients, before anything happens."""
    found = await site.read(lambda tx: compare(tx, site, key, to.strip(), int(hold) if hold else None))
    if found is None:
        raise HTTPException(404, "there is no such tube")
    seen = [found.old.key, *([found.new.key] if found.new else [])]
    for one in seen:
        await note_view(request, f"tube {one}", compared=seen)
    return page(request, "pages/move.html", found=found, names=names_of(site), top=top_of(site))


@router.post("/move")
async def move(
    request: Request,
    site: SiteOf,
    user: Technician,
    key: str,
    to: Specimen,
    again: Specimen,
    seen: Annotated[str, Form(max_length=50)],
    number: Annotated[list[int] | None, Form(max_length=2000)] = None,
    hold: Annotated[int | None, Form()] = None,
) -> Response:
    """Take the results back from one specimen (W) and report them of the other (F)."""
    moved = await site.write(lambda tx: act(request, site, tx, key, to, again, seen, number or [], hold))
    address = f"/tubes/{quote(moved, safe='')}"
    if "hx-request" in request.headers:
        return Response(status_code=204, headers={"HX-Redirect": address})
    return RedirectResponse(address, 303)


def act(
    request: Request, site: Site, tx: Connection, key: str, to: str, again: str, seen: str, numbers: list[int], hold: int | None
) -> str:
    """Move in the caller's transaction what a person saw; the other tube's key. Raises BridgeError where anything is not as he saw it."""
    target = keys.named(to).key
    if keys.named(again).key != target:
        raise UsageError(
            "the specimen was typed differently the second time", where=target, hint="type it once more as it stands on the tube"
        )
    found = compare(tx, site, key, target, hold)
    if found is None or found.seen != seen:
        raise BridgeError("the tubes changed meanwhile; nothing was moved", where=f"tube {key}", hint="look again, then move")
    decide(request, site, tx, key, lambda decisions, old: _moved(decisions, old, site, target, numbers, hold), hold)
    return target


def _moved(decisions: Decisions, old: TubeSheet, site: Site, target: str, numbers: list[int], hold: int | None) -> None:
    if hold is not None:
        decisions.move(hold, target, Reader(site.compiled.plans, Formulas.load(), site.compiled.tests))
    else:
        decisions.move_results(old.id, slots_of(old, numbers), target, policies_of(site))
