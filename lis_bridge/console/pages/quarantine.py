"""The quarantine: what waits for a mapping, for a decision about a hold, or for a message to be read again."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from sqlalchemy import Connection
from starlette.responses import Response

from lis_bridge import journal
from lis_bridge.console.csv import download
from lis_bridge.console.pages.deciding import Line, decide, elsewhere, whole
from lis_bridge.console.queries import quarantine as query
from lis_bridge.console.queries.comparing import compared
from lis_bridge.console.queries.paging import EXPORTED, ROWS, page_of
from lis_bridge.console.queries.provenance import charset_of
from lis_bridge.console.site import Site
from lis_bridge.console.visitor import Before, SiteOf, Technician, Viewer, note_shown, note_view, page
from lis_bridge.core.faults import BridgeError, UsageError
from lis_bridge.tubes import views
from lis_bridge.tubes.views import HoldLine

router = APIRouter(prefix="/quarantine")
Specimen = Annotated[str, Query(max_length=100)]


@router.get("")
async def quarantine_page(request: Request, site: SiteOf, user: Viewer, before: Before = None) -> Response:
    """Everything that waits, by what mends it."""
    return whole(request, "pages/quarantine.html", **await listed(request, site, before))


@router.get("/list")
async def list_(request: Request, site: SiteOf, user: Viewer, before: Before = None) -> Response:
    """The same as a fragment."""
    return page(request, "parts/quarantine.html", **await listed(request, site, before))


async def listed(request: Request, site: Site, before: int | None = None) -> dict[str, Any]:
    """What the list shows; which patients it showed is written down."""

    def ask(tx: Connection) -> dict[str, Any]:
        return {"unmapped": query.unmapped(tx), "held": query.held(tx, before=before, limit=ROWS), "unread": query.unread(tx)}

    found = await site.read(ask)
    await note_shown(request, "quarantine", {one.tube for one in found["held"].rows})
    return {**found, "before": before, "opened": None, "names": {one.id: one.name or one.id for one in site.config.analyzers}}


@router.get(".csv")
async def holds_csv(request: Request, site: SiteOf, user: Viewer) -> Response:
    """Every open hold as a file."""
    await note_view(request, "quarantine", file="csv")
    head = ("hold", "tube", "entry", "analyzer", "reason", "detail", "codes", "results", "since")

    def cells(line: HoldLine) -> tuple[object, ...]:
        codes = " ".join(line.codes)
        at = line.created_at
        return (line.id, line.key, line.journal_id, line.analyzer, line.reason, line.detail, codes, line.results, at)

    def ask(tx: Connection, before: int | None) -> Any:
        return page_of(views.holds(tx, before=before, limit=EXPORTED + 1), EXPORTED, lambda line: line.id)

    return download(site, "quarantine", head, ask, cells)


@router.get("/holds/{hold}")
async def hold_page(request: Request, site: SiteOf, user: Viewer, hold: int, to: Specimen = "") -> Response:
    """One hold: what it keeps back, its bytes, and, with ``to``, the specimen that it is to be filed under beside its own."""
    found = await site.read(lambda tx: query.opened(tx, hold))
    if found is None:
        raise HTTPException(404)
    entry = await site.read(lambda tx: journal.get(tx, found.hold.journal_id))
    other = await site.read(lambda tx: compared(tx, found.hold.tube_id, to)) if to.strip() else None
    for key in filter(None, {found.hold.key, other and other.key if other and other.tube else None}):
        await note_view(request, f"tube {key}")
    if found.hold.key is None:
        await note_view(request, f"journal entry {found.hold.journal_id}")
    rows = found.runs or _unplaced(site, found.hold, entry)
    charset = charset_of(entry, site.compiled.plans.get(found.hold.analyzer)) if entry else ""
    return whole(request, "pages/hold.html", found=found, rows=rows, entry=entry, charset=charset, beside=other)


def _unplaced(site: Site, hold: HoldLine, entry: journal.Filed | None) -> list[Any]:
    """The results of a hold that names no tube, as its analyzer's plan reads them now."""
    plan = site.compiled.plans.get(hold.analyzer)
    if entry is None or plan is None:
        return []
    found = plan.decode(entry.raw, complete=entry.complete).messages
    return [{"observation": row} for message in found for row in message.observations if row.is_result and row.key in hold.codes]


@router.post("/holds/{hold}/release")
async def release(request: Request, site: SiteOf, user: Technician, hold: int) -> Response:
    """Let held results go to the LIS."""
    await decide(request, site, lambda decisions, tx: decisions.release(hold))
    return await _after(request, site)


@router.post("/holds/{hold}/discard")
async def discard(request: Request, site: SiteOf, user: Technician, hold: int) -> Response:
    """Decide that held results are none."""
    await decide(request, site, lambda decisions, tx: decisions.discard(hold))
    return await _after(request, site)


@router.post("/holds/{hold}/replay")
async def replay_hold(request: Request, site: SiteOf, user: Technician, hold: int) -> Response:
    """Process the message that a hold came in again."""
    await replay_entry_of(request, site, hold)
    return await _after(request, site)


async def replay_entry_of(request: Request, site: Site, hold: int) -> None:
    """Process the message that a hold came in again. Raises 404 where there is no such hold."""
    found = await site.read(lambda tx: views.hold_line(tx, hold))
    if found is None:
        raise HTTPException(404)
    await decide(request, site, lambda decisions, tx: decisions.replay(found.journal_id))


@router.post("/holds/{hold}/move")
async def move(request: Request, site: SiteOf, user: Technician, hold: int, to: Line, again: Line, seen: Line) -> Response:
    """File held results under another specimen, once the person saw both patients and typed the specimen again."""
    await place(request, site, hold, to, again, seen)
    return await _after(request, site)


async def place(request: Request, site: Site, hold: int, to: str, again: str, seen: str) -> None:
    """File what a hold keeps back under the specimen ``to``. Raises UsageError where ``again`` differs, BridgeError where ``seen`` is the past."""
    if to.strip() != again.strip():
        raise UsageError("the specimen was typed differently", where=again, hint="type the specimen that stands above once more")
    reader = site.reader()

    def work(decisions: Any, tx: Connection) -> None:
        found = query.opened(tx, hold)
        if found is None or compared(tx, found.hold.tube_id, to).seen != seen:
            raise BridgeError(
                "the tubes changed meanwhile; nothing was moved", where=f"hold {hold}", hint="look again, then decide"
            )
        decisions.move(hold, to.strip(), reader)

    await decide(request, site, work)


@router.get("/messages")
async def messages_page(
    request: Request, site: SiteOf, user: Viewer, analyzer: str, reason: str, before: Before = None
) -> Response:
    """The messages of an analyzer that could not be understood for one reason."""
    found = await site.read(lambda tx: query.alike(tx, analyzer, reason, before=before, limit=ROWS))
    filters = {"analyzer": analyzer, "reason": reason}
    return whole(request, "pages/messages.html", found=found, filters=filters, before=before, analyzer=analyzer, reason=reason)


@router.get("/messages.csv")
async def messages_csv(request: Request, site: SiteOf, user: Viewer) -> Response:
    """Every quarantined message as a file, without its bytes."""
    head = ("entry", "analyzer", "peer", "received", "bytes", "reason", "detail")

    def cells(line: journal.Line) -> tuple[object, ...]:
        return (line.id, line.analyzer, line.peer, line.received_at.isoformat(), line.size, line.reason, line.detail)

    def ask(tx: Connection, before: int | None) -> Any:
        return page_of(journal.lines(tx, state="quarantined", before=before, limit=EXPORTED + 1), EXPORTED, lambda line: line.id)

    return download(site, "messages", head, ask, cells)


@router.get("/messages/{entry}")
async def message_page(request: Request, site: SiteOf, user: Viewer, entry: int) -> Response:
    """One message: its bytes, and what the driver makes of them now."""
    found = await site.read(lambda tx: journal.get(tx, entry))
    if found is None:
        raise HTTPException(404)
    await note_view(request, f"journal entry {entry}")
    plan = site.compiled.plans.get(found.analyzer)
    decoded = await site.apart(lambda: plan.decode(found.raw, complete=found.complete)) if plan else None
    return whole(request, "pages/message.html", entry=found, decoded=decoded, charset=charset_of(found, plan))


@router.post("/messages/replay")
async def replay_alike(request: Request, site: SiteOf, user: Technician, analyzer: Line, reason: Line) -> Response:
    """Process all messages of an analyzer that wait for the same reason again, at most a page's worth at a time."""
    await replay_all(request, site, analyzer, reason)
    return await _after(request, site)


async def replay_all(request: Request, site: Site, analyzer: str, reason: str) -> int:
    """Process what waits for one reason again; how many entries."""

    def work(decisions: Any, tx: Connection) -> int:
        rows = query.alike(tx, analyzer, reason, limit=EXPORTED).rows
        for line in rows:
            decisions.replay(line.id)
        return len(rows)

    return int(await decide(request, site, work))


@router.post("/messages/{entry}/replay")
async def replay(request: Request, site: SiteOf, user: Technician, entry: int) -> Response:
    """Process a message again."""
    await decide(request, site, lambda decisions, tx: decisions.replay(entry))
    return await _after(request, site)


@router.post("/messages/{entry}/discard")
async def discard_message(request: Request, site: SiteOf, user: Technician, entry: int, why: Line) -> Response:
    """Take a message off the list, with a reason; its bytes stay."""
    await decide(request, site, lambda decisions, tx: decisions.discard_entry(entry, why))
    return await _after(request, site)


async def _after(request: Request, site: Site) -> Response:
    """The list as it now is, where it is what the person looks at; else the way back to it."""
    if request.headers.get("hx-target") == "quarantine":
        return page(request, "parts/quarantine.html", **await listed(request, site))
    return elsewhere(request, "/quarantine")
