"""What an engineer does with the links of a running service: stop, start, take up anew, test, record.

A link that a person stopped stays so until a person starts it, or until the service starts again: a machine that came back from a power cut
must not wait for somebody to remember.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime

import structlog

from lis_bridge.core.faults import LinkError, UsageError
from lis_bridge.runtime.captures import Captures, Keeper
from lis_bridge.runtime.reception import Reception
from lis_bridge.runtime.testing import Tested, tested

Noted = Callable[[], Awaitable[object]]
"""Writes down what is about to be done: called once it may be, before it is."""

_log = structlog.get_logger(__name__)


class Switches:
    """``begin`` and ``end`` start and cancel the supervised task of one analyzer's link. One action at a time for each."""

    def __init__(
        self,
        receptions: Mapping[str, Reception],
        captures: Captures,
        begin: Callable[[str], None],
        end: Callable[[str], Awaitable[None]],
    ) -> None:
        self.captures = captures
        self._receptions = receptions
        self._begin = begin
        self._end = end
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def reception(self, analyzer: str) -> Reception:
        """The analyzer's link. Raises UsageError for one that is not configured."""
        found = self._receptions.get(analyzer)
        if found is None:
            raise UsageError("there is no such analyzer", where=analyzer, hint="The configuration names those that there are")
        return found

    async def stop(self, analyzer: str, by: str, noted: Noted) -> None:
        """Finish the transmission in hand, then hear no more. Raises UsageError where it is stopped already."""
        reception = self.reception(analyzer)
        async with self._locks[analyzer]:
            if reception.stopped is not None:
                raise UsageError("this link is stopped already", where=analyzer, hint="Load the page again")
            await noted()
            await self._rest(analyzer, by)
        _log.warning("link_stopped", analyzer=analyzer, by=by)

    async def start(self, analyzer: str, noted: Noted) -> None:
        """Hear again. Raises UsageError where nobody stopped it."""
        reception = self.reception(analyzer)
        async with self._locks[analyzer]:
            if reception.stopped is None:
                raise UsageError("this link is not stopped", where=analyzer, hint="Load the page again")
            await noted()
            await self._resume(analyzer)
        _log.info("link_started", analyzer=analyzer)

    async def reconnect(self, analyzer: str, by: str, noted: Noted) -> None:
        """Finish the transmission in hand, give the link back and take it up anew. A link that is stopped is started by it."""
        self.reception(analyzer)
        async with self._locks[analyzer]:
            await noted()
            await self._rest(analyzer, by)
            await self._resume(analyzer)
        _log.info("link_taken_up_anew", analyzer=analyzer, by=by)

    async def test(self, analyzer: str) -> tuple[Tested, ...]:
        """What can be tested of the link without disturbing it."""
        reception = self.reception(analyzer)
        async with self._locks[analyzer]:
            return await tested(reception)

    async def record(self, analyzer: str, by: str, now: datetime, noted: Noted) -> Keeper:
        """Begin a recording; ``now`` in the laboratory's zone. Raises UsageError where one is being made already."""
        tap, url = self.reception(analyzer).tap, self.reception(analyzer).url
        async with self._locks[analyzer]:
            if tap.keeper is not None:
                raise UsageError("this link is being recorded already", where=analyzer, hint="End that recording first")
            await noted()
            tap.keeper = self.captures.begin(analyzer, url, by, now)
        return tap.keeper

    async def end_recording(self, analyzer: str, noted: Noted) -> Keeper:
        """End it. Raises UsageError where none is being made."""
        tap = self.reception(analyzer).tap
        async with self._locks[analyzer]:
            if tap.keeper is not None:
                await noted()
            ended = await tap.end_recording()
        if ended is None:
            raise UsageError("nothing is being recorded", where=analyzer, hint="Load the page again")
        return ended

    def in_the_making(self) -> frozenset[str]:
        """The names of the recordings that are not ended."""
        keepers = (reception.tap.keeper for reception in self._receptions.values())
        return frozenset(keeper.name for keeper in keepers if keeper is not None)

    async def _rest(self, analyzer: str, by: str) -> None:
        reception = self.reception(analyzer)
        await self._end(analyzer)
        await reception.rest(by)

    async def _resume(self, analyzer: str) -> None:
        reception = self.reception(analyzer)
        reception.resume()
        with suppress(LinkError):  # the supervised task tries again and says what is wrong
            await reception.open()
        self._begin(analyzer)
