"""The simplified ASTM of Snibe MAGLUMI (Enable Checksum off): no frame number, no checksum, no LF, and an ACK to each control.

    ENQ ▷ACK  STX ▷ACK  H…CR P…CR O…CR R…CR L…CR  ETX ▷ACK  EOT ▷ACK

There is no NAK: what cannot be committed is left without an answer, and the analyzer sends it again. The ACK of ETX is the one that
stands for the message; an ENQ or STX inside an open envelope means that the one before was cut off.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence

from lis_bridge.core.faults import Fault
from lis_bridge.framing.control import ACK, ENQ, EOT, ETX, STX
from lis_bridge.framing.events import EVIDENCE_BYTES, Discarded, Event, MessageReceived, Send
from lis_bridge.framing.noise import Noise
from lis_bridge.framing.profile import Profile
from lis_bridge.framing.sender import Aborted, SenderEvent, Sent
from lis_bridge.framing.shape import Shape, shape

_CONTROLS = re.compile(rb"[\x02-\x05]")
_IGNORED = b"\r\n\x05\x04\x06\x00"

REPLY_S = 3.0
TRIES = 3
"""The analyzer waits so long for an ACK, and so often (manual, Communicate timeout)."""


def shape_of() -> Shape:
    """The envelope as a block, for stored bytes."""
    return shape((ENQ + STX, STX), (ETX,), ignored=_IGNORED)


class Receiver:
    """A ``Framer``. Memory is bounded by ``profile.max_message``."""

    def __init__(self, profile: Profile) -> None:
        self.deadline: float | None = None
        self._max = profile.max_message
        self._open = bytearray()
        self._noise = Noise(b"\r\n\x00\x06", "No ENQ and STX came before them; check the driver's framing")
        self._saved = (self._open, 0)
        self._on: dict[bytes, Callable[[], list[Event]]] = {
            ENQ: self._on_enq,
            STX: self._on_stx,
            ETX: self._on_etx,
            EOT: self._on_eot,
        }

    def receive(self, data: bytes, now: float) -> list[Event]:
        self._saved = (self._open, len(self._open))
        found: list[Event] = []
        at = 0
        for control in _CONTROLS.finditer(data):
            found += self._text(data[at : control.start()], now) + self._on[control.group()]()
            at = control.end()
        found += self._text(data[at:], now)
        self.deadline = self._noise.deadline
        return found

    def tick(self, now: float) -> list[Event]:
        if self.deadline is None or now < self.deadline:
            return []
        self.deadline = None
        return self._noise.flush()

    def close(self, now: float) -> list[Event]:
        self._saved = (self._open, len(self._open))
        self.deadline = None
        return [*self._noise.flush(), *self._cut()]

    def refused(self) -> None:
        self._open, count = self._saved
        del self._open[count:]

    def _text(self, data: bytes, now: float) -> list[Event]:
        if not self._open:
            return self._noise.add(data, now)
        self._open += data
        if len(self._open) <= self._max:
            return []
        raw = self._taken()
        fault = Fault("message too long", f"{len(raw)} bytes", f"More than {self._max} bytes without an end")
        return [Discarded(raw[:EVIDENCE_BYTES], fault)]

    def _on_enq(self) -> list[Event]:
        return [*self._noise.flush(), *self._cut(), Send(ACK)]

    def _on_stx(self) -> list[Event]:
        found = [*self._noise.flush(), *self._cut(), Send(ACK)]
        self._open += STX
        return found

    def _on_etx(self) -> list[Event]:
        if not self._open:
            return []
        raw = self._taken() + ETX
        return [MessageReceived(raw, True, ACK)]

    def _on_eot(self) -> list[Event]:
        return [*self._noise.flush(), *self._cut(), Send(ACK)]

    def _cut(self) -> list[Event]:
        raw = self._taken()
        return [MessageReceived(raw, False)] if raw else []

    def _taken(self) -> bytes:
        # A new buffer, so that a refusal can still restore the one before.
        raw, self._open = bytes(self._open), bytearray()
        return raw


class Sender:
    """Sends messages as the analyzer does, each part waiting for its ACK; ``deadline`` is when ``tick`` is due."""

    def __init__(self) -> None:
        self.deadline: float | None = None
        self._messages: deque[bytes] = deque()
        self._part = 0
        self._tries = 0

    @property
    def idle(self) -> bool:
        """True when nothing is under way."""
        return not self._messages

    def start(self, messages: Sequence[bytes], now: float) -> list[SenderEvent]:
        """Begin with the first envelope; raises RuntimeError while one is under way."""
        if not self.idle:
            raise RuntimeError("a transmission is under way")
        self._messages = deque(messages)
        self._part = self._tries = 0
        return self._speak(now) if messages else []

    def receive(self, data: bytes, now: float) -> list[SenderEvent]:
        """Go on with each ACK; anything else means nothing."""
        found: list[SenderEvent] = []
        for _ in range(data.count(ACK)):
            if not self.idle:
                found += self._accepted(now)
        return found

    def tick(self, now: float) -> list[SenderEvent]:
        """Say the part again, three times in all; does nothing before ``deadline``."""
        if self.deadline is None or now < self.deadline:
            return []
        self._tries += 1
        if self._tries < TRIES:
            return self._speak(now)
        unsent = tuple(self._messages)
        self._messages.clear()
        self.deadline = None
        return [Aborted("no reply", unsent)]

    def _accepted(self, now: float) -> list[SenderEvent]:
        self._part, self._tries = self._part + 1, 0
        if self._part < len(envelope(b"")):
            return self._speak(now)
        self._part = 0
        sent: list[SenderEvent] = [Sent(self._messages.popleft())]
        if self._messages:
            return sent + self._speak(now)
        self.deadline = None
        return sent

    def _speak(self, now: float) -> list[SenderEvent]:
        self.deadline = now + REPLY_S
        return [Send(envelope(self._messages[0])[self._part])]


def envelope(message: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """The parts of one envelope; each is owed an ACK."""
    return ENQ, STX, message + ETX, EOT
