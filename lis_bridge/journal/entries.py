"""The journal's rows as structs, and its times as text that sorts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import msgspec

State = Literal["pending", "done", "quarantined", "discarded"]


class Entry(msgspec.Struct, frozen=True):
    """One message, or one frame, as it came: ``raw`` is the wire's bytes, ``received_at`` aware.

    ``complete`` is False where it was cut off before its end. ``framing`` is the kind of the profile that cut the bytes.
    """

    analyzer: str
    peer: str
    received_at: datetime
    framing: str
    complete: bool
    raw: bytes


class Filed(msgspec.Struct, frozen=True):
    """An entry in the journal; ``driver`` and ``revision`` say what last understood it."""

    id: int
    analyzer: str
    peer: str
    received_at: datetime
    framing: str
    complete: bool
    raw: bytes
    state: State
    reason: str | None = None
    detail: str | None = None
    driver: str | None = None
    revision: int | None = None


def filed(id: int, entry: Entry) -> Filed:
    """An entry that was just appended, as reading the journal would give it."""
    return Filed(id, entry.analyzer, entry.peer, entry.received_at, entry.framing, entry.complete, entry.raw, "pending")


class Line(msgspec.Struct, frozen=True):
    """An entry as lists show it: its ``size`` in bytes, not the bytes."""

    id: int
    analyzer: str
    peer: str
    received_at: datetime
    framing: str
    complete: bool
    size: int
    state: State
    reason: str | None = None
    detail: str | None = None
    driver: str | None = None
    revision: int | None = None


def text_of(moment: datetime) -> str:
    """UTC, ISO 8601, always microseconds, so that text sorts like time; raises ValueError for a naive time."""
    if moment.tzinfo is None:
        raise ValueError("a journal time must be aware")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
