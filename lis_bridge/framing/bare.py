"""LIS2-A2 records without any frame: ``H|…CR … L|…CR``, with or without the frame numbers that a middleware left in front.

A message is whole when its L record is ended. ``reply``, where the profile has one, is owed once for each read.
"""

from __future__ import annotations

import re

from lis_bridge.core.faults import Fault
from lis_bridge.framing.events import EVIDENCE_BYTES, Discarded, Event, FrameReceived, MessageReceived
from lis_bridge.framing.noise import Noise, earliest
from lis_bridge.framing.profile import Profile

HEAD = re.compile(rb"(?:\A|(?<=[\r\n]))[0-9]?[Hh](?=[^A-Za-z0-9\s])")
_END = re.compile(rb"(?<=[\r\n])[0-9]?[Ll](?:[^A-Za-z0-9\s][^\r\n]*)?[\r\n]|(?<=[\r\n])[0-9]?[Hh](?=[^A-Za-z0-9\s])")
_LAST = re.compile(rb"[\r\n][0-9]?[Ll](?:[^A-Za-z0-9\s][^\r\n]*)?[\r\n]*\Z")
_LINE_END = re.compile(rb"[\r\n]")
_LONGEST_HEAD = 4


class Receiver:
    """A ``Framer``. Memory is bounded by ``profile.max_message``."""

    def __init__(self, profile: Profile) -> None:
        self.deadline: float | None = None
        self._reply = bytes.fromhex(profile.reply)
        self._max, self._quiet = profile.max_message, profile.quiet
        self._buffer = bytearray()
        self._seen = self._scanned = 0
        self._open = False
        self._closed = b""
        self._now = 0.0
        self._fresh = True
        self._noise = Noise(b"\r\n\x00\x04\x05\x06", "No H record began a line; check the driver's framing")

    def receive(self, data: bytes, now: float) -> list[Event]:
        self._buffer += data
        self._closed = b""
        found = self._advance(now)
        if self._open and self._reply:
            found.append(FrameReceived(data, self._reply, b""))
        elif self._reply and found and isinstance(found[-1], MessageReceived):
            found[-1] = MessageReceived(found[-1].raw, found[-1].complete, self._reply)
        if len(self._buffer) > self._max:
            found += self._overflow()
        quiet = now + self._quiet if self._quiet and self._buffer else None
        self.deadline = earliest(self._noise.deadline, quiet)
        return found

    def tick(self, now: float) -> list[Event]:
        if self.deadline is None or now < self.deadline:
            return []
        return self.close(now)

    def close(self, now: float) -> list[Event]:
        self.deadline, self._now = None, now
        raw, is_open = bytes(self._buffer), self._open
        self._closed = raw if is_open else b""
        self._forget()
        if is_open:
            return [*self._noise.flush(), MessageReceived(raw, _LAST.search(raw) is not None)]
        return [*self._noise.add(raw, now), *self._noise.flush()]

    def refused(self) -> None:
        # After a read there is nothing to take back: the analyzer sends the message again, from its H.
        if self._closed:
            self._buffer[:], self._closed, self._open = self._closed, b"", True
            self.deadline = self._now + self._quiet if self._quiet else None

    def _advance(self, now: float) -> list[Event]:
        found: list[Event] = []
        while self._buffer and (self._ended(found) if self._open else self._begun(found, now)):
            pass
        return found

    def _begun(self, found: list[Event], now: float) -> bool:
        """Drop what stands before the next H; True when it was found."""
        head = HEAD.search(self._buffer, 0 if self._fresh else 1)
        # One byte before stays, for what begins a line shows only by what ended the one before.
        stop = head.start() if head else max(0, len(self._buffer) - _LONGEST_HEAD)
        if stop:
            found += self._noise.add(bytes(self._buffer[:stop]), now)
            del self._buffer[:stop]
            self._fresh = head is not None
        if head is not None:
            found += self._noise.flush()
            self._open, self._seen, self._scanned = True, 0, 0
        return head is not None

    def _ended(self, found: list[Event]) -> bool:
        """Give out the open message if its L or the next H has come."""
        if self._scanned > self._seen + _LONGEST_HEAD and not _LINE_END.search(self._buffer, self._scanned):
            # Still inside one record, which is not looked at again from its beginning.
            self._scanned = len(self._buffer)
            return False
        end = _END.search(self._buffer, max(1, self._seen))
        if end is None:
            self._seen = max(self._buffer.rfind(b"\r"), self._buffer.rfind(b"\n"), self._seen)
            self._scanned = len(self._buffer)
            return False
        whole = end.group().lstrip(b"0123456789")[:1] in (b"L", b"l")
        stop = end.end() if whole else end.start()
        found.append(MessageReceived(bytes(self._buffer[:stop]), whole))
        del self._buffer[:stop]
        self._open, self._fresh = False, True
        return True

    def _overflow(self) -> list[Event]:
        raw = bytes(self._buffer)
        self._forget()
        return [
            Discarded(
                raw[:EVIDENCE_BYTES],
                Fault("message too long", f"{len(raw)} bytes", f"More than {self._max} bytes without an L record"),
            )
        ]

    def _forget(self) -> None:
        self._buffer.clear()
        self._open, self._fresh, self._seen, self._scanned = False, True, 0, 0
