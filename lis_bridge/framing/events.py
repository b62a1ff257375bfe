"""What a framer says happened on a line. Frozen, in the past tense; the owner acts on them in order.

Commit, then speak: ``FrameReceived`` and ``MessageReceived`` are to be durable before ``reply`` goes out. If the commit fails, the owner
sends the ``refusal`` of the first event that it could not commit, drops what follows it in the same list, and calls ``Framer.refused()``:
the framer then stands where it stood before those bytes, so that what the analyzer sends again is accepted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from lis_bridge.core.faults import Fault

EVIDENCE_BYTES = 64 * 1024
"""How many bytes that are no message are gathered into one ``Discarded``."""


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes to speak now; nothing durable stands behind them."""

    data: bytes


@dataclass(frozen=True, slots=True)
class FrameReceived:
    """A part of a message was accepted: journal ``raw``, then send ``reply``; ``refusal`` if the commit fails."""

    raw: bytes
    reply: bytes
    refusal: bytes


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A message ended: ``raw`` is all its wire bytes, ``complete`` is False where it was cut off before its end."""

    raw: bytes
    complete: bool = True
    reply: bytes = b""
    refusal: bytes = b""


@dataclass(frozen=True, slots=True)
class Discarded:
    """Bytes that are no message, kept as evidence; ``fault`` says why."""

    raw: bytes
    fault: Fault


Event = Send | FrameReceived | MessageReceived | Discarded


class Framer(Protocol):
    """The receiving side of a link protocol. ``now`` is any clock in seconds that never runs backwards."""

    deadline: float | None
    """When ``tick`` is due, None while there is nothing to wait for."""

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Take what the line brought; any split of the bytes gives the same events."""

    def tick(self, now: float) -> list[Event]:
        """Take notice of the time; does nothing before ``deadline``."""

    def close(self, now: float) -> list[Event]:
        """The link is gone: what was open comes out, cut off."""

    def refused(self) -> None:
        """The commit behind the last ``receive``, ``tick`` or ``close`` failed: stand where we stood before it."""
