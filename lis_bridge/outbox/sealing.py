"""Sealing: an open delivery whose window has closed gets its bytes, once and for ever.

From here on a newer result of the tube is a correction in a delivery of its own. A message that cannot be built stays open and
is tried again later: it blocks nobody else, and nothing of it is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec
import structlog
from sqlalchemy import Connection, bindparam, delete, func, insert, literal_column, or_, select, update

from lis_bridge.core.reports import Head, Report
from lis_bridge.outbox.entries import Owed, text_of
from lis_bridge.outbox.merging import merge
from lis_bridge.storage import Statement
from lis_bridge.storage.packing import pack_like
from lis_bridge.storage.schema.database import instance
from lis_bridge.storage.schema.deliveries import delivery, delivery_message, delivery_part
from lis_bridge.storage.schema.tubes import tube

Build = Callable[[Head, Sequence[Report], str], bytes]
"""Tube, reports and control id to the message's bytes, without the MLLP block."""
Mark = Callable[[Connection, int, int], None]
"""Told, in the transaction, that the tube's events up to this one may reach a LIS from now on (``tube.sealed``)."""

UNBUILT_WAIT = timedelta(seconds=60)
BEHIND_WAIT = timedelta(seconds=1)
_SETTLED = ("delivered", "dismissed")

_log = structlog.get_logger(__name__)
_d = delivery.c

# A row from the future means that the clock was set back: waiting for its window could take hours.
_DUE = Statement(
    select(_d.id, _d.tube_id, _d.control_id, _d.stat)
    .where(
        _d.state == literal_column("'open'"),
        _d.destination == bindparam("to"),
        or_(_d.due_at <= bindparam("now"), _d.created_at > bindparam("now")),
    )
    .order_by(_d.stat.desc(), _d.id)
    .limit(bindparam("most"))
)
_NEXT = Statement(
    select(func.min(_d.due_at), func.max(_d.created_at)).where(
        _d.state == literal_column("'open'"), _d.destination == bindparam("to")
    )
)
_DECIDED = Statement(select(instance.c.value).where(instance.c.name == bindparam("name")))
_PARTS = Statement(
    select(delivery_part.c.content).where(delivery_part.c.delivery_id == bindparam("of")).order_by(delivery_part.c.id)
)
_DROP_PARTS = Statement(delete(delivery_part).where(delivery_part.c.delivery_id == bindparam("of")))
_STATE = Statement(select(_d.state).where(_d.id == bindparam("of")))
_OLDER = Statement(
    select(_d.id)
    .where(
        _d.tube_id == bindparam("tube"),
        _d.destination == bindparam("to"),
        _d.state == literal_column("'open'"),
        _d.id < bindparam("of"),
    )
    .limit(1)
)
_HEAD = Statement(
    select(tube.c.key, tube.c.specimen, tube.c.numbered, tube.c.patient_id, tube.c.patient_name, tube.c.version).where(
        tube.c.id == bindparam("of")
    )
)


def _changing(*names: str) -> Statement:
    return Statement(update(delivery).where(_d.id == bindparam("of")).values({name: bindparam(name) for name in names}))


_SEAL = _changing("state", "due_at", "results", "verdict", "lis_text", "sealed_at")
_MESSAGE = Statement(insert(delivery_message).values({name: bindparam(name) for name in ("delivery_id", "packing", "content")}))
_EMPTY = _changing("state", "results", "settled_at")
_POSTPONE = _changing("due_at", "verdict", "lis_text")

_decode = msgspec.msgpack.Decoder(list[Report] | int).decode


class Glance(msgspec.Struct, frozen=True):
    """What a sender looks at between messages: when the next window closes (None: nothing is open), and a mark that changes with
    every decision of a person (resend, dismiss)."""

    closes_at: datetime | None
    decided: str


class Sealed(msgspec.Struct, frozen=True):
    """What one call sealed, and whether more may be due already."""

    owed: tuple[Owed, ...]
    more: bool


def glance(tx: Connection, destination: str, now: datetime) -> Glance:
    """A look at one destination that costs the same however many deliveries wait."""
    closes_at, newest = _NEXT.one(tx, to=destination)
    if newest is not None and newest > text_of(now):
        closes_at = text_of(now)
    decided = _DECIDED.one(tx, name=decisions(destination))
    return Glance(closes_at and datetime.fromisoformat(closes_at), decided[0] if decided else "")


def decisions(destination: str) -> str:
    """The row of ``instance`` that counts what persons decided about a destination's dead deliveries."""
    return f"decided:{destination}"


def seal(tx: Connection, destination: str, *, now: datetime, build: Build, mark: Mark, limit: int = 32) -> Sealed:
    """Seal what is due, STAT first: at most ``limit`` deliveries."""
    due = list(_DUE.rows(tx, to=destination, now=text_of(now), most=limit))
    owed: list[Owed] = []
    for id, tube_id, control_id, stat in due:
        reports = _collected(tx, id)
        if reports is None or _OLDER.one(tx, tube=tube_id, to=destination, of=id):
            _POSTPONE.run(tx, of=id, due_at=text_of(now + BEHIND_WAIT), verdict=None, lis_text=None)
        elif not reports:
            _drop(tx, id, now)
        elif _seal_one(tx, destination, id, tube_id, control_id, reports, now, build, mark):
            owed.append(Owed(id, tube_id, bool(stat)))
    return Sealed(tuple(owed), len(due) == limit)


def _collected(tx: Connection, id: int) -> Sequence[Report] | None:
    """What to send, or None while a delivery that must go first is not settled."""
    parts = [_decode(row[0]) for row in _PARTS.rows(tx, of=id)]
    if not all(_is_settled(tx, first) for first in parts if isinstance(first, int)):
        return None
    return merge(report for part in parts if isinstance(part, list) for report in part)


def _is_settled(tx: Connection, id: int) -> bool:
    row = _STATE.one(tx, of=id)
    return row is None or row[0] in _SETTLED


def _drop(tx: Connection, id: int, now: datetime) -> None:
    """Everything in it was withdrawn before it was told: there is nothing to send."""
    _DROP_PARTS.run(tx, of=id)
    _EMPTY.run(tx, of=id, state="dismissed", results=0, settled_at=text_of(now))


def _seal_one(
    tx: Connection,
    destination: str,
    id: int,
    tube_id: int,
    control_id: str,
    reports: Sequence[Report],
    now: datetime,
    build: Build,
    mark: Mark,
) -> bool:
    try:
        head, version = told_of(tx, tube_id)
        message = build(head, reports, control_id)
    except Exception as error:  # whatever it is, it must not stop the other tubes
        _log.error("delivery_unbuilt", delivery=id, error=type(error).__name__)
        _POSTPONE.run(tx, of=id, due_at=text_of(now + UNBUILT_WAIT), verdict="unbuilt", lis_text=type(error).__name__)
        return False
    _DROP_PARTS.run(tx, of=id)
    _SEAL.run(
        tx,
        of=id,
        state="pending",
        due_at=text_of(now),
        results=len(reports),
        verdict=None,
        lis_text=None,
        sealed_at=text_of(now),
    )
    keep_message(tx, destination, id, message)
    mark(tx, tube_id, version)
    return True


def told_of(tx: Connection, tube_id: int) -> tuple[Head, int]:
    """What a message says of the tube itself, and the tube's version."""
    key, specimen, numbered, patient_id, patient_name, version = _HEAD.one(tx, of=tube_id)
    return Head(key, specimen, bool(numbered), patient_id, patient_name), version


def keep_message(tx: Connection, destination: str, id: int, message: bytes) -> None:
    """Store a delivery's bytes, once and for ever."""
    packing, content = pack_like(tx, f"delivery {destination}", message)
    _MESSAGE.run(tx, delivery_id=id, packing=packing, content=content)
