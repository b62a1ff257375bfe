"""The sending side of LIS1-A2 / E1381, for simulated analyzers and for orders to real ones. Knows transmissions, never sockets.

IDLE ──start / ENQ──▶ CALLING ──ACK / frame──▶ SENDING ──ACK of the last / EOT──▶ IDLE
                         │ NAK: 10 s; contention: 1 s (instrument) or the line is yielded (host)
                         ▼
                      WAITING ──ENQ──▶ CALLING
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from lis_bridge.framing.control import ACK, CR, ENQ, EOT, ETB, ETX, LF, NAK, STX
from lis_bridge.framing.events import Send
from lis_bridge.framing.frames import sum8

REPLY_S = 15.0
"""A sender waits so long for a reply to ENQ or to a frame (6.5.2.1, 6.5.2.3)."""
BUSY_S = 10.0
"""A sender whose ENQ met NAK waits so long (6.2.6)."""
CONTENTION_S = 1.0
"""An instrument whose ENQ met an ENQ waits so long (6.2.7.1)."""
TRIES = 6
"""A frame that was not accepted so often aborts the transmission (6.5.1.2)."""

Style = Literal["record", "record-etb", "message"]
"""One record per frame, all ended by ETX; the same with ETB up to the last; or the message cut wherever a frame is full."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Every frame of ``message`` was accepted."""

    message: bytes


@dataclass(frozen=True, slots=True)
class Aborted:
    """The transmission ended early; ``unsent`` messages are to be sent again, whole."""

    reason: str
    unsent: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Yielded:
    """The other side wants to send: as host, tell the receiver (``yield_line``) and start again once the line is neutral."""

    unsent: tuple[bytes, ...]


SenderEvent = Send | Sent | Aborted | Yielded


class Phase(Enum):
    IDLE = "idle"
    CALLING = "calling"
    WAITING = "waiting"
    SENDING = "sending"


class Sender:
    """Sends messages in one transmission; ``deadline`` is when ``tick`` is due. ``size``: characters of text in a frame (240; 63,993 on TCP)."""

    def __init__(
        self,
        *,
        size: int = 240,
        style: Style = "record",
        checksum: Literal["including", "excluding"] = "including",
        role: Literal["instrument", "host"] = "instrument",
    ) -> None:
        self.deadline: float | None = None
        self._size, self._style, self._checksum, self._role = size, style, checksum, role
        self._phase = Phase.IDLE
        self._messages: deque[bytes] = deque()
        self._frames: deque[tuple[bytes, bytes]] = deque()
        self._number = 0
        self._tries = 0

    @property
    def idle(self) -> bool:
        """True when nothing is under way."""
        return self._phase is Phase.IDLE

    def start(self, messages: Sequence[bytes], now: float) -> list[SenderEvent]:
        """Call the other side; raises RuntimeError while a transmission is under way."""
        if not self.idle:
            raise RuntimeError("a transmission is under way")
        self._messages = deque(messages)
        self._tries = 0
        return self._call(now) if messages else []

    def receive(self, data: bytes, now: float) -> list[SenderEvent]:
        """Take the other side's replies, byte by byte; what comes while idle is not ours."""
        found: list[SenderEvent] = []
        for position in range(len(data)):
            found += self._hear(data[position : position + 1], now)
        return found

    def tick(self, now: float) -> list[SenderEvent]:
        """Take notice of the time; does nothing before ``deadline``."""
        if self.deadline is None or now < self.deadline:
            return []
        if self._phase is Phase.WAITING:
            return self._call(now)
        return self._abort("no reply to ENQ" if self._phase is Phase.CALLING else "no reply to a frame")

    def close(self) -> list[SenderEvent]:
        """The link is gone."""
        return [] if self.idle else [event for event in self._abort("link lost") if not isinstance(event, Send)]

    def _hear(self, byte: bytes, now: float) -> list[SenderEvent]:
        if self._phase is Phase.CALLING:
            return self._hear_call(byte, now)
        if self._phase is Phase.SENDING:
            # EOT in place of ACK accepts the frame and asks to stop, which a sender may ignore (6.3.5).
            return self._accepted(now) if byte in (ACK, EOT) else self._again(now)
        return []

    def _hear_call(self, byte: bytes, now: float) -> list[SenderEvent]:
        if byte == ACK:
            self._phase, self._number, self._tries = Phase.SENDING, 0, 0
            self._cut_next()
            return self._speak(now)
        if byte == NAK:
            return self._wait(now, BUSY_S)
        if byte == ENQ and self._role == "instrument":
            return self._wait(now, CONTENTION_S)
        if byte == ENQ:
            unsent = tuple(self._messages)
            self._stop()
            return [Yielded(unsent)]
        return []

    def _call(self, now: float) -> list[SenderEvent]:
        self._phase, self.deadline = Phase.CALLING, now + REPLY_S
        return [Send(ENQ)]

    def _wait(self, now: float, seconds: float) -> list[SenderEvent]:
        self._tries += 1
        if self._tries >= TRIES:
            return self._abort("the other side is busy")
        self._phase, self.deadline = Phase.WAITING, now + seconds
        return []

    def _cut_next(self) -> None:
        self._frames = deque(cut(self._messages[0], self._size, self._style)) if self._messages else deque()

    def _speak(self, now: float) -> list[SenderEvent]:
        text, closer = self._frames[0]
        self.deadline = now + REPLY_S
        return [Send(frame((self._number + 1) % 8, text, closer, self._checksum))]

    def _accepted(self, now: float) -> list[SenderEvent]:
        self._frames.popleft()
        self._number, self._tries = self._number + 1, 0
        found: list[SenderEvent] = []
        if not self._frames:
            found.append(Sent(self._messages.popleft()))
            self._cut_next()
        if self._frames:
            return found + self._speak(now)
        self._stop()
        return [*found, Send(EOT)]

    def _again(self, now: float) -> list[SenderEvent]:
        self._tries += 1
        return self._speak(now) if self._tries < TRIES else self._abort(f"a frame was refused {TRIES} times")

    def _abort(self, reason: str) -> list[SenderEvent]:
        unsent = tuple(self._messages)
        self._stop()
        return [Send(EOT), Aborted(reason, unsent)]

    def _stop(self) -> None:
        self._phase, self.deadline = Phase.IDLE, None
        self._messages.clear()
        self._frames.clear()


def frame(number: int, text: bytes, closer: bytes, checksum: str = "including") -> bytes:
    """One frame on the wire (6.3)."""
    body = str(number).encode() + text + closer
    total = sum8(body if checksum == "including" else body[:-1])
    return STX + body + f"{total:02X}".encode() + CR + LF


def cut(message: bytes, size: int, style: Style) -> Iterator[tuple[bytes, bytes]]:
    """The texts of a message's frames, each with its ETX or ETB; ``message`` is CR-ended records."""
    pieces = [message] if style == "message" else [record + CR for record in message.rstrip(CR).split(CR)]
    for number, piece in enumerate(pieces):
        final = ETX if style == "record" or number == len(pieces) - 1 else ETB
        for at in range(0, len(piece), size):
            yield piece[at : at + size], final if at + size >= len(piece) else ETB


def transmission(messages: Sequence[bytes], *, size: int = 240, style: Style = "record", checksum: str = "including") -> bytes:
    """A whole transmission as its sender writes it, ENQ to EOT; what a capture of the line would hold."""
    frames = [piece for message in messages for piece in cut(message, size, style)]
    wire = (frame((number + 1) % 8, text, closer, checksum) for number, (text, closer) in enumerate(frames))
    return ENQ + b"".join(wire) + EOT
