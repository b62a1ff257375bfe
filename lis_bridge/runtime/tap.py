"""What passes on one analyzer's line, in both directions: the last of it in memory for who looks, all of it in a recording while one is made."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from lis_bridge.core.clock import Clock
from lis_bridge.runtime.captures import Keeper
from lis_bridge.transport import Channel, Heard, Recorder
from lis_bridge.transport.recording import Speaker

MOST, MOST_BYTES = 300, 256 * 1024
"""Chunks and bytes of a line that are remembered."""
TOGETHER = timedelta(seconds=0.1)
"""A serial line gives a message in many small reads: what one side says within so long is shown as one."""
TOGETHER_BYTES = 4096


class Passed(msgspec.Struct, frozen=True):
    """What one side said, from the moment ``at``; ``conversation`` counts the connections since the start."""

    at: datetime
    conversation: int
    by: Speaker
    data: bytes


class Tap:
    """On every conversation of one link; ``told`` counts the bytes that went to the analyzer."""

    def __init__(self, clock: Clock, settings: str = "") -> None:
        self._clock = clock
        self._settings = settings
        self._numbers = itertools.count(1)
        self._passed: deque[Passed] = deque()
        self._size = 0
        self.told = 0
        self.keeper: Keeper | None = None

    def on(self, channel: Channel) -> Channel:
        """The channel, overheard."""
        number = next(self._numbers)

        def note(heard: Heard) -> None:
            self._remember(number, heard)
            if self.keeper is not None:
                self.keeper.keep(number, self._settings, heard)

        return Recorder(channel, note, self._clock)

    def passed(self, limit: int = MOST) -> Sequence[Passed]:
        """The last of what was said, the oldest first."""
        return list(self._passed)[-limit:]

    async def end_recording(self) -> Keeper | None:
        """The recording that was being made, complete on the disk."""
        keeper, self.keeper = self.keeper, None
        if keeper is not None:
            await keeper.close()
        return keeper

    def _remember(self, number: int, heard: Heard) -> None:
        self.told += len(heard.data) if heard.by == "bridge" else 0
        data, at = heard.data, heard.at
        last = self._passed[-1] if self._passed else None
        if last is not None and _goes_on(last, number, heard):
            self._forget(self._passed.pop())
            data, at = last.data + data, last.at
        self._passed.append(Passed(at, number, heard.by, data))
        self._size += len(data)
        while len(self._passed) > MOST or (self._size > MOST_BYTES and len(self._passed) > 1):
            self._forget(self._passed.popleft())

    def _forget(self, passed: Passed) -> None:
        self._size -= len(passed.data)


def _goes_on(last: Passed, number: int, heard: Heard) -> bool:
    same = last.conversation == number and last.by == heard.by
    return same and heard.at - last.at < TOGETHER and len(last.data) + len(heard.data) <= TOGETHER_BYTES
