"""What a person decides about a dead delivery: send the same bytes again, or let the rest of the tube go on without it.

A decision may be made by another process than the one that sends; the destination's mark in ``instance`` tells that one to look.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Connection, Text, bindparam, cast, insert, literal_column, null, select, update

from lis_bridge.core.faults import UsageError
from lis_bridge.outbox.entries import text_of
from lis_bridge.outbox.sealing import decisions
from lis_bridge.storage import Statement
from lis_bridge.storage.schema.database import instance
from lis_bridge.storage.schema.deliveries import delivery

_d = delivery.c
_DEAD = _d.state == literal_column("'dead'")
_ROW = Statement(select(_d.state, _d.destination).where(_d.id == bindparam("of")))
_RESEND = Statement(
    update(delivery)
    .where(_d.id == bindparam("of"), _DEAD)
    .values(state=literal_column("'pending'"), attempts=literal_column("0"), due_at=bindparam("now"), settled_at=null())
)
_DISMISS = Statement(
    update(delivery)
    .where(_d.id == bindparam("of"), _DEAD)
    .values(state=literal_column("'dismissed'"), settled_at=bindparam("now"))
)
_COUNT = Statement(
    update(instance).where(instance.c.name == bindparam("name")).values(value=cast(cast(instance.c.value, BigInteger) + 1, Text))
)
_BEGIN = Statement(insert(instance).values(name=bindparam("name"), value=bindparam("value")))


def resend(tx: Connection, id: int, now: datetime) -> None:
    """Make a dead delivery pending again: the same control id, the same bytes, a fresh count of tries. Raises UsageError."""
    _decide(tx, id, _RESEND, now)


def dismiss(tx: Connection, id: int, now: datetime) -> None:
    """Give a dead delivery up; what waits behind it goes on. Raises UsageError."""
    _decide(tx, id, _DISMISS, now)


def _decide(tx: Connection, id: int, change: Statement, now: datetime) -> None:
    row = _ROW.one(tx, of=id)
    if row is None:
        raise UsageError("there is no such delivery", where=f"delivery {id}", hint="list the deliveries for their numbers")
    state, destination = row
    if state != "dead":
        raise UsageError(f"it is {state}", where=f"delivery {id}", hint="only a dead delivery is resent or dismissed")
    change.run(tx, of=id, now=text_of(now))
    if not _COUNT.run(tx, name=decisions(destination)):
        _BEGIN.run(tx, name=decisions(destination), value="1")
