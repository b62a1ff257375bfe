"""A file is a message: what a folder link brings between opening and end."""

from __future__ import annotations

from lis_bridge.core.faults import Fault
from lis_bridge.framing.events import EVIDENCE_BYTES, Discarded, Event, MessageReceived
from lis_bridge.framing.profile import Profile


class Whole:
    """A ``Framer`` that waits for the end."""

    def __init__(self, profile: Profile) -> None:
        self.deadline: float | None = None
        self._max = profile.max_message
        self._buffer = bytearray()
        self._lost = 0
        self._closed = (b"", 0)

    def receive(self, data: bytes, now: float) -> list[Event]:
        self._buffer += data
        if len(self._buffer) > self._max:
            self._lost += len(self._buffer) - EVIDENCE_BYTES
            del self._buffer[EVIDENCE_BYTES:]
        return []

    def tick(self, now: float) -> list[Event]:
        return []

    def close(self, now: float) -> list[Event]:
        self._closed = raw, lost = bytes(self._buffer), self._lost
        self._buffer.clear()
        self._lost = 0
        if lost:
            fault = Fault("message too long", f"{len(raw) + lost} bytes", f"A file of more than {self._max} bytes is not read")
            return [Discarded(raw[:EVIDENCE_BYTES], fault)]
        return [MessageReceived(raw)] if raw else []

    def refused(self) -> None:
        if not self._buffer:
            self._buffer[:], self._lost = self._closed
