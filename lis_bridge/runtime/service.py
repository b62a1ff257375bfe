"""The service: store → frames of a killed process → processing → listeners → outbound → ready, and the same backwards to stop.

Each loop restarts alone. The order matters at the start only: what was acknowledged before a crash is in the journal before anybody speaks.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial

import structlog

from lis_bridge import journal
from lis_bridge.catalogue.library import Library
from lis_bridge.core.clock import Clock, SystemClock
from lis_bridge.pipeline.inbound import Ledger
from lis_bridge.runtime import status
from lis_bridge.runtime.backlog import Backlog
from lis_bridge.runtime.captures import captures_of
from lis_bridge.runtime.logs import place_of
from lis_bridge.runtime.mapped import Mapped
from lis_bridge.runtime.metrics import registry
from lis_bridge.runtime.plans import Compiled, compiled
from lis_bridge.runtime.reception import Reception
from lis_bridge.runtime.receptions import receptions
from lis_bridge.runtime.switching import Switches
from lis_bridge.runtime.work import Parts, Sender, Work, work
from lis_bridge.settings import Config
from lis_bridge.storage import Store, Writer

RESTART_SECONDS = 1.0

_log = structlog.get_logger(__name__)


class Service:
    """One configuration, running. ``build`` makes what processes and sends; tests give their own."""

    def __init__(
        self,
        config: Config,
        *,
        library: Library | None = None,
        clock: Clock | None = None,
        build: Callable[[Parts], Work] = work,
    ) -> None:
        self.config = config
        self.clock = clock or SystemClock()
        self.ready = False
        self.store: Store
        self.writer: Writer
        self.compiled: Compiled
        self.switches: Switches
        self.senders: Sequence[Sender] = ()
        self._library = library
        self._build = build
        self._receptions: dict[str, Reception] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._backlog: Backlog | None = None
        self._started_at = self.clock.now()
        self.metrics = registry(self.snapshot)

    async def start(self) -> None:
        """Up to bound listeners and running loops. Raises BridgeError: what cannot be had is given back."""
        self.compiled = compiled(self.config, self._library)
        self.store = Store.open(self.config.storage.url, exclusive=True)
        self.writer = Writer(self.store)
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop reading, finish the commits in hand, stop sending, close the store."""
        self.ready = False
        for analyzer in self._receptions:
            await self._end_link(analyzer)
        await asyncio.gather(*(reception.stop() for reception in self._receptions.values()))
        if self._backlog is not None:
            self._backlog.stop()
        await self._finish("processing")
        await asyncio.gather(*(self._cancel(name) for name in list(self._tasks)))
        await asyncio.to_thread(self.writer.close)
        self.store.close()
        self._write_status()

    def announce(self) -> None:
        """Everything is up: the one line that others wait for."""
        self.ready = True
        self._write_status()
        _log.info("ready", site=self.config.site.id, analyzers=len(self._receptions), destinations=len(self.senders))

    def look(self) -> None:
        """A person decided something: see what is to be processed or read differently, at once. In the loop's thread."""
        if self._backlog is not None:
            self._backlog.notify()

    def snapshot(self) -> status.Snapshot:
        """What the service says of itself now."""
        now = self.clock.now()
        return status.Snapshot(
            site=self.config.site.id,
            pid=os.getpid(),
            started_at=self._started_at,
            written_at=now,
            ready=self.ready,
            processed=self._backlog.processed if self._backlog else 0,
            quarantined=self._backlog.quarantined if self._backlog else 0,
            analyzers=tuple(reception.status(now) for reception in self._receptions.values()),
            destinations=tuple(map(_fare, self.senders)),
        )

    async def _start(self) -> None:
        await self._recover()
        made = self._build(Parts(self.config, self.compiled, self.store, self.writer, self.clock))
        self.senders = made.senders
        mapped = Mapped(self.config, self.compiled, made.exchange)
        self._backlog = Backlog(self.writer, made.process, made.settled, mapped.look)
        self._supervise("processing", self._backlog.run)
        self._receptions = receptions(self.config, self.compiled, Ledger(self.writer, self.clock, self._backlog.notify))
        self.switches = Switches(self._receptions, captures_of(self.config), self._begin_link, self._end_link)
        for reception in self._receptions.values():
            await reception.open()
        for analyzer in self._receptions:
            self._begin_link(analyzer)
        for number, sender in enumerate(self.senders):
            self._supervise(f"sender {number}", sender.run)
        self._supervise("status", self._tell)

    async def _recover(self) -> None:
        recovered = await self.writer.call_async(
            partial(journal.recover, now=self.clock.now(), is_whole=self.compiled.is_whole), urgent=True
        )
        if recovered:
            _log.warning("frames_recovered", entries=len(recovered))

    def _begin_link(self, analyzer: str) -> None:
        self._supervise(f"link {analyzer}", self._receptions[analyzer].run)

    async def _end_link(self, analyzer: str) -> None:
        await self._cancel(f"link {analyzer}")

    def _supervise(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        self._tasks[name] = asyncio.create_task(_restarting(name, run), name=name)

    async def _finish(self, name: str) -> None:
        task = self._tasks.pop(name, None)
        if task is not None:
            await task

    async def _cancel(self, name: str) -> None:
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _tell(self) -> None:
        while True:
            self._write_status()
            await asyncio.sleep(status.EVERY_SECONDS)

    def _write_status(self) -> None:
        try:
            status.write(self.config, self.snapshot())
        except OSError as error:  # nobody is told, and nothing else suffers
            _log.warning("status_not_written", error=type(error).__name__)


def _fare(sender: Sender) -> status.DestinationStatus:
    fare = sender.status
    # The words of a LIS that answers may name a patient; those of the network do not.
    return status.DestinationStatus(
        id=fare.destination,
        state=fare.state,
        since=fare.since,
        owed=fare.owed,
        delivered=fare.delivered,
        words="" if fare.state == "connected" else fare.words,
    )


async def _restarting(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run to the end; after an exception, which is a defect, say so and run again."""
    while True:
        try:
            await run()
            return
        except Exception as error:
            _log.error("loop_failed", loop=name, error=type(error).__name__, at=place_of(error))
            await asyncio.sleep(RESTART_SECONDS)
