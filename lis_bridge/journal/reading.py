"""Reading the journal: what waits, one entry, pages of entries, counts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, literal_column, select

from lis_bridge.journal.entries import Filed, Line, State
from lis_bridge.storage import Statement
from lis_bridge.storage.packing import unpack
from lis_bridge.storage.schema.journal import journal, journal_raw

PENDING_BYTES = 32 * 1024 * 1024
"""``pending`` ends its page early rather than hold more raw bytes than this in memory."""

_j, _r = journal.c, journal_raw.c
_WHOLE = journal.join(journal_raw, _r.journal_id == _j.id)
_HEAD = (_j.id, _j.analyzer, _j.peer, _j.received_at, _j.framing, _j.complete)
_TAIL = (_j.state, _j.reason, _j.detail, _j.driver, _j.revision)


def _in_state(state: State) -> Any:
    # A literal, because an index that covers one state serves only a query that names it.
    return _j.state == literal_column(f"'{state}'")


_PENDING = Statement(
    select(*_HEAD, _r.packing, _r.content, *_TAIL)
    .select_from(_WHOLE)
    .where(_in_state("pending"), _j.id > bindparam("after"))
    .order_by(_j.id)
    .limit(bindparam("most"))
)
_ONE = Statement(select(*_HEAD, _r.packing, _r.content, *_TAIL).select_from(_WHOLE).where(_j.id == bindparam("of")))
_OPEN_STATES: tuple[State, ...] = ("pending", "quarantined", "discarded")
_COUNTS = Statement(
    select(
        select(func.count()).select_from(journal).scalar_subquery(),
        *(select(func.count()).select_from(journal).where(_in_state(state)).scalar_subquery() for state in _OPEN_STATES),
    )
)


def pending(tx: Connection, limit: int, after: int = 0) -> list[Filed]:
    """The oldest entries that wait to be processed, with ids above ``after``; at least one where any waits."""
    page: list[Filed] = []
    size = 0
    for row in _PENDING.rows(tx, after=after, most=limit):
        page.append(_filed(tx, row))
        size += len(page[-1].raw)
        if size >= PENDING_BYTES:
            break
    return page


def get(tx: Connection, id: int) -> Filed | None:
    """One entry with its bytes."""
    row = _ONE.one(tx, of=id)
    return None if row is None else _filed(tx, row)


def lines(
    tx: Connection,
    *,
    state: State | None = None,
    analyzer: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Line]:
    """A page of entries without their bytes, newest first; the next page is ``before`` the last id of this one."""
    query = select(*_HEAD, _r.size, *_TAIL).select_from(_WHOLE).order_by(_j.id.desc()).limit(limit)
    if state is not None:
        query = query.where(_in_state(state))
    if analyzer is not None:
        query = query.where(_j.analyzer == analyzer)
    if before is not None:
        query = query.where(_j.id < before)
    return [Line(*_typed(row)) for row in tx.execute(query)]


def counts(tx: Connection) -> dict[State, int]:
    """How many entries are in each state."""
    total, *open_counts = _COUNTS.one(tx)
    found: dict[State, int] = dict(zip(_OPEN_STATES, open_counts, strict=True))
    return found | {"done": total - sum(open_counts)}


def _filed(tx: Connection, row: Any) -> Filed:
    *head, packing, content = row[:8]
    return Filed(*_typed((*head, unpack(tx, packing, content), *row[8:])))


def _typed(row: Any) -> list[Any]:
    values = list(row)
    values[3] = datetime.fromisoformat(values[3])
    values[5] = bool(values[5])
    return values
