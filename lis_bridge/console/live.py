"""The hub: what changed, told to every open page within a second.

It looks at the service's own states and counts, which are in memory, and at the number of the last audit entry, by which decisions of other
processes show. Nothing in the service waits for it, and it looks only while a page is open.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable, Mapping
from contextlib import suppress
from datetime import datetime

import structlog

from lis_bridge.runtime.status import Snapshot

LOOK_SECONDS = 0.4
BEAT_SECONDS = 5.0
"""A page that hears nothing for some beats says that it shows the past."""
RENEW_SECONDS = 30.0
"""What only time changes, such as how long ago something was."""

_log = structlog.get_logger(__name__)

Topic = str
TOPICS: Mapping[str, tuple[Topic, ...]] = {
    "links": ("analyzers", "work", "top"),
    "messages": ("analyzers", "work", "tubes", "figures", "top", "counts", "quarantine"),
    "deliveries": ("work", "tubes", "figures", "top", "counts", "deliveries"),
    "decisions": ("work", "tubes", "figures", "top", "counts", "quarantine", "deliveries"),
    "lines": ("line",),
    "time": ("analyzers", "work", "figures", "top"),
}
"""Which fragments show what."""
EVERY: frozenset[Topic] = frozenset(topic for topics in TOPICS.values() for topic in topics)


class Hub:
    """Open pages and what they are to be told; ``decided`` is the number of the last decision. ``told`` counts what was told: a page names the
    count of when it was asked for, and hears what came between that and its stream.
    """

    def __init__(self, snapshot: Callable[[], Snapshot], decided: Callable[[], int]) -> None:
        self._snapshot = snapshot
        self._decided = decided
        self._pages: set[_Page] = set()
        self._last: dict[Topic, int] = {}
        self.told = 0
        self._wanted = asyncio.Event()
        self._closed = False

    async def watch(self) -> None:
        """Look and tell, until cancelled. An error is logged by its class and looking goes on.

        The first look tells everything: what the first page shows is older than it.
        """
        before: Mapping[str, Hashable] = {}
        while True:
            await self._wanted.wait()
            try:
                now = await self._look()
            except Exception as error:
                _log.warning("console_looks_in_vain", error=type(error).__name__)
            else:
                self.tell(
                    {topic for what, seen in now.items() if what not in before or before[what] != seen for topic in TOPICS[what]}
                )
                before = now
            await asyncio.sleep(LOOK_SECONDS)

    def tell(self, topics: set[Topic]) -> None:
        """Something of these topics changed. In the loop's thread."""
        if not topics:
            return
        self.told += 1
        self._last.update(dict.fromkeys(topics, self.told))
        for page in self._pages:
            page.topics |= topics
            page.woken.set()

    async def changes(self, since: int) -> AsyncIterator[set[Topic]]:
        """For one page: what changed since it was asked for, then what changes; an empty set is a beat. Ends when the console stops."""
        page = _Page()
        self._pages.add(page)
        self._wanted.set()
        try:
            yield self._missed(since)
            while not self._closed:
                with suppress(TimeoutError):
                    async with asyncio.timeout(BEAT_SECONDS):
                        await page.woken.wait()
                page.woken.clear()
                topics, page.topics = page.topics, set()
                if not self._closed:
                    yield topics
        finally:
            self._pages.discard(page)
            if not self._pages:
                self._wanted.clear()

    def _missed(self, since: int) -> set[Topic]:
        """Everything, where the count is of a console that ran before this one."""
        return set(EVERY) if since > self.told else {topic for topic, last in self._last.items() if last > since}

    def close(self) -> None:
        """End every page's stream."""
        self._closed = True
        for page in self._pages:
            page.woken.set()

    async def _look(self) -> Mapping[str, Hashable]:
        now = self._snapshot()
        return {
            "links": tuple((one.id, one.state, one.connections, one.recording, one.fault) for one in now.analyzers),
            "lines": tuple((one.bytes, one.told) for one in now.analyzers),
            "messages": (now.processed, now.quarantined, tuple(one.messages for one in now.analyzers)),
            "deliveries": tuple((one.state, one.owed, one.delivered) for one in now.destinations),
            "decisions": await asyncio.to_thread(self._decided),
            "time": _turn(now.written_at),
        }


class _Page:
    def __init__(self) -> None:
        self.topics: set[Topic] = set()
        self.woken = asyncio.Event()


def _turn(now: datetime) -> int:
    return int(now.timestamp() // RENEW_SECONDS)
