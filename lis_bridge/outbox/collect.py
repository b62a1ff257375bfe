"""Collecting: reports of one tube go into the one delivery to a destination that is still open.

The window counts from the first of them; a STAT tube and a window of 0 do not wait.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection, bindparam, insert, literal_column, select, update

from lis_bridge.core.reports import Report
from lis_bridge.outbox.entries import text_of
from lis_bridge.outbox.numbering import next_number
from lis_bridge.storage import Statement
from lis_bridge.storage.schema.deliveries import delivery, delivery_part

_d = delivery.c
_OPEN = Statement(
    select(_d.id, _d.due_at, _d.stat, _d.results)
    .where(_d.tube_id == bindparam("tube"), _d.destination == bindparam("to"), _d.state == literal_column("'open'"))
    .order_by(_d.id.desc())
    .limit(1)
)
_UNSETTLED = Statement(
    select(_d.id)
    .where(
        _d.tube_id == bindparam("tube"),
        _d.destination == bindparam("to"),
        _d.state.in_([literal_column("'open'"), literal_column("'pending'"), literal_column("'dead'")]),
    )
    .order_by(_d.id)
)
_INSERT = Statement(
    insert(delivery).values(
        {
            name: bindparam(name)
            for name in (
                "id",
                "destination",
                "tube_id",
                "control_id",
                "state",
                "stat",
                "due_at",
                "attempts",
                "results",
                "created_at",
            )
        }
    )
)
_GROW = Statement(
    update(delivery).where(_d.id == bindparam("of")).values({name: bindparam(name) for name in ("due_at", "stat", "results")})
)
_PART = Statement(insert(delivery_part).values(delivery_id=bindparam("delivery_id"), content=bindparam("content")))

_encode = msgspec.msgpack.Encoder().encode


def owe(
    tx: Connection,
    destination: str,
    tube: int,
    reports: Sequence[Report],
    *,
    stat: bool,
    now: datetime,
    window: float,
    after: Collection[int] = (),
) -> int | None:
    """Owe the reports of a tube to a destination; the id of the delivery that collects them, None where there are none.

    ``window`` is in seconds. With ``after`` the delivery is not sealed before those (of any tube) are delivered or dismissed: what
    moves to another specimen is withdrawn there first. The reports keep their order; for one result the last one counts.
    """
    if not reports:
        return None
    due = text_of(now if stat else now + timedelta(seconds=window))
    row = _OPEN.one(tx, tube=tube, to=destination)
    if row is not None and row[0] < max(after, default=0):
        # Waiting always points to a smaller id, so that no two deliveries wait for each other; what is open goes first.
        _GROW.run(tx, of=row[0], due_at=text_of(now), stat=row[2], results=row[3])
        row = None
    if row is None:
        id = _begin(tx, destination, tube, due, stat, len(reports), text_of(now))
    else:
        id = int(row[0])
        _GROW.run(tx, of=id, due_at=min(due, row[1]), stat=max(int(stat), row[2]), results=row[3] + len(reports))
    _PART.run(tx, delivery_id=id, content=_encode(list(reports)))
    for first in after:
        _PART.run(tx, delivery_id=id, content=_encode(first))
    return id


def unsettled(tx: Connection, destination: str, tube: int) -> tuple[int, ...]:
    """The deliveries of a tube that are neither delivered nor dismissed: what was withdrawn there stands in one of them, or is settled."""
    return tuple(id for (id,) in _UNSETTLED.rows(tx, tube=tube, to=destination))


def _begin(tx: Connection, destination: str, tube: int, due: str, stat: bool, results: int, now: str) -> int:
    id, control_id = next_number(tx)
    _INSERT.run(
        tx,
        id=id,
        destination=destination,
        tube_id=tube,
        control_id=control_id,
        state="open",
        stat=int(stat),
        due_at=due,
        attempts=0,
        results=results,
        created_at=now,
    )
    return id
