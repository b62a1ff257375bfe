"""The outbox's rows as structs, and its times as text that sorts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import msgspec

State = Literal["open", "pending", "delivered", "dead", "dismissed"]


class Owed(msgspec.Struct, frozen=True):
    """A delivery whose bytes are fixed, as the order of sending needs it."""

    id: int
    tube: int
    stat: bool = False
    due_at: datetime | None = None


class Line(msgspec.Struct, frozen=True):
    """A delivery as lists show it; ``attempts`` are the tries that the LIS answered, ``verdict`` and ``lis_text`` its last answer."""

    id: int
    destination: str
    tube_id: int
    tube: str
    control_id: str
    state: State
    stat: bool
    due_at: datetime
    attempts: int
    results: int
    verdict: str | None
    lis_text: str | None
    created_at: datetime
    sealed_at: datetime | None
    settled_at: datetime | None


class Delivery(msgspec.Struct, frozen=True):
    """A delivery with its message's bytes (no MLLP block around them); none while it is open."""

    line: Line
    message: bytes | None


class Waiting(msgspec.Struct, frozen=True):
    """What a destination is owed: numbers of deliveries, and since when the oldest that is not dead waits."""

    open: int
    pending: int
    dead: int
    oldest: datetime | None


def text_of(moment: datetime) -> str:
    """UTC, ISO 8601, always microseconds, so that text sorts like time; raises ValueError for a naive time."""
    if moment.tzinfo is None:
        raise ValueError("a delivery's time must be aware")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
