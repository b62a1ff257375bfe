"""What waits for a person, his decisions, and what is mapped, as JSON: the pages' own read models, roles and audit entries."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from pydantic import BaseModel, Field

from lis_bridge import mappings
from lis_bridge.console.api.lists import Limit, pages_of, plain
from lis_bridge.console.api.models import model_of
from lis_bridge.console.pages.deciding import decide
from lis_bridge.console.pages.mapping import ignored, opened, take_back
from lis_bridge.console.pages.quarantine import place, replay_all, replay_entry_of
from lis_bridge.console.queries import quarantine as query
from lis_bridge.console.queries.comparing import Beside, compared
from lis_bridge.console.queries.mapping import Kind
from lis_bridge.console.visitor import Engineer, SiteOf, Technician, Viewer, note_shown, note_view
from lis_bridge.journal import Line
from lis_bridge.mappings import Mapping
from lis_bridge.tubes import views

router = APIRouter(tags=["quarantine"])
Short = Annotated[str, Field(min_length=1, max_length=200)]


class Mapped(BaseModel):
    """A device's code, as the quarantine shows it, that means a test of the catalogue, or a key of ``[analyzer.units]`` that means a unit."""

    analyzer: Short
    kind: Kind = "code"
    said: Short
    means: Short


class IgnoredCode(BaseModel):
    """A device's code, as the quarantine shows it, whose results are knowingly not reported."""

    analyzer: Short
    said: Short


class Replayed(BaseModel):
    """How many journal entries are processed again."""

    replayed: int


class Candidate(BaseModel):
    """A test that a code may be; ``unit`` and ``values`` tell how far what was sent fits it: fits, part, no. ``usual``: the code is of an
    unusual material, and the test is the usual one's.
    """

    test: str
    unit: str
    values: str
    inside: int
    also: list[str]
    taken: int
    usual: bool


class Placing(BaseModel):
    """A hold's results belong to the specimen ``to``; ``again`` is the same, typed once more, ``seen`` is what ``beside`` told."""

    to: Short
    again: Short
    seen: Short


class Alike(BaseModel):
    """Messages of an analyzer that could not be understood for a reason."""

    analyzer: Short
    reason: Short


class Why(BaseModel):
    """A reason, kept with the entry."""

    why: Short


@router.get("/quarantine/unmapped", response_model=list[model_of(query.Unmapped)])  # type: ignore[misc]
async def unmapped(site: SiteOf, user: Viewer) -> Any:
    """Codes and units that wait to be mapped."""
    return plain(await site.read(query.unmapped))


@router.get("/quarantine/holds", response_model=pages_of(query.Held))
async def holds(request: Request, site: SiteOf, user: Viewer, before: int | None = None, limit: Limit = 50) -> Any:
    """Open holds that no mapping mends."""
    found = await site.read(lambda tx: query.held(tx, before=before, limit=limit))
    await note_shown(request, "quarantine", {one.tube for one in found.rows})
    return plain(found)


@router.get("/quarantine/messages", response_model=pages_of(Line))
async def messages(site: SiteOf, user: Viewer, analyzer: str, reason: str, before: int | None = None, limit: Limit = 50) -> Any:
    """Messages of an analyzer that could not be understood for a reason; ``/quarantine/unread`` names both."""
    return plain(await site.read(lambda tx: query.alike(tx, analyzer, reason, before=before, limit=limit)))


@router.get("/quarantine/unread", response_model=list[model_of(query.Unread)])  # type: ignore[misc]
async def unread(site: SiteOf, user: Viewer) -> Any:
    """Messages that could not be understood, by analyzer and reason."""
    return plain(await site.read(query.unread))


@router.get("/quarantine/holds/{hold}", response_model=model_of(query.Opened))
async def hold(request: Request, site: SiteOf, user: Viewer, hold: int) -> Any:
    """One hold with what it keeps back, and what is reported of the same tests."""
    found = await site.read(lambda tx: query.opened(tx, hold))
    if found is None:
        raise HTTPException(404)
    await note_view(request, f"tube {found.hold.key}" if found.hold.key else f"journal entry {found.hold.journal_id}")
    return found  # as it is: an observation is stored as an array, and would be told as one


@router.post("/quarantine/holds/{hold}/release", status_code=204)
async def release(request: Request, site: SiteOf, user: Technician, hold: int) -> None:
    """Let held results go to the LIS."""
    await decide(request, site, lambda decisions, tx: decisions.release(hold))


@router.post("/quarantine/holds/{hold}/discard", status_code=204)
async def discard(request: Request, site: SiteOf, user: Technician, hold: int) -> None:
    """Decide that held results are none."""
    await decide(request, site, lambda decisions, tx: decisions.discard(hold))


@router.post("/quarantine/holds/{hold}/replay", status_code=204)
async def replay_hold(request: Request, site: SiteOf, user: Technician, hold: int) -> None:
    """Process the message that a hold came in again."""
    await replay_entry_of(request, site, hold)


@router.get("/quarantine/holds/{hold}/beside", response_model=model_of(Beside))
async def beside(request: Request, site: SiteOf, user: Viewer, hold: int, to: Annotated[str, Query(max_length=100)]) -> Any:
    """Both tubes, before a hold's results are filed under another specimen; ``seen`` is what a move is to name."""
    line = await site.read(lambda tx: views.hold_line(tx, hold))
    if line is None:
        raise HTTPException(404)
    both = await site.read(lambda tx: compared(tx, line.tube_id, to))
    for key in sorted({one.key for one in (both.own, both.tube) if one}):
        await note_view(request, f"tube {key}")
    return plain(both)


@router.post("/quarantine/holds/{hold}/move", status_code=204)
async def move(request: Request, site: SiteOf, user: Technician, hold: int, said: Placing) -> None:
    """File what a hold keeps back under the specimen that it belongs to, also where the hold names none."""
    await place(request, site, hold, said.to, said.again, said.seen)


@router.post("/quarantine/messages/replay")
async def replay_alike(request: Request, site: SiteOf, user: Technician, said: Alike) -> Replayed:
    """Process all messages that wait for one reason again."""
    return Replayed(replayed=await replay_all(request, site, said.analyzer, said.reason))


@router.post("/quarantine/messages/{entry}/replay", status_code=204)
async def replay(request: Request, site: SiteOf, user: Technician, entry: int) -> None:
    """Process a journal entry again."""
    await decide(request, site, lambda decisions, tx: decisions.replay(entry))


@router.post("/quarantine/messages/{entry}/discard", status_code=204)
async def discard_message(request: Request, site: SiteOf, user: Technician, entry: int, said: Why) -> None:
    """Take a quarantined message off the list; its bytes stay."""
    await decide(request, site, lambda decisions, tx: decisions.discard_entry(entry, said.why))


@router.get("/quarantine/candidates")
async def candidates(site: SiteOf, user: Viewer, analyzer: str, code: str, q: str | None = None) -> list[Candidate]:
    """The catalogue's tests that a text finds for an unknown code; without ``q`` what the code itself suggests."""
    found = await opened(site, analyzer, "code", code, q)
    return [
        Candidate(
            test=one.test.code,
            unit=one.unit,
            values=one.values,
            inside=one.inside,
            also=list(one.also),
            taken=one.taken,
            usual=one.usual,
        )
        for one in found["candidates"]
    ]


@router.get("/mappings", response_model=list[model_of(Mapping)])  # type: ignore[misc]
async def every(site: SiteOf, user: Viewer) -> Any:
    """What people mapped, over the configuration."""
    return plain(await site.read(mappings.every))


@router.post("/mappings")
async def map_(request: Request, site: SiteOf, user: Technician, one: Mapped) -> Replayed:
    """Map a code or a unit, and have what waited for it processed again."""
    if one.analyzer not in site.compiled.plans:
        raise HTTPException(404)
    tests = site.compiled.tests
    made = await decide(request, site, lambda decisions, tx: decisions.map(one.analyzer, one.kind, one.said, one.means, tests))
    return Replayed(replayed=made)


@router.post("/mappings/ignored")
async def ignore(request: Request, site: SiteOf, user: Engineer, one: IgnoredCode) -> Replayed:
    """Say that a code is knowingly not reported, and have what waited for it processed again."""
    return Replayed(replayed=await ignored(request, site, one.analyzer, one.said))


@router.delete("/mappings", status_code=204)
async def unmap(
    request: Request,
    site: SiteOf,
    user: Technician,
    analyzer: Annotated[str, Query(max_length=100)],
    said: Annotated[str, Query(max_length=200)],
    kind: mappings.Kind = "code",
) -> None:
    """Take a mapping back, or (an engineer) that a code is ignored; what was filed by it stays."""
    await take_back(request, site, user, analyzer, kind, said)
