"""An analyzer that speaks its family's real protocol over a real link: it works through its samples in order and repeats what is not taken.

This file knows order, pace and mishaps; how a message is said and how it is taken is ``speech``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lis_bridge.core.faults import LinkError
from lis_bridge.simulate.compose import Composer
from lis_bridge.simulate.sample import Sample
from lis_bridge.simulate.speech import Voice, voice_of
from lis_bridge.transport import Channel, Link

PAUSE_SECONDS = 0.5
"""Between a lost connection and the next try."""
PATIENCE_SECONDS = 60.0
"""After so long without a message being taken, the analyzer gives up."""


@dataclass(frozen=True, slots=True)
class Mishaps:
    """What goes wrong on purpose, at every n-th message (0: never): the connection drops in the middle, a frame arrives damaged, the message is sent twice."""

    drop_every: int = 0
    spoil_every: int = 0
    twice_every: int = 0

    def drops(self, number: int) -> bool:
        return _falls(number, self.drop_every)

    def spoils(self, number: int) -> bool:
        return _falls(number, self.spoil_every)

    def repeats(self, number: int) -> bool:
        return _falls(number, self.twice_every)


def _falls(number: int, every: int) -> bool:
    return every > 0 and (number + 1) % every == 0


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that the bridge has acknowledged: when its last byte was written and when the answer was there, in monotonic seconds.

    Where the protocol has no acknowledgement both are the same.
    """

    sample: Sample
    said_at: float
    taken_at: float


NO_MISHAPS = Mishaps()


class Analyzer:
    """One simulated instrument on one link."""

    def __init__(
        self,
        link: Link,
        composer: Composer,
        samples: Sequence[Sample],
        *,
        rate: float | None = None,
        mishaps: Mishaps = NO_MISHAPS,
        told: Callable[[Taken], None] = lambda taken: None,
    ) -> None:
        self._link = link
        self._composer = composer
        self._samples = samples
        self._pause = 1 / rate if rate else 0.0
        self._mishaps = mishaps
        self._told = told
        self._next = 0
        self._dropped: set[int] = set()
        self._moved = 0.0

    async def run(self) -> None:
        """Sends everything. Raises LinkError when nothing was taken for a minute."""
        self._moved = time.monotonic()
        while self._next < len(self._samples):
            try:
                await self._connected()
            except LinkError:
                if time.monotonic() - self._moved > PATIENCE_SECONDS:
                    raise
                await asyncio.sleep(PAUSE_SECONDS)

    async def _connected(self) -> None:
        async for channel in self._link.connections():
            try:
                await self._converse(channel)
            finally:
                channel.close()
            if self._next >= len(self._samples):
                return

    async def _converse(self, channel: Channel) -> None:
        voice = voice_of(self._composer.dialect, channel)
        while self._next < len(self._samples):
            number, sample = self._next, self._samples[self._next]
            body = self._composer.message(sample)
            if self._mishaps.drops(number) and number not in self._dropped:
                self._dropped.add(number)
                await voice.break_off(body)
                return
            await self._say(voice, number, sample, body)
            await asyncio.sleep(self._pause)

    async def _say(self, voice: Voice, number: int, sample: Sample, body: bytes) -> None:
        said_at, taken_at = await voice.say(body, sample.control_id, spoil=self._mishaps.spoils(number))
        self._next, self._moved = number + 1, time.monotonic()
        self._told(Taken(sample, said_at, taken_at))
        if self._mishaps.repeats(number):
            await voice.say(body, sample.control_id)
