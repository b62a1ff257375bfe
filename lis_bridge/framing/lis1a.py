"""The receiving side of LIS1-A2 / E1381. This file knows transmissions, never sockets.

    NEUTRAL ──ENQ / ACK──▶ TRANSFER ──frame / ACK or NAK──▶ TRANSFER ──EOT, 30 s of silence──▶ NEUTRAL
    YIELDED (we had sent ENQ too, 6.2.7.1) ──ENQ / ACK──▶ TRANSFER        ──20 s──▶ NEUTRAL

Two rules. An ACK goes out only as the ``reply`` of a ``FrameReceived``, after the commit; the exceptions are ENQ and a frame that was
committed before. A message is whole when a frame that ends in ETX completes its L record; instruments use ETX and ETB in every way,
so neither alone says anything. Where EOT is the end, it is none behind a frame that was refused or lost: a sender that gives up says EOT,
too. What was accepted and never became whole comes out as a message that was cut off.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from lis_bridge.core.faults import Fault
from lis_bridge.framing.control import ACK, ETX_CODE, NAK
from lis_bridge.framing.events import EVIDENCE_BYTES, Discarded, Event, FrameReceived, MessageReceived, Send
from lis_bridge.framing.frames import Patience, Token, resume, scan
from lis_bridge.framing.noise import Noise, earliest
from lis_bridge.framing.numbering import follows, is_first
from lis_bridge.framing.profile import Profile
from lis_bridge.framing.records import Ending, begins_message
from lis_bridge.framing.sender import Sender

__all__ = ["Receiver", "Sender"]

RECEIVER_S = 30.0
"""Silence that ends the transfer phase (6.5.2.4); counted from the last byte, so that a long frame on a slow line may take its time."""
CONTENTION_S = 20.0
"""How long a host that yielded waits for the instrument's ENQ (6.5.2.2)."""
SETTLE_S = 0.5
"""Silence that settles what only a next byte would tell: a missing CR LF, an ENQ inside a frame."""

_IGNORED = b"\r\n\x00\x06\x15"
_ENDED = Ending(b"L")
_HINT = "No frame of LIS1-A; check speed, parity and the driver's framing"


class Phase(Enum):
    NEUTRAL = "neutral"
    TRANSFER = "transfer"
    YIELDED = "yielded"


class Receiver:
    """One line's receiver; a ``Framer``. Memory is bounded by ``profile.max_message``."""

    def __init__(self, profile: Profile) -> None:
        self.deadline: float | None = None
        self._profile = profile
        self._phase = Phase.NEUTRAL
        self._buffer = bytearray()
        self._seen, self._tainted, self._looked = 0, False, 0
        self._rest = b""
        self._noise = Noise(_IGNORED, _HINT)
        self._last = -1
        self._content = b""
        self._astray = self._wanting = False
        self._frames: list[bytes] = []
        self._size = 0
        self._ending = Ending()
        self._heard = self._now = 0.0
        self._saved = self._state()
        self._handlers: dict[str, Callable[[Token, float], list[Event]]] = {
            "noise": self._on_noise,
            "enq": self._on_enq,
            "eot": self._on_eot,
            "frame": self._on_frame,
            "broken": self._on_broken,
        }

    @property
    def neutral(self) -> bool:
        """True when the line is free for a ``Sender``."""
        return self._phase is Phase.NEUTRAL and not self._buffer

    def yield_line(self, now: float) -> None:
        """The owner's ``Sender`` met an ENQ: the instrument has priority, its next ENQ is awaited (6.2.7.1)."""
        self._phase, self._heard = Phase.YIELDED, now
        self._await(now)

    def receive(self, data: bytes, now: float) -> list[Event]:
        self._saved, self._rest = self._state(), b""
        self._buffer += data
        self._now = now
        if data:
            self._heard = now
        found = self._advance(now, Patience.ALIVE)
        if len(self._buffer) > self._profile.max_message:
            found += self._overflow()
        self._await(now)
        return found

    def tick(self, now: float) -> list[Event]:
        if self.deadline is None or now < self.deadline:
            return []
        self._saved, self._now = self._state(), now
        self._rest = b""
        found: list[Event] = []
        if self._buffer and now >= self._heard + SETTLE_S:
            found += self._advance(now, Patience.SILENT)
        if self._noise.deadline is not None and now >= self._noise.deadline:
            found += self._noise.flush()
        limit = {Phase.TRANSFER: RECEIVER_S, Phase.YIELDED: CONTENTION_S}.get(self._phase)
        if (limit is not None or self._buffer) and now >= self._heard + (limit or RECEIVER_S):
            found += self._end(now)
        self._await(now)
        return found

    def close(self, now: float) -> list[Event]:
        self._saved, self._now = self._state(), now
        found = self._end(now)
        self.deadline = None
        return found

    def refused(self) -> None:
        phase, self._last, self._content, self._astray, self._wanting, self._frames, count, self._size, self._ending = self._saved
        del self._frames[count:]
        if phase is not Phase.TRANSFER:
            self._last, self._content = 0, b""
        self._phase = Phase.TRANSFER
        if self._rest:
            self._buffer[:], self._seen, self._tainted, self._looked = self._rest, 0, False, 0
        # A full disk is not asked again at once.
        self._heard = self._now
        self._await(self._now)

    def _state(self) -> tuple[Phase, int, bytes, bool, bool, list[bytes], int, int, Ending]:
        sequence = self._last, self._content, self._astray, self._wanting
        return self._phase, *sequence, self._frames, len(self._frames), self._size, self._ending

    def _advance(self, now: float, patience: Patience) -> list[Event]:
        found: list[Event] = []
        at, since, tainted, looked = 0, self._seen, self._tainted, self._looked
        while at < len(self._buffer):
            token = scan(self._buffer, at, self._profile, patience, since=since, tainted=tainted, looked=looked)
            if token is None:
                break
            if token.kind != "noise":
                found += self._noise.flush()
            found += self._handlers[token.kind](token, now)
            at, since, tainted, looked = token.stop, 0, False, 0
        del self._buffer[:at]
        self._seen, self._tainted = resume(self._buffer, max(since - at, 1), tainted)
        self._looked = len(self._buffer)
        return found

    def _await(self, now: float) -> None:
        silence = {Phase.TRANSFER: RECEIVER_S, Phase.YIELDED: CONTENTION_S}.get(self._phase)
        if silence is None and self._buffer:
            silence = RECEIVER_S
        limit = None if silence is None else self._heard + silence
        settle = self._heard + SETTLE_S if self._buffer else None
        self.deadline = earliest(limit, settle if settle is not None and settle > now else None, self._noise.deadline)

    def _on_noise(self, token: Token, now: float) -> list[Event]:
        data = self._raw(token)
        # A frame whose STX was damaged looks like this, and nobody says NAK to it.
        self._wanting = self._wanting or bool(data.strip(_IGNORED))
        return self._noise.add(data, now)

    def _on_enq(self, token: Token, now: float) -> list[Event]:
        found = self._cut()
        self._open()
        return [*found, Send(ACK)]

    def _open(self) -> None:
        self._phase, self._last, self._content, self._astray, self._wanting = Phase.TRANSFER, 0, b"", False, False

    def _on_eot(self, token: Token, now: float) -> list[Event]:
        whole = self._ending.terminated or (self._profile.terminator == "EOT" and not self._wanting)
        *_, frames, count, _, _ = self._saved
        if whole and self._frames is frames and len(self._frames) == count:
            # Nobody repeats an EOT: where its commit is refused, the message has its end all the same.
            self._saved = (*self._saved[:-1], _ENDED)
        self._phase = Phase.NEUTRAL
        return self._finish(whole)

    def _on_broken(self, token: Token, now: float) -> list[Event]:
        self._wanting = True
        return [
            _discarded(self._raw(token), "frame cut off", "The sender stopped inside a frame; it will send the message again")
        ]

    def _on_frame(self, token: Token, now: float) -> list[Event]:
        raw = self._raw(token)
        opens = is_first(token.number, self._profile.numbers) and begins_message(self._text(token))
        if self._phase is not Phase.TRANSFER:
            if not (token.good and opens):
                return [_discarded(raw, "frame outside a transmission", "No ENQ came before it, or its transmission had ended")]
            # Frames without ENQ: only what is plainly the start of a message, or the rest of a lost one would be taken for it.
            self._open()
        self._wanting = True
        if not token.good:
            return [
                _discarded(raw, "bad checksum", "Refused with NAK; check cable, speed and parity if it happens often"),
                Send(NAK),
            ]
        content = bytes(self._buffer[token.start + 1 : token.text_stop + 1])
        if token.number == self._last and content == self._content:
            self._wanting = self._astray
            return [Send(ACK)]
        if not self._in_order(token, opens):
            hint = f"After frame {chr(self._last or 48)} came {chr(token.number)}; refused until the transmission begins anew"
            return [_discarded(raw, "frame number", hint), Send(NAK)]
        if self._size + len(raw) > self._profile.max_message:
            return [*self._overlong(raw), Send(NAK)]
        return self._accept(token, raw, content)

    def _in_order(self, token: Token, opens: bool) -> bool:
        """A sender that goes on after a NAK does not listen; eight frames later its number would fit again, and join what does not belong."""
        if opens and not self._frames:
            self._astray = False
        elif not follows(token.number, self._last, self._profile.numbers):
            self._astray = True
        return not self._astray

    def _accept(self, token: Token, raw: bytes, content: bytes) -> list[Event]:
        self._last, self._content, self._wanting = token.number, content, False
        self._frames.append(raw)
        self._size += len(raw)
        self._ending = self._ending.after(self._text(token), token.closer == ETX_CODE)
        found: list[Event] = [FrameReceived(raw, ACK, NAK)]
        ended = {"L": self._ending.terminated, "ETX": True, "EOT": False}[self._profile.terminator]
        return found + self._finish(True) if ended and token.closer == ETX_CODE else found

    def _finish(self, complete: bool) -> list[Event]:
        if not self._frames:
            return []
        raw = b"".join(self._frames)
        # A new list, so that a refusal can still restore the one before.
        self._frames, self._size, self._ending = [], 0, Ending()
        return [MessageReceived(raw, complete)]

    def _cut(self) -> list[Event]:
        return self._finish(self._ending.terminated)

    def _end(self, now: float) -> list[Event]:
        """Nothing more comes: judge what is there, give out what was open."""
        self._rest = bytes(self._buffer)
        found: list[Event] = [event for event in self._advance(now, Patience.GONE) if not isinstance(event, Send)]
        found += [*self._noise.flush(), *self._cut()]
        self._phase = Phase.NEUTRAL
        return found

    def _overlong(self, raw: bytes) -> list[Event]:
        found: list[Event] = [
            *self._cut(),
            _discarded(raw, "message too long", f"More than {self._profile.max_message} bytes without an end"),
        ]
        self._phase = Phase.NEUTRAL
        return found

    def _overflow(self) -> list[Event]:
        raw = bytes(self._buffer)
        self._buffer.clear()
        self._seen, self._tainted, self._looked = 0, False, 0
        return self._overlong(raw)

    def _raw(self, token: Token) -> bytes:
        return bytes(self._buffer[token.start : token.stop])

    def _text(self, token: Token) -> bytes:
        return bytes(self._buffer[token.text_start : token.text_stop])


def _discarded(raw: bytes, kind: str, hint: str) -> Discarded:
    return Discarded(raw[:EVIDENCE_BYTES], Fault(kind, f"{len(raw)} bytes", hint))
