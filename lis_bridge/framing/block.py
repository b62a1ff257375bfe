"""The receiving side of block protocols: one block is one message, or blocks up to a last one are.

    outside ──start──▶ inside ──end──▶ outside        inside ──start──▶ inside: what was open is cut off

Handshakes: none, a reply to each block, or an ACK to single bytes before it (``prelude``).
"""

from __future__ import annotations

import re

from lis_bridge.core.faults import Fault
from lis_bridge.framing.control import ACK
from lis_bridge.framing.damage import Damage
from lis_bridge.framing.events import EVIDENCE_BYTES, Discarded, Event, FrameReceived, MessageReceived, Send
from lis_bridge.framing.noise import Noise
from lis_bridge.framing.profile import MAX_MESSAGE, Profile
from lis_bridge.framing.shape import Piece, Shape, next_piece, shape_of

_HINT = "No start code came before them; check speed, parity and the driver's framing"


class Blocks:
    """A ``Framer`` of one shape. Memory is bounded by ``max_message``."""

    def __init__(
        self,
        form: Shape,
        *,
        reply: bytes = b"",
        refusal: bytes = b"",
        last: re.Pattern[bytes] | None = None,
        max_message: int = MAX_MESSAGE,
    ) -> None:
        self.deadline: float | None = None
        self._form, self._reply, self._refusal = form, reply, refusal
        self._last, self._max = last, max_message
        self._buffer = bytearray()
        self._seen = 0
        self._noise = Noise(form.ignored, _HINT)
        self._group: list[bytes] = []
        self._held = 0
        self._damage = Damage()
        self._saved: tuple[list[bytes], int, Damage, bytes | None] = (self._group, 0, Damage(), None)

    def receive(self, data: bytes, now: float) -> list[Event]:
        self._saved = (self._group, len(self._group), self._damage, None)
        self._buffer += data
        found = self._advance(now, final=False)
        if len(self._buffer) + self._held > self._max:
            found += self._overflow()
        self.deadline = self._noise.deadline
        return found

    def tick(self, now: float) -> list[Event]:
        if self.deadline is None or now < self.deadline:
            return []
        self.deadline = None
        return self._noise.flush()

    def close(self, now: float) -> list[Event]:
        self._saved = (self._group, len(self._group), self._damage, bytes(self._buffer))
        found = self._advance(now, final=True)
        found += [*self._noise.flush(), *self._cut(b"")]
        self.deadline = None
        return found

    def refused(self) -> None:
        self._group, count, self._damage, rest = self._saved
        del self._group[count:]
        self._held = sum(map(len, self._group))
        if rest is not None:
            self._buffer[:] = rest

    def _advance(self, now: float, *, final: bool) -> list[Event]:
        found: list[Event] = []
        at, since = 0, self._seen
        while at < len(self._buffer):
            piece = next_piece(self._buffer, at, self._form, since=since, final=final)
            if piece is None:
                break
            found += self._take(piece, now)
            at, since = piece.stop, 0
        del self._buffer[:at]
        # An end code whose check characters are awaited must be found again.
        self._seen = max(0, len(self._buffer) - self._form.longest - self._form.check.after)
        return found

    def _take(self, piece: Piece, now: float) -> list[Event]:
        raw = bytes(self._buffer[piece.start : piece.stop])
        if piece.kind == "clock":
            return []
        if piece.kind == "noise":
            return self._noise.add(raw, now)
        before = self._noise.flush()
        if piece.kind == "prelude":
            return [*before, Send(ACK)]
        if piece.kind == "cut":
            return [*before, *self._cut(raw)]
        if piece.kind == "bad":
            # One that was a group of its own leaves nothing open.
            if self._group or not self._damage.whole or not self._ends(piece):
                self._damage = self._damage.after(raw, sound=False)
            fault = Fault("bad checksum", f"{len(raw)} bytes", "The block is refused; check cable, speed and parity")
            return [*before, Discarded(raw[:EVIDENCE_BYTES], fault), *([Send(self._refusal)] if self._refusal else [])]
        return [*before, *self._whole(piece, raw)]

    def _whole(self, piece: Piece, raw: bytes) -> list[Event]:
        if self._last is None:
            return [MessageReceived(raw, True, self._reply, self._refusal)]
        self._group.append(raw)
        self._held += len(raw)
        self._damage = self._damage.after(raw, sound=True)
        received: list[Event] = [FrameReceived(raw, self._reply, self._refusal)]
        if not self._ends(piece):
            return received
        message, whole = b"".join(self._group), self._damage.whole
        self._group, self._held, self._damage = [], 0, Damage()
        return [*received, MessageReceived(message, whole)]

    def _ends(self, piece: Piece) -> bool:
        return self._last is not None and self._last.search(bytes(self._buffer[piece.text_start : piece.text_stop])) is not None

    def _cut(self, raw: bytes) -> list[Event]:
        message = b"".join(self._group) + raw
        # What follows a cut inside a group may be the rest of it.
        self._group, self._held, self._damage = [], 0, Damage(torn=bool(self._group))
        return [MessageReceived(message, False)] if message else []

    def _overflow(self) -> list[Event]:
        found = self._cut(b"")
        fault = Fault("message too long", f"{len(self._buffer)} bytes", f"More than {self._max} bytes without an end")
        found.append(Discarded(bytes(self._buffer[:EVIDENCE_BYTES]), fault))
        self._buffer.clear()
        self._seen = 0
        return found


def framer(profile: Profile) -> Blocks:
    """The framer of a profile of kind ``block``."""
    return Blocks(
        shape_of(profile),
        reply=bytes.fromhex(profile.reply),
        refusal=bytes.fromhex(profile.refusal),
        last=re.compile(profile.last.encode()) if profile.last else None,
        max_message=profile.max_message,
    )


def wrap(text: bytes, profile: Profile) -> bytes:
    """A block as a device of this profile writes it, for simulators: start, text, end and the check characters that follow it."""
    start, end = (bytes.fromhex(codes[0]) if codes else b"" for codes in (profile.start, profile.end))
    if profile.keep:
        return text
    after = shape_of(profile).check.after
    following = next((check for check in _candidates(after) if shape_of(profile).check.fits(text, end, check)), b"")
    return start + text + end + following


def _candidates(after: int) -> list[bytes]:
    if after == 1:
        return [bytes([value]) for value in range(256)]
    return [f"{value:02X}".encode() for value in range(256)] if after else []
