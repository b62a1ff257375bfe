"""The processing loop: pending journal entries, oldest first, one transaction each, grouped by the storage thread.

An entry whose processing raises is rolled back and quarantined with the error's class and place; it blocks nobody and is not tried again
by itself. What the disk refuses is no fault of the entry: it stays pending.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

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
REASON = "processing failed"

_log = structlog.get_logger(__name__)


class Backlog:
    """``process`` is called in the storage thread; ``settled`` hears its outcome after the commit, in the loop."""

    def __init__(self, writer: Writer, process: Callable[[Connection, Filed], Any], settled: Callable[[Any], None]) -> None:
        self._writer = writer
        self._process = process
        self._settled = settled
        self._wake = asyncio.Event()
        self._stopping = False
        self.processed = 0
        self.quarantined = 0

    def notify(self) -> None:
        """Something was journaled."""
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
        after = 0
        while not self._stopping:
            try:
                page = await self._writer.call_async(partial(_page, after=after))
            except StorageError:  # the storage thread has said so
                return
            if not page:
                return
            if not any(await asyncio.gather(*map(self._one, page))):
                return
            after = page[-1].id

    async def _one(self, entry: Filed) -> bool:
        """False when the disk refused."""
        try:
            outcome = await self._writer.call_async(partial(_apply, process=self._process, entry=entry))
        except StorageError:
            return False
        except Exception as error:
            return await self._put_aside(entry, error)
        self.processed += 1
        self._settled(outcome)
        return True

    async def _put_aside(self, entry: Filed, error: Exception) -> bool:
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


def _page(tx: Connection, after: int) -> list[Filed]:
    return journal.pending(tx, PAGE, after)


def _apply(tx: Connection, process: Callable[[Connection, Filed], Any], entry: Filed) -> Any:
    return process(tx, entry)
