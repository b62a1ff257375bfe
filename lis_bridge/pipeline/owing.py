"""What one destination is owed: the agenda in memory, kept true to the database. This file knows no LIS.

Only this process seals and settles. Other processes may add open deliveries (looked for at every poll) and decide about dead ones
(their mark is looked at as often).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, tzinfo
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection

from lis_bridge import outbox
from lis_bridge.core.clock import Clock
from lis_bridge.core.faults import StorageError
from lis_bridge.forward.ack import Verdict
from lis_bridge.forward.oru import Builder
from lis_bridge.pipeline.pictures import building
from lis_bridge.settings import Destination
from lis_bridge.storage import Store, Writer

T = TypeVar("T")

KEPT, KEPT_BYTES = 256, 16 * 1024 * 1024
"""Messages that stay in memory from their sealing to their turn; what is beyond that is read again when it is due."""


class Item(NamedTuple):
    """A delivery that is to be sent now."""

    id: int
    control_id: str
    message: bytes


Answer = tuple[Item, Verdict]
"""A message and what the LIS said of it."""


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
    lis: Destination


class Owing:
    """The deliveries of one destination, from their sealing to the LIS's verdict."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._agenda = outbox.Agenda()
        self._ready = asyncio.Event()
        self._look = asyncio.Event()
        self._decided = ""
        self._kept: dict[int, Item] = {}
        self._kept_bytes = 0

    def __len__(self) -> int:
        return len(self._agenda)

    def wake(self) -> None:
        """Something may be owed that was not: look now, not at the next poll."""
        self._look.set()

    def offer(self, ready: outbox.Ready) -> None:
        """A delivery that was sealed as it was owed, and is committed."""
        owed, size = ready.owed, len(ready.message)
        if owed.id in self._agenda:
            return
        if len(self._kept) < KEPT and self._kept_bytes + size <= KEPT_BYTES:
            self._kept[owed.id] = Item(owed.id, ready.control_id, ready.message)
            self._kept_bytes += size
        self._agenda.add(owed.id, owed.tube, stat=owed.stat)
        self._ready.set()

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
            if owed.id in self._agenda:  # it was offered meanwhile
                continue
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
            found = await self._items(ids)
            if found:
                return found
            due = self._agenda.next_due()
            await _either(self._ready, None if due is None else max(0.0, due - self._books.clock.monotonic()))

    async def _items(self, ids: list[int]) -> list[Item]:
        """The deliveries with their bytes, in the same order; one that waits no more is off the agenda."""
        found = {id: item for id in ids if (item := self._forget(id)) is not None}
        lacking = [id for id in ids if id not in found]
        if lacking:
            read = await self._read(lambda tx: outbox.messages(tx, lacking))
            found |= {id: Item(id, *read[id]) for id in lacking if id in read}
        for id in lacking:
            if id not in found:
                self._agenda.gone(id)
        return [found[id] for id in ids if id in found]

    def _forget(self, id: int) -> Item | None:
        item = self._kept.pop(id, None)
        if item is not None:
            self._kept_bytes -= len(item.message)
        return item

    def give_back(self, item: Item, wait: float = 0.0) -> None:
        """Not sent or not answered: owed again in so many seconds."""
        self._agenda.again(item.id, self._books.clock.monotonic() + wait)
        self._ready.set()

    async def note_silence(self, item: Item, verdict: Verdict) -> None:
        """Let lists show that the delivery was tried; it stays taken."""
        await self._write(self.settling([(item, verdict)]))

    async def settle(self, answers: Sequence[Answer]) -> list[outbox.Settled]:
        """Commit the LIS's verdicts, however long the disk refuses; from then on the next of each tube may go."""
        # Urgent, for it is short, and the sender may run only so far ahead of it; behind entries that wait to be processed it would stand still.
        settled = await self._write(self.settling(answers), urgent=True)
        for (item, _), one in zip(answers, settled, strict=True):
            if one.state == "pending":
                self.give_back(item, one.wait)
            elif one.state == "dead":
                self._agenda.died(item.id)
            else:
                self._agenda.gone(item.id)
        self._ready.set()
        return settled

    def settling(self, answers: Sequence[Answer]) -> Callable[[Connection], list[outbox.Settled]]:
        """The work of a transaction that notes verdicts."""
        now, policy = self._books.clock.now(), self._books.policy
        return lambda tx: [outbox.settle(tx, item.id, verdict.code, verdict.text, now, policy) for item, verdict in answers]

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
                build=building(tx, books.builder, books.lis, local),
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

    async def _write(self, work: Callable[[Connection], T], *, urgent: bool = False) -> T:
        while True:
            try:
                return await self._books.writer.call_async(work, urgent)
            except StorageError:
                await asyncio.sleep(self._books.poll)


async def _either(event: asyncio.Event, seconds: float | None) -> None:
    """Until the event, at most so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
