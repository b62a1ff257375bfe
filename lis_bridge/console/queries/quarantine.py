"""What waits in the quarantine: codes and units to be mapped, results that are held, messages that could not be understood."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, func, literal_column, select

from lis_bridge import journal
from lis_bridge.console.queries.paging import Page, page_of
from lis_bridge.core.holds import Reason
from lis_bridge.storage import unindexed
from lis_bridge.storage.schema.holds import hold
from lis_bridge.storage.schema.journal import journal as entries
from lis_bridge.storage.schema.tubes import tube
from lis_bridge.tubes import views
from lis_bridge.tubes.views import HoldLine, RunLine

TO_MAP = (Reason.UNKNOWN_CODE.value, Reason.UNKNOWN_UNIT.value)
"""Reasons that one mapping mends for many tubes: shown together."""
_OPEN = hold.c.state == literal_column("'open'")
_QUARANTINED = entries.c.state == literal_column("'quarantined'")


class Unmapped(msgspec.Struct, frozen=True):
    """A device's code (with ``@`` and a material that is not the usual one) that is in no mapping, or whose unit is not known; ``messages`` wait for it."""

    analyzer: str
    reason: str
    code: str
    messages: int
    since: datetime


class Held(msgspec.Struct, frozen=True):
    """A hold that a person decides about; ``tube`` is empty where no tube could be named."""

    id: int
    tube: str
    patient: str
    stat: bool
    journal_id: int
    analyzer: str
    reason: str
    detail: str
    codes: str
    results: int
    since: datetime


class Unread(msgspec.Struct, frozen=True):
    """Messages of one analyzer that could not be understood, for one reason; ``newest`` is an entry's number."""

    analyzer: str
    reason: str
    detail: str
    messages: int
    newest: int
    since: datetime


def unmapped(tx: Connection) -> list[Unmapped]:
    """By analyzer and code, what waits longest first."""
    h = hold.c
    query = (
        select(h.analyzer, h.reason, h.codes, func.count(), func.min(h.created_at), func.min(h.id))
        .where(_OPEN, h.reason.in_(TO_MAP))
        .group_by(h.analyzer, h.reason, h.codes)
        .order_by(func.min(h.id))
    )
    found: dict[tuple[str, str, str], tuple[int, str]] = {}
    for analyzer, reason, codes, messages, since, _ in tx.execute(query):
        for code in codes.split("\n"):
            known, first = found.get((analyzer, reason, code), (0, since))
            found[analyzer, reason, code] = (known + messages, min(first, since))
    return [Unmapped(*key, count, datetime.fromisoformat(since)) for key, (count, since) in found.items()]


def held(tx: Connection, *, before: int | None = None, limit: int) -> Page[Held]:
    """Holds that no mapping mends, the newest first."""
    h = hold.c
    columns = (
        *(h.id, tube.c.key, tube.c.patient_name, tube.c.stat, h.journal_id),
        *(h.analyzer, h.reason, h.detail, h.codes, h.results, h.created_at),
    )
    wanted = [_OPEN, h.reason.not_in(TO_MAP)] + ([h.id < before] if before is not None else [])
    joined = hold.outerjoin(tube, h.tube_id == tube.c.id)
    rows = tx.execute(select(*columns).select_from(joined).where(*wanted).order_by(h.id.desc()).limit(limit + 1))
    return page_of([_held(row) for row in rows], limit, lambda one: one.id)


def _held(row: Sequence[object]) -> Held:
    id, key, patient, stat, journal_id, analyzer, reason, detail, codes, results, at = row
    cells = (key or "", patient or "", bool(stat), journal_id, analyzer, reason, detail, str(codes).replace("\n", " "), results)
    return Held(id, *cells, datetime.fromisoformat(str(at)))  # type: ignore[arg-type]


def unread(tx: Connection) -> list[Unread]:
    """By analyzer and reason, what waits longest first."""
    j = entries.c
    query = (
        select(j.analyzer, j.reason, func.count(), func.min(j.received_at), func.max(j.id), func.min(j.id))
        .where(_QUARANTINED)
        .group_by(unindexed(j.analyzer), j.analyzer, j.reason)
        .order_by(func.min(j.id))
    )
    found = tx.execute(query).all()
    details = _details(tx, (row[4] for row in found))
    return [
        Unread(analyzer, reason or "", details.get(newest, ""), messages, newest, datetime.fromisoformat(since))
        for analyzer, reason, messages, since, newest, _ in found
    ]


def _details(tx: Connection, ids: Iterable[int]) -> dict[int, str]:
    query = select(entries.c.id, entries.c.detail).where(entries.c.id.in_(list(ids)))
    return {id: detail or "" for id, detail in tx.execute(query)}


def alike(tx: Connection, analyzer: str, reason: str, *, before: int | None = None, limit: int) -> Page[journal.Line]:
    """The quarantined messages of an analyzer with this reason, the newest first."""
    j = entries.c
    wanted = [_QUARANTINED, unindexed(j.analyzer) == analyzer, j.reason == reason] + (
        [j.id < before] if before is not None else []
    )
    ids = [row[0] for row in tx.execute(select(j.id).where(*wanted).order_by(j.id.desc()).limit(limit + 1))]
    lines = [line for id in ids for line in journal.lines(tx, state="quarantined", before=id + 1, limit=1)]
    return page_of(lines, limit, lambda line: line.id)


class Opened(msgspec.Struct, frozen=True):
    """A hold with what it keeps back, and what is reported of the same tests; ``runs`` is empty where no tube could be named."""

    hold: HoldLine
    patient: str
    runs: tuple[RunLine, ...]
    reported: dict[str, RunLine]


def opened(tx: Connection, hold_id: int) -> Opened | None:
    """One hold, open or decided."""
    line = views.hold_line(tx, hold_id)
    if line is None:
        return None
    if line.tube_id is None:
        return Opened(line, "", (), {})
    found = views.view(tx, line.tube_id)
    runs = tuple(run for run in found.runs if run.hold == hold_id)
    tests = {run.observation.test for run in runs} - {None}
    told = {run.observation.test or "": run for run in found.runs if run.standing == "reported" and run.observation.test in tests}
    return Opened(line, found.tube.patient_name or "", runs, told)
