"""The processing loop: pending journal entries, oldest first, one transaction each, grouped by the storage thread.

Entries come two ways. What was just journaled is handed over and not read again; what waits since before, what was too much to keep in
memory, what a command of another process reopened is found in the journal, at the start and every ``LOOK_SECONDS``. Reading an
entry needs no database and is done in a thread of its own, while the page before is on its way to the disk.

An entry whose reading or processing raises is rolled back and quarantined with the error's class and place; it blocks nobody and is not
tried again by itself. What the disk refuses is no fault of the entry: it stays pending.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol

import structlog
from sqlalchemy import Connection

from lis_bridge import journal
from lis_bridge.core.faults import StorageError
from lis_bridge.journal import Filed
from lis_bridge.runtime.logs import place_of
from lis_bridge.storage import Writer

PAGE = 32
LOOK_SECONDS = 1.0
"""Commands of other processes reopen entries without telling anybody."""
KEPT, KEPT_BYTES = 128, 16 * 1024 * 1024
"""Entries that are kept in memory until their turn; when it is more, all of them are read from the journal again."""
REASON = "processing failed"

_log = structlog.get_logger(__name__)


class Step(Protocol):
    """What is done with an entry: read in one thread, then processed in the storage thread, in a transaction."""

    def read(self, entry: Filed) -> Any:
        """What the entry's bytes say; touches no database."""

    def __call__(self, tx: Connection, entry: Filed, reading: Any) -> Any:
        """Process a pending entry; its outcome."""


class _UnreadError(Exception):
    """Reading raised; the cause is what it raised."""


class Backlog:
    """Drives ``step``; ``settled`` hears each outcome after the commit, in the loop; ``before`` is called before each look into the journal, in
    its transaction.
    """

    def __init__(
        self, writer: Writer, step: Step, settled: Callable[[Any], None], before: Callable[[Connection], None] = lambda tx: None
    ) -> None:
        self._writer = writer
        self._step = step
        self._settled = settled
        self._before = before
        self._wake = asyncio.Event()
        self._stopping = False
        self._fresh: deque[Filed] = deque()
        self._fresh_bytes = 0
        self._seen = 0
        self._look_at = 0.0
        self._behind = True
        self.processed = 0
        self.quarantined = 0

    def notify(self, entries: Sequence[Filed] = ()) -> None:
        """These entries were journaled; without any: look for what was."""
        self._fresh.extend(entries)
        self._fresh_bytes += sum(len(entry.raw) for entry in entries)
        if not entries or len(self._fresh) > KEPT or self._fresh_bytes > KEPT_BYTES:
            self._forget()
        self._wake.set()

    def stop(self) -> None:
        """End after the page in hand."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Until ``stop``."""
        while not self._stopping:
            self._wake.clear()
            await self.drain()
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def drain(self) -> None:
        """Every entry that is pending now, once."""
        loop = asyncio.get_running_loop()
        if loop.time() >= self._look_at:
            self._look_at = loop.time() + LOOK_SECONDS
            self._seen, self._behind = 0, False
            if not await self._work_through(self._found):
                return
        await self._work_through(self._handed)

    async def _work_through(self, next_page: Callable[[], Awaitable[list[Filed]]]) -> bool:
        """Pages until there is none, one read while the one before is processed; False where the disk refused."""
        before: asyncio.Task[bool] | None = None
        taken = True
        try:
            while taken and not self._stopping and (page := await next_page()):
                readings = await asyncio.to_thread(self._read, page)
                taken = before is None or await before
                before = asyncio.create_task(self._process(page, readings)) if taken else None
            taken = taken and (before is None or await before)
        except StorageError:  # the storage thread has said so
            taken = False
        if not taken:
            self._forget()
        return taken

    async def _found(self) -> list[Filed]:
        """The next page of the journal, by itself."""
        page: list[Filed] = await self._writer.call_async(partial(self._page, after=self._seen))
        if page:
            self._seen = page[-1].id
        return page

    def _page(self, tx: Connection, after: int) -> list[Filed]:
        self._before(tx)
        return journal.pending(tx, PAGE, after)

    async def _handed(self) -> list[Filed]:
        """The next page of what was handed over, without what the journal has shown meanwhile; none while only the journal has what came
        before it, or a tube would hear of its results out of order.
        """
        page: list[Filed] = []
        while self._fresh and len(page) < PAGE and not self._behind:
            entry = self._fresh.popleft()
            self._fresh_bytes -= len(entry.raw)
            if entry.id > self._seen:
                page.append(entry)
        return page

    def _forget(self) -> None:
        """The journal has it all: look there next."""
        self._fresh.clear()
        self._fresh_bytes = 0
        self._look_at, self._behind = 0.0, True

    def _read(self, page: Sequence[Filed]) -> list[Any]:
        return [self._read_one(entry) for entry in page]

    def _read_one(self, entry: Filed) -> Any:
        try:
            return self._step.read(entry)
        except Exception as error:
            unread = _UnreadError()
            unread.__cause__ = error
            return unread

    async def _process(self, page: Sequence[Filed], readings: Sequence[Any]) -> bool:
        """False when the disk refused all of it."""
        return any(await asyncio.gather(*map(self._one, page, readings)))

    async def _one(self, entry: Filed, reading: Any) -> bool:
        """False when the disk refused."""
        if isinstance(reading, _UnreadError):
            return await self._put_aside(entry, reading.__cause__)
        try:
            outcome = await self._writer.call_async(partial(_apply, step=self._step, entry=entry, reading=reading))
        except StorageError:
            return False
        except Exception as error:
            return await self._put_aside(entry, error)
        self.processed += 1
        self._settled(outcome)
        return True

    async def _put_aside(self, entry: Filed, error: BaseException | None) -> bool:
        assert error is not None
        where = f"{type(error).__name__} at {place_of(error)}"
        _log.error("processing_failed", journal=entry.id, analyzer=entry.analyzer, error=where)
        detail = f"{where}: A defect of the bridge or of a hook: report it, then replay"
        try:
            await self._writer.call_async(partial(journal.quarantine, id=entry.id, reason=REASON, detail=detail))
        except StorageError:
            return False
        except Exception as refusal:
            _log.error("quarantine_failed", journal=entry.id, error=f"{type(refusal).__name__} at {place_of(refusal)}")
            return True
        self.quarantined += 1
        return True


def _apply(tx: Connection, step: Step, entry: Filed, reading: Any) -> Any:
    return step(tx, entry, reading)
