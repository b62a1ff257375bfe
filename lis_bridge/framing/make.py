"""From profiles to a framer; where a driver has several, the first bytes of the connection decide.

Noise may look like first bytes. Until a choice has brought a frame or message, and again after ``RUBBISH`` bytes without one, the plain opening
of another framing overrules it: a link must not be deaf for ever because of one bad byte.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lis_bridge.framing import bare, block, lis1a, mllp, numbered, snibe, whole
from lis_bridge.framing.control import ACK, ENQ, STX
from lis_bridge.framing.events import EVIDENCE_BYTES, Discarded, Event, Framer, FrameReceived, MessageReceived, Send
from lis_bridge.framing.lines import Lines
from lis_bridge.framing.noise import Noise, earliest
from lis_bridge.framing.profile import Profile
from lis_bridge.framing.rivals import open_end, proves, rival
from lis_bridge.framing.sniff import LONGEST, candidates, choose, first_bytes

_FRAMERS: dict[str, Callable[[Profile], Framer]] = {
    "mllp": mllp.framer,
    "lis1a": lis1a.Receiver,
    "block": block.framer,
    "numbered": numbered.Receiver,
    "lines": Lines,
    "snibe": snibe.Receiver,
    "bare-lis2": bare.Receiver,
    "whole": whole.Whole,
}

RUBBISH = EVIDENCE_BYTES
STX_S = 1.0
"""An STX alone for so long is Snibe's, which waits 3 s for its ACK; a frame of LIS1-A goes on at once."""


def make(profiles: Profile | Sequence[Profile]) -> Framer:
    """The framer of a link; with several profiles, or kind ``auto``, the first bytes decide."""
    given = (profiles,) if isinstance(profiles, Profile) else tuple(profiles)
    among = candidates(given)
    return _FRAMERS[among[0].kind](among[0]) if len(among) == 1 else Undecided(among)


class Undecided:
    """A ``Framer`` that becomes one of several."""

    def __init__(self, among: Sequence[Profile]) -> None:
        self.deadline: float | None = None
        self._among = among
        self._begins = first_bytes(among)
        self._quiet = b"\r\n\x00" + b"".join(bytes.fromhex(profile.heartbeat) for profile in among)
        self._noise = Noise(self._quiet, "None of the driver's framings begins like this")
        self._head = bytearray()
        self._at = 0
        self._spoken = 0
        self._since: float | None = None
        self._chosen: Framer | None = None
        self._profile: Profile | None = None
        self._rubbish = RUBBISH
        self._held = b""

    @property
    def chosen(self) -> Framer | None:
        """What it became."""
        return self._chosen

    def receive(self, data: bytes, now: float) -> list[Event]:
        if self._chosen is None or self._profile is None:
            return self._decide(data, now)
        return self._hear(self._chosen, self._profile, data, now)

    def tick(self, now: float) -> list[Event]:
        if self.deadline is None or now < self.deadline:
            return []
        if self._chosen is not None:
            found = self._judged(self._chosen.tick(now))
            self.deadline = self._chosen.deadline
            return found
        found = self._noise.flush()
        if self._since is not None and now >= self._since + STX_S:
            self._since = None
            self._spoken += 1
            found.append(Send(ACK))
        self.deadline = self._due()
        return found

    def close(self, now: float) -> list[Event]:
        if self._chosen is not None:
            held, self._held = self._held, b""
            before = self._chosen.receive(held, now) if held else []
            return [*before, *self._chosen.close(now)]
        return [*self._noise.add(bytes(self._head[self._at :]), now), *self._noise.flush()]

    def refused(self) -> None:
        if self._chosen is not None:
            self._chosen.refused()

    def _hear(self, chosen: Framer, profile: Profile, data: bytes, now: float) -> list[Event]:
        data, self._held = self._held + data, b""
        if self._rubbish >= RUBBISH:
            other = rival(self._among, profile, data)
            if other is not None:
                return self._turn(chosen, data, *other, now)
            size = open_end(data)
            data, self._held = data[: len(data) - size], data[len(data) - size :]
        found = self._judged(chosen.receive(data, now)) if data else []
        self.deadline = chosen.deadline
        return found

    def _judged(self, found: list[Event]) -> list[Event]:
        """What was heard tells whether the choice holds: a frame or message proves it, rubbish wears the proof out."""
        if any(self._proves(event) for event in found):
            self._rubbish = 0
        else:
            self._rubbish += sum(len(event.raw) for event in found if isinstance(event, Discarded))
        return found

    def _proves(self, event: Event) -> bool:
        if isinstance(event, MessageReceived):
            return self._profile is not None and proves(self._profile, event)
        return isinstance(event, FrameReceived)

    def _turn(self, chosen: Framer, data: bytes, at: int, profile: Profile, now: float) -> list[Event]:
        """Become another framing; what the one before still held is kept as evidence, and it says nothing any more."""
        before = [*(chosen.receive(data[:at], now) if at else []), *chosen.close(now)]
        kept = [event for event in before if not isinstance(event, Send)]
        self._head[:], self._at = data[at:], 0
        return [*kept, *self._become(profile, now)]

    def _due(self) -> float | None:
        return earliest(self._noise.deadline, None if self._since is None else self._since + STX_S)

    def _decide(self, data: bytes, now: float) -> list[Event]:
        self._head += data
        at, said = self._at, None
        while at < len(self._head) and not (said := self._look(at)):
            # Only bytes that may begin something are worth a look.
            begin = self._begins.search(self._head, at + 1)
            at = begin.start() if begin else len(self._head)
        found = self._noise.add(bytes(self._head[self._at : at]), now)
        # One byte before stays in view: whether an H begins a line shows only there.
        del self._head[: max(0, at - 1)]
        self._at = min(at, 1)
        if isinstance(said, Profile):
            return [*found, *self._noise.flush(), *self._become(said, now)]
        found += self._greet(now)
        self.deadline = self._due()
        return found

    def _look(self, at: int) -> Profile | bool | None:
        view = max(0, at - 1)
        return choose(self._among, bytes(self._head[view : at + LONGEST]), at - view)

    def _become(self, profile: Profile, now: float) -> list[Event]:
        chosen = _FRAMERS[profile.kind](profile)
        self._chosen, self._profile, self._rubbish = chosen, profile, RUBBISH
        rest = bytes(self._head[self._at :])
        self._head.clear()
        found = self._hear(chosen, profile, rest, now)
        # What was answered while nothing was decided is not answered twice.
        while self._spoken and found and found[0] == Send(ACK):
            self._spoken -= 1
            del found[0]
        return found

    def _greet(self, now: float) -> list[Event]:
        """LIS1-A and Snibe both wait for an ACK to their ENQ, and Snibe for one to its STX, before they show who they are."""
        snibe_like = any(profile.kind == "snibe" for profile in self._among)
        head = self._head[self._at :]
        self._since = now if snibe_like and head in (STX, ENQ + STX) else None
        if head == ENQ and not self._spoken:
            self._spoken = 1
            return [*self._noise.flush(), Send(ACK)]
        return []
