"""What nobody waits for is sealed as it is owed, in the same transaction: it is never stored as parts, nor read again to be sent.

Only where nothing else of the tube collects for this destination; else it joins that, and order stays what it was. A message that cannot be
built is collected as if it had a window: sealing tries again, says so in the log, and nothing of it is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, bindparam, insert, literal_column, select

from lis_bridge.core.reports import Head, Report
from lis_bridge.outbox.entries import Owed, text_of
from lis_bridge.outbox.merging import merge
from lis_bridge.outbox.numbering import next_number
from lis_bridge.outbox.sealing import Build, Mark, keep_message
from lis_bridge.storage import Statement
from lis_bridge.storage.schema.deliveries import delivery

_d = delivery.c
_COLLECTS = Statement(
    select(_d.id)
    .where(_d.tube_id == bindparam("tube"), _d.destination == bindparam("to"), _d.state == literal_column("'open'"))
    .limit(1)
)
_INSERT = Statement(
    insert(delivery).values(
        {name: bindparam(name) for name in ("id", "destination", "tube_id", "control_id", "stat", "results", "created_at")}
        | {name: bindparam("created_at") for name in ("due_at", "sealed_at")}
        | {"state": literal_column("'pending'"), "attempts": literal_column("0")}
    )
)


class Ready(msgspec.Struct, frozen=True):
    """A delivery that may be sent once its transaction is committed; ``message`` has no MLLP block around it."""

    owed: Owed
    control_id: str
    message: bytes


class Tube(NamedTuple):
    """A tube as it stands in the transaction: its row, its version, and what a message says of it."""

    id: int
    version: int
    head: Head

    @property
    def is_new(self) -> bool:
        """True at its first event: nothing of it can collect."""
        return self.version == 1


def owe_at_once(
    tx: Connection,
    destination: str,
    tube: Tube,
    reports: Sequence[Report],
    *,
    stat: bool,
    now: datetime,
    build: Build,
    mark: Mark,
    merged: bool = False,
) -> Ready | None:
    """Owe the reports of a tube and seal them; None where they must be collected (``owe``), and nothing has changed.

    ``merged``: each result is among the reports once, as is known of them.
    """
    told = reports if merged else merge(reports)
    if not told or (not tube.is_new and _COLLECTS.one(tx, tube=tube.id, to=destination)):
        return None
    id, control_id = next_number(tx)
    try:
        message = build(tube.head, told, control_id)
    except Exception:  # sealing meets it again, and says so
        return None
    at = text_of(now)
    _INSERT.run(
        tx,
        id=id,
        destination=destination,
        tube_id=tube.id,
        control_id=control_id,
        stat=int(stat),
        results=len(told),
        created_at=at,
    )
    keep_message(tx, destination, id, message)
    mark(tx, tube.id, tube.version)
    return Ready(Owed(id, tube.id, stat), control_id, message)
