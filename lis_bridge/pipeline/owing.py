"""What one destination is owed: the agenda in memory, kept true to the database. This file knows no LIS.

Only this process seals and settles. Other processes may add open deliveries (looked for at every poll) and decide about dead ones
(their mark is looked at as often).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, tzinfo
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection

from lis_bridge import outbox
from lis_bridge.core.clock import Clock
from lis_bridge.core.faults import StorageError
from lis_bridge.forward.ack import Verdict
from lis_bridge.forward.oru import Builder
from lis_bridge.storage import Store, Writer

T = TypeVar("T")


class Item(NamedTuple):
    """A delivery that is to be sent now."""

    id: int
    control_id: str
    message: bytes


class Books(NamedTuple):
    """What it takes to read and change what is owed to one destination."""

    destination: str
    store: Store
    writer: Writer
    builder: Builder
    mark: outbox.Mark
    policy: outbox.Policy
    clock: Clock
    zone: tzinfo
    poll: float


class Owing:
    """The deliveries of one destination, from their sealing to the LIS's verdict."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._agenda = outbox.Agenda()
        self._ready = asyncio.Event()
        self._look = asyncio.Event()
        self._decided = ""

    def __len__(self) -> int:
        return len(self._agenda)

    def wake(self) -> None:
        """Something may be owed that was not: look now, not at the next poll."""
        self._look.set()

    async def load(self) -> None:
        """Read once what is sealed and what is dead; a delivery that a killed process was sending is one of them."""
        now = self._books.clock.now()
        to = self._books.destination
        pending, dead, glance = await self._read(
            lambda tx: (outbox.pending(tx, to), outbox.dead(tx, to), outbox.glance(tx, to, now))
        )
        self._decided = glance.decided
        for owed in dead:
            self._agenda.add_dead(owed.id, owed.tube)
        for owed in pending:
            # A clock that was set back must not make a retry wait for days.
            wait = (owed.due_at - now).total_seconds() if owed.due_at else 0.0
            due = self._books.clock.monotonic() + min(wait, self._books.policy.backoff.most)
            self._agenda.add(owed.id, owed.tube, stat=owed.stat, due=due)

    async def keep(self) -> None:
        """Seal windows as they close and heed persons' decisions, until cancelled."""
        to, clock, poll = self._books.destination, self._books.clock, self._books.poll
        while True:
            self._look.clear()
            now = clock.now()
            glance = await self._read(lambda tx, now=now: outbox.glance(tx, to, now))  # type: ignore[misc]
            if glance.decided != self._decided:
                self._decided = glance.decided
                await self._heed()
            wait = (glance.closes_at - now).total_seconds() if glance.closes_at else poll
            if wait <= 0:
                await self._seal(now)
            else:
                await _either(self._look, min(wait, poll))

    async def next(self, most: int) -> list[Item]:
        """What to send now, at most so many, in order; waits until there is something. They are taken until given back or settled."""
        while True:
            self._ready.clear()
            ids = self._take(most)
            found = await self._read(lambda tx, ids=ids: outbox.messages(tx, ids)) if ids else {}  # type: ignore[misc]
            for id in ids:
                if id not in found:
                    self._agenda.gone(id)
            if found:
                return [Item(id, *found[id]) for id in ids if id in found]
            due = self._agenda.next_due()
            await _either(self._ready, None if due is None else max(0.0, due - self._books.clock.monotonic()))

    def give_back(self, item: Item, wait: float = 0.0) -> None:
        """Not sent or not answered: owed again in so many seconds."""
        self._agenda.again(item.id, self._books.clock.monotonic() + wait)
        self._ready.set()

    async def note_silence(self, item: Item, verdict: Verdict) -> None:
        """Let lists show that the delivery was tried; it stays taken."""
        await self._write(self.settling(item, verdict))

    async def settle(self, item: Item, verdict: Verdict) -> outbox.Settled:
        """Commit the LIS's verdict, however long the disk refuses; from then on the next of the tube may go."""
        settled = await self._write(self.settling(item, verdict))
        if settled.state == "pending":
            self.give_back(item, settled.wait)
        elif settled.state == "dead":
            self._agenda.died(item.id)
        else:
            self._agenda.gone(item.id)
        self._ready.set()
        return settled

    def settling(self, item: Item, verdict: Verdict) -> Callable[[Connection], outbox.Settled]:
        """The work of a transaction that notes the verdict."""
        now, policy = self._books.clock.now(), self._books.policy
        return lambda tx: outbox.settle(tx, item.id, verdict.code, verdict.text, now, policy)

    def _take(self, most: int) -> list[int]:
        now = self._books.clock.monotonic()
        ids: list[int] = []
        while len(ids) < most and (id := self._agenda.take(now)) is not None:
            ids.append(id)
        return ids

    async def _seal(self, now: datetime) -> None:
        books, local = self._books, now.astimezone(self._books.zone)

        def work(tx: Connection) -> outbox.Sealed:
            return outbox.seal(
                tx,
                books.destination,
                now=now,
                build=lambda head, reports, control_id: books.builder.build(head, reports, control_id, local),
                mark=books.mark,
            )

        for owed in (await self._write(work)).owed:
            self._agenda.add(owed.id, owed.tube, stat=owed.stat)
        self._ready.set()

    async def _heed(self) -> None:
        """A person, perhaps in another process, resent or dismissed dead deliveries."""
        known = self._agenda.dead()
        states = await self._read(lambda tx: outbox.states(tx, known))
        for id in known:
            state = states.get(id)
            if state == "pending":
                self._agenda.again(id)
            elif state != "dead":
                self._agenda.gone(id)
        self._ready.set()

    async def _read(self, work: Callable[[Connection], T]) -> T:
        def in_thread() -> T:
            with self._books.store.read() as tx:
                return work(tx)

        while True:
            try:
                return await asyncio.to_thread(in_thread)
            except StorageError:  # the writer logs it; until it is over nothing can be sent
                await asyncio.sleep(self._books.poll)

    async def _write(self, work: Callable[[Connection], T]) -> T:
        while True:
            try:
                return await self._books.writer.call_async(work)
            except StorageError:
                await asyncio.sleep(self._books.poll)


async def _either(event: asyncio.Event, seconds: float | None) -> None:
    """Until the event, at most so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
