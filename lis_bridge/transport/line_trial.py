"""Finds how a serial line is set: listens at one speed after the other until what it hears makes sense.

Every attempt is recorded as a conversation of its own setting, and answered, so that an analyzer that only ever says ENQ goes on to show a
frame. The attempt that fits goes on as the capture: nothing has to be sent again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from lis_bridge.core.clock import Clock
from lis_bridge.transport.errors import BadSettingsError
from lis_bridge.transport.line_fit import ENOUGH, Fit, judge
from lis_bridge.transport.link import Channel
from lis_bridge.transport.polite import converse
from lis_bridge.transport.recorder import Heard, Recorder
from lis_bridge.transport.serial_line import Line, SerialLink

SPEEDS = (9600, 19200, 38400, 4800, 2400, 1200, 57600, 115200, 600)
"""The commonest on analyzers first."""
LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Attempt:
    """One setting and what was heard under it."""

    line: Line
    bytes: int
    fit: Fit

    @property
    def fits(self) -> bool:
        return self.fit.verdict in ("proven", "likely")


class Trial:
    """``keep`` gives where a setting's conversation is recorded; ``seconds`` is how long a silent setting is listened to."""

    def __init__(self, line: Line, keep: Callable[[Line], Callable[[Heard], None]], clock: Clock, *, seconds: float) -> None:
        self._line = line
        self._keep = keep
        self._clock = clock
        self._seconds = seconds

    async def attempts(self) -> AsyncGenerator[Attempt]:
        """The settings in order, ended by one that fits, which is captured until the iteration is closed. Raises LinkError."""
        for speed in SPEEDS:
            line: Line | None = replace(self._line, baud=speed, bits=8, parity="N", stop=1)
            while line is not None:
                async with aclosing(self._listen(line)) as heard:
                    async for attempt in heard:
                        yield attempt
                if attempt.fits:
                    return
                line = _reformatted(line, attempt.fit.better)

    async def _listen(self, line: Line) -> AsyncGenerator[Attempt]:
        """The judgement, once it is clear or the time is up; a good one is followed by the rest of the conversation."""
        try:
            channel = await anext(SerialLink(line).connections())
        except BadSettingsError as refused:
            yield Attempt(line, 0, Fit("wrong", refused.what))
            return
        raw = bytearray()
        keep = self._keep(line)

        def note(heard: Heard) -> None:
            keep(heard)
            raw.extend(heard.data if heard.by == "analyzer" else b"")

        talk = asyncio.create_task(converse(Recorder(channel, note, self._clock), self._clock))
        try:
            fit = await self._judged(raw, talk)
            yield Attempt(line, len(raw), fit)
            if fit.verdict in ("proven", "likely"):
                await talk
        finally:
            await _hang_up(talk, channel)

    async def _judged(self, raw: bytearray, talk: asyncio.Task[None]) -> Fit:
        until = self._clock.monotonic() + self._seconds
        while True:
            await asyncio.wait((talk,), timeout=LOOK_SECONDS)
            fit = judge(bytes(raw))
            clear = fit.verdict == "proven" or (fit.verdict != "unsure" and len(raw) >= ENOUGH)
            if clear or talk.done() or self._clock.monotonic() >= until:
                return fit


async def _hang_up(talk: asyncio.Task[None], channel: Channel) -> None:
    talk.cancel()
    await asyncio.gather(talk, return_exceptions=True)
    channel.close()
    await channel.wait_closed()


def _reformatted(line: Line, form: str | None) -> Line | None:
    """The same speed with another format, unless it is the one that was listened to."""
    if form is None:
        return None
    other = replace(line, bits=int(form[0]), parity=form[1], stop=float(form[2:]))
    return None if other == line else other
