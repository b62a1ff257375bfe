"""Bytes that are no message, gathered in pieces of bounded size so that any split of the line gives the same evidence."""

from __future__ import annotations

from lis_bridge.core.faults import Fault
from lis_bridge.framing.events import EVIDENCE_BYTES, Discarded, Event

QUIET_S = 2.0
"""After so much silence the evidence is shown, also when nothing else comes."""


class Noise:
    """What stood between messages. ``ignored`` bytes mean nothing where they stand alone."""

    def __init__(self, ignored: bytes, hint: str) -> None:
        self._ignored = ignored
        self._hint = hint
        self._kept = bytearray()
        self.since: float | None = None

    def add(self, data: bytes, now: float) -> list[Event]:
        """Gather; full pieces come out."""
        if not self._kept:
            data = data.lstrip(self._ignored)
        if not data:
            return []
        self._kept += data
        self.since = now
        found: list[Event] = []
        while len(self._kept) >= EVIDENCE_BYTES:
            found.append(self._evidence(bytes(self._kept[:EVIDENCE_BYTES])))
            del self._kept[:EVIDENCE_BYTES]
        return found

    def flush(self) -> list[Event]:
        """What is left, if it means anything."""
        rest = bytes(self._kept).rstrip(self._ignored)
        self._kept.clear()
        self.since = None
        return [self._evidence(rest)] if rest else []

    @property
    def deadline(self) -> float | None:
        """When silence is to bring the evidence out."""
        return None if self.since is None else self.since + QUIET_S

    def _evidence(self, data: bytes) -> Event:
        return Discarded(data, Fault("no message", f"{len(data)} bytes between messages", self._hint))


def earliest(*moments: float | None) -> float | None:
    """The first of some deadlines, None when there is none."""
    return min((moment for moment in moments if moment is not None), default=None)
