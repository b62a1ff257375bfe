"""What every page may use: the running service's parts, and the console's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from sqlalchemy import Connection

from lis_bridge.catalogue.derive import Formulas
from lis_bridge.console.accounts.sessions import Ages
from lis_bridge.console.accounts.setup import SetupLink
from lis_bridge.console.accounts.throttle import Throttle
from lis_bridge.console.live import Hub
from lis_bridge.console.onboarding.bench import Bench
from lis_bridge.console.onboarding.drafts import Drafts
from lis_bridge.console.queries.audit import Verification
from lis_bridge.console.queries.day import Day
from lis_bridge.console.rendering import Rendering
from lis_bridge.console.tiers import Tiers
from lis_bridge.core.clock import Clock
from lis_bridge.pipeline.deciding import Reader
from lis_bridge.runtime.plans import Compiled
from lis_bridge.runtime.status import Snapshot
from lis_bridge.runtime.switching import Switches
from lis_bridge.settings import Config
from lis_bridge.storage import Store, Writer

T = TypeVar("T")

REMEMBERED = 200
"""Sessions whose lists are remembered."""
READERS = 6
"""Queries at one time: a busy screen must not take every thread from the loops that serve the analyzers."""


@dataclass
class Site:
    """One console; ``locked`` until there is an engineer."""

    config: Config
    compiled: Compiled
    store: Store
    writer: Writer
    clock: Clock
    snapshot: Callable[[], Snapshot]
    hub: Hub
    rendering: Rendering
    setup: SetupLink
    switches: Switches
    bench: Bench
    drafts: Drafts
    look: Callable[[], None] = lambda: None
    """Has the service look at once at what was decided; in the loop's thread."""
    day: Day = field(default_factory=Day)
    throttle: Throttle = field(default_factory=Throttle)
    locked: bool = True
    verification: Verification | None = None
    """The last check of the audit log that somebody asked for."""
    _shown: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._readers = anyio.CapacityLimiter(READERS)
        self.tiers = Tiers(self.config, self.compiled)
        self.drafting = anyio.Lock()  # of two changes of a draft, the second sees the first
        self.trying = anyio.Lock()  # one trial at a time locks the database
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def ages(self) -> Ages:
        """How long sessions live."""
        console = self.config.console
        return Ages(timedelta(minutes=console.idle_minutes), timedelta(hours=console.session_hours))

    def reader(self) -> Reader:
        """Reads journal entries as the running service does now."""
        return Reader(self.compiled.plans, Formulas.load(), self.compiled.tests)

    def local(self, moment: datetime | None = None) -> datetime:
        """A moment, or now, in the laboratory's zone."""
        return (moment or self.clock.now()).astimezone(self.config.site.timezone)

    def shown_to(self, session: str) -> set[str]:
        """Which tubes a session has been shown in lists already, so that each is written down once; of old sessions it is forgotten."""
        if session not in self._shown and len(self._shown) >= REMEMBERED:
            self._shown.pop(next(iter(self._shown)))
        return self._shown.setdefault(session, set())

    def background(self, task: asyncio.Task[Any]) -> None:
        """Keep a task that nobody waits for until it ends."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def read(self, query: Callable[[Connection], T]) -> T:
        """A query's answer, in a snapshot of its own, in a thread."""

        def in_thread() -> T:
            with self.store.read() as tx:
                return query(tx)

        return await self.apart(in_thread)

    async def apart(self, work: Callable[[], T]) -> T:
        """Work that takes a while, in a thread."""
        return await anyio.to_thread.run_sync(work, limiter=self._readers)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """A transaction of the service's one writer; the answer comes after its commit."""
        return await self.writer.call_async(work)
