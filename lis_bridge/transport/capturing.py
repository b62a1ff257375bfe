"""Captures: listens to an analyzer as its host, stands between it and its present host, or finds the settings of its line first.

All that is said is in the recording before it is answered or passed on.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress

from lis_bridge.core.clock import Clock
from lis_bridge.core.faults import LinkError, UsageError
from lis_bridge.transport.between import relay
from lis_bridge.transport.line_trial import Attempt, Trial
from lis_bridge.transport.link import Channel, Link
from lis_bridge.transport.polite import converse
from lis_bridge.transport.recorder import Heard, Recorder
from lis_bridge.transport.recording import Recording
from lis_bridge.transport.serial_line import Line, SerialLink

PAUSE_SECONDS = 1.0
"""Between a lost link and the next try."""


Talk = Callable[[Channel], Awaitable[None]]


class Capture:
    """``told`` hears of every chunk, after it was recorded. Links that are lost are tried again until the caller cancels."""

    def __init__(self, recording: Recording, clock: Clock, told: Callable[[Heard], None] = lambda heard: None) -> None:
        self._recording = recording
        self._clock = clock
        self._told = told
        self._numbers = itertools.count(1)

    async def listen(self, link: Link, *, answer: bool = True) -> None:
        """Be the host, any number of conversations at a time. Raises LinkError where the link cannot be had at the start."""

        async def answered(channel: Channel) -> None:
            await converse(channel, self._clock)

        await self._each(link, answered if answer else _heard)

    async def between(self, link: Link, host: Link) -> None:
        """Pass everything on between the analyzer and its host; the host is called anew for every conversation. Raises LinkError as above."""

        async def passed_on(analyzer: Channel) -> None:
            await relay(analyzer, await anext(host.connections()))

        await self._each(link, passed_on)

    async def try_settings(self, link: Link, *, seconds: float) -> AsyncGenerator[Attempt]:
        """Attempts at a serial line's settings; behind one that fits the capture goes on. Raises LinkError, UsageError for any other link."""
        if not isinstance(link, SerialLink):
            raise UsageError("only a serial line has settings to try", where=link.where, hint="Give a serial:// link")
        async with aclosing(Trial(link.line, self._note, self._clock, seconds=seconds).attempts()) as attempts:
            async for attempt in attempts:
                yield attempt

    async def _each(self, link: Link, talk: Talk) -> None:
        line = link.line if isinstance(link, SerialLink) else None
        await link.open()
        talks: set[asyncio.Task[None]] = set()
        begun = False
        try:
            while True:
                try:
                    async for channel in link.connections():
                        begun = True
                        talk_of = asyncio.create_task(_to_its_end(Recorder(channel, self._note(line), self._clock), talk))
                        talks.add(talk_of)
                        talk_of.add_done_callback(talks.discard)
                except LinkError:
                    if not begun:
                        raise
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            await _ended(talks)
            await link.close()

    def _note(self, line: Line | None) -> Callable[[Heard], None]:
        keep = self._recording.keep(next(self._numbers), line.settings if line else "")

        def note(heard: Heard) -> None:
            keep(heard)
            self._told(heard)

        return note


async def _heard(channel: Channel) -> None:
    while await channel.read():
        pass


async def _to_its_end(channel: Channel, talk: Talk) -> None:
    """A conversation that breaks off ends; the link goes on."""
    try:
        with suppress(LinkError):
            await talk(channel)
    finally:
        channel.close()


async def _ended(talks: set[asyncio.Task[None]]) -> None:
    for talk in talks:
        talk.cancel()
    await asyncio.gather(*talks, return_exceptions=True)
