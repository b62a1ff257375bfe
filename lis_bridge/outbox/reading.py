"""Reading the outbox: what a sender must load, one delivery, pages of deliveries, counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, bindparam, func, literal_column, select

from lis_bridge.outbox.entries import Delivery, Line, Owed, State, Waiting
from lis_bridge.storage import Statement, unindexed
from lis_bridge.storage.packing import unpack
from lis_bridge.storage.schema.deliveries import delivery, delivery_message
from lis_bridge.storage.schema.tubes import tube

_d, _m = delivery.c, delivery_message.c
_COLUMNS = (
    _d.id, _d.destination, _d.tube_id, tube.c.key, _d.control_id, _d.state, _d.stat, _d.due_at, _d.attempts, _d.results,
    _d.verdict, _d.lis_text, _d.created_at, _d.sealed_at, _d.settled_at,
)  # fmt: skip


def _in_state(state: State) -> Any:
    # A literal, because a count by state must be answered from the index alone.
    return _d.state == literal_column(f"'{state}'")


_TO = _d.destination == bindparam("to")
_PENDING = Statement(select(_d.id, _d.tube_id, _d.stat, _d.due_at).where(_in_state("pending"), _TO).order_by(_d.id))
_DEAD = Statement(select(_d.id, _d.tube_id).where(_in_state("dead"), _TO).order_by(_d.id))
_MESSAGE = Statement(
    select(_d.control_id, _m.packing, _m.content)
    .join(delivery_message, _m.delivery_id == _d.id)
    .where(_d.id == bindparam("of"), _in_state("pending"))
)
_STATE = Statement(select(_d.state).where(_d.id == bindparam("of")))
_COUNTS = Statement(select(_d.state, func.count()).group_by(_d.state))
_WAITING: dict[State, Statement] = {
    state: Statement(select(func.count(), func.min(_d.created_at)).where(_in_state(state), _TO))
    for state in ("open", "pending", "dead")
}


def pending(tx: Connection, destination: str) -> list[Owed]:
    """Everything that is sealed and not settled, oldest first; a sender reads it once, at its start."""
    return [
        Owed(id, tube_id, bool(stat), datetime.fromisoformat(due_at))
        for id, tube_id, stat, due_at in _PENDING.rows(tx, to=destination)
    ]


def dead(tx: Connection, destination: str) -> list[Owed]:
    """The deliveries that their tubes wait behind, oldest first."""
    return [Owed(id, tube_id) for id, tube_id in _DEAD.rows(tx, to=destination)]


def messages(tx: Connection, ids: Sequence[int]) -> dict[int, tuple[str, bytes]]:
    """Control id and bytes of those of the deliveries that are still pending."""
    found = ((id, _MESSAGE.one(tx, of=id)) for id in ids)
    return {id: (row[0], unpack(tx, *row[1:])) for id, row in found if row is not None}


def states(tx: Connection, ids: Sequence[int]) -> dict[int, State]:
    """The states of those of the deliveries that exist."""
    found = ((id, _STATE.one(tx, of=id)) for id in ids)
    return {id: row[0] for id, row in found if row is not None}


def get(tx: Connection, id: int) -> Delivery | None:
    """One delivery with its message."""
    query = (
        select(*_COLUMNS, _m.packing, _m.content)
        .join(tube, tube.c.id == _d.tube_id)
        .outerjoin(delivery_message, _m.delivery_id == _d.id)
        .where(_d.id == id)
    )
    row = tx.execute(query).one_or_none()
    if row is None:
        return None
    *line, packing, content = row
    return Delivery(_line(line), None if content is None else unpack(tx, packing, content))


def lines(
    tx: Connection,
    *,
    destination: str | None = None,
    state: State | None = None,
    tube_id: int | None = None,
    since: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Line]:
    """A page of deliveries without their bytes, newest first; the next page is ``before`` the last id of this one, none has an id below ``since``."""
    query = select(*_COLUMNS).join(tube, tube.c.id == _d.tube_id).order_by(_d.id.desc()).limit(limit)
    lead = _leading(destination, state, tube_id)
    if destination is not None:
        query = query.where((_d.destination if lead is _d.destination else unindexed(_d.destination)) == destination)
    if state is not None:
        query = query.where(_in_state(state) if lead is _d.state else unindexed(_d.state) == state)
    if tube_id is not None:
        query = query.where(_d.tube_id == tube_id)
    if since is not None:
        query = query.where(_d.id >= since)
    if before is not None:
        query = query.where(_d.id < before)
    return [_line(row) for row in tx.execute(query)]


def _leading(destination: str | None, state: State | None, tube_id: int | None) -> Column[Any]:
    """The column whose index leads to least: a tube has few; nearly all was delivered, and of what was not there is little."""
    if tube_id is not None:
        return _d.tube_id
    return _d.state if destination is None or state not in (None, "delivered") else _d.destination


def counts(tx: Connection) -> dict[State, int]:
    """How many deliveries are in each state, over all destinations."""
    empty: dict[State, int] = dict.fromkeys(("open", "pending", "delivered", "dead", "dismissed"), 0)
    return empty | dict(_COUNTS.rows(tx))


def waiting(tx: Connection, destination: str) -> Waiting:
    """What one destination is owed."""
    (opened, since), (sealed, longer), (dead, _) = (statement.one(tx, to=destination) for statement in _WAITING.values())
    oldest = min(filter(None, (since, longer)), default=None)
    return Waiting(opened, sealed, dead, oldest and datetime.fromisoformat(oldest))


def _line(row: Any) -> Line:
    values = list(row)
    values[6] = bool(values[6])
    for at in (7, 12, 13, 14):
        values[at] = values[at] and datetime.fromisoformat(values[at])
    return Line(*values)
