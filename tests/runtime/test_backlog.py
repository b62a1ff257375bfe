from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select

from lis_bridge import journal
from lis_bridge.core.faults import StorageError
from lis_bridge.journal import Entry, Filed
from lis_bridge.runtime.backlog import KEPT, REASON, Backlog
from lis_bridge.storage import Store, Writer
from lis_bridge.storage.schema.database import instance

NOW = datetime(2026, 3, 17, 1, 0, tzinfo=UTC)


def file(store: Store, *raws: bytes) -> list[int]:
    with store.write() as tx:
        return [journal.append(tx, Entry("x1", "", NOW, "mllp", True, raw)) for raw in raws]


def states(store: Store) -> list[str]:
    with store.read() as tx:
        return [line.state for line in reversed(journal.lines(tx))]


class Step:
    """Processes what it is given: notes the entry in ``instance`` and marks it done; stumbles over ``poison`` after writing, over
    ``unreadable`` before."""

    def __init__(self) -> None:
        self.calls: list[bytes] = []

    def read(self, entry: Filed) -> bytes:
        if entry.raw.startswith(b"unreadable"):
            raise ValueError("the value of a patient")
        return entry.raw.upper()

    def __call__(self, tx: Connection, entry: Filed, reading: bytes) -> bytes:
        assert reading == entry.raw.upper()
        self.calls.append(entry.raw)
        tx.execute(insert(instance).values(name=f"{entry.id} {len(self.calls)}", value=entry.raw.decode()))
        if entry.raw.startswith(b"poison"):
            raise ValueError("the value of a patient")
        journal.done(tx, entry.id, "driver", 1)
        return entry.raw


def written(store: Store) -> list[str]:
    with store.read() as tx:
        return sorted(row[0] for row in tx.execute(select(instance.c.value)) if row[0].startswith(("a", "b", "poison")))


async def test_entries_are_processed_once_in_order_and_their_outcomes_told_after_the_commit(store: Store, writer: Writer) -> None:
    file(store, *(b"a%03d" % number for number in range(100)))
    step, told = Step(), []
    backlog = Backlog(writer, step, told.append)
    await backlog.drain()
    await backlog.drain()
    assert step.calls == told == [b"a%03d" % number for number in range(100)]
    assert set(states(store)) == {"done"}
    assert backlog.processed == 100


async def test_an_entry_that_raises_is_quarantined_without_a_trace_and_stops_nobody(store: Store, writer: Writer) -> None:
    ids = file(store, b"a", b"poison", b"unreadable", b"b")
    step = Step()
    backlog = Backlog(writer, step, lambda _: None)
    await backlog.drain()
    await backlog.drain()
    assert states(store) == ["done", "quarantined", "quarantined", "done"]
    assert step.calls == [b"a", b"poison", b"b"]  # not tried again by itself
    assert written(store) == ["a", "b"]
    with store.read() as tx:
        entries = [journal.get(tx, id) for id in ids[1:3]]
    for entry in entries:
        assert entry is not None
        assert entry.reason == REASON
        assert entry.detail is not None
        assert "ValueError at test_backlog.py:" in entry.detail
        assert "patient" not in entry.detail


async def test_a_reopened_entry_is_processed_without_being_told(store: Store, writer: Writer) -> None:
    (id,) = file(store, b"poison")
    step = Step()
    backlog = Backlog(writer, step, lambda _: None)
    running = asyncio.create_task(backlog.run())
    await until(lambda: states(store) == ["quarantined"])
    with store.write() as tx:  # another process does this
        journal.reopen(tx, id)
    await until(lambda: len(step.calls) == 2)
    backlog.stop()
    await running


async def test_what_the_disk_refuses_stays_pending_and_is_processed_when_it_is_back(store: Store, writer: Writer) -> None:
    file(store, b"a", b"b")
    broken = True

    class Refused(Step):
        def __call__(self, tx: Connection, entry: Filed, reading: bytes) -> bytes:
            if broken:
                raise StorageError("the disk is full")
            return super().__call__(tx, entry, reading)

    backlog = Backlog(writer, Refused(), lambda _: None)
    await backlog.drain()
    assert states(store) == ["pending", "pending"]
    broken = False
    await backlog.drain()
    assert states(store) == ["done", "done"]


async def test_a_notification_wakes_the_loop(store: Store, writer: Writer) -> None:
    step = Step()
    backlog = Backlog(writer, step, lambda _: None)
    running = asyncio.create_task(backlog.run())
    file(store, b"a")
    backlog.notify()
    await until(lambda: step.calls == [b"a"])
    backlog.stop()
    await running
    assert states(store) == ["done"]


async def test_what_was_journaled_is_processed_as_it_was_handed_over_and_once(store: Store, writer: Writer) -> None:
    """Early or late, few or more than are kept: each entry is processed once, in the order of the journal."""
    step, told = Step(), list[bytes]()
    backlog = Backlog(writer, step, told.append)
    running = asyncio.create_task(backlog.run())
    raws = [b"a%04d" % number for number in range(6 * KEPT)]
    late: list[Filed] = []
    for at in range(0, len(raws), 3):
        entries = [Entry("x1", "", NOW, "mllp", True, raw) for raw in raws[at : at + 3]]
        late += map(journal.filed, file(store, *raws[at : at + 3]), entries)
        if at % 2 and (at // (2 * KEPT)) % 2 == 0:
            backlog.notify(late)
            late = []
            await asyncio.sleep(0.001 * (at % 7 == 0))
    backlog.notify(late)
    await until(lambda: len(told) == len(raws))
    backlog.stop()
    await running
    assert step.calls == told == raws
    assert set(states(store)) == {"done"}


async def test_what_comes_after_an_overflow_waits_for_what_only_the_journal_has(store: Store, writer: Writer) -> None:
    """While a page is read, more is handed over than is kept, then one more: it must not overtake."""
    reading, go_on = threading.Event(), threading.Event()

    class Slow(Step):
        def read(self, entry: Filed) -> bytes:
            if entry.raw == b"a0000":
                reading.set()
                assert go_on.wait(20)
            return super().read(entry)

    def handed(first: int, count: int) -> list[Filed]:
        raws = [b"a%04d" % number for number in range(first, first + count)]
        return list(map(journal.filed, file(store, *raws), (Entry("x1", "", NOW, "mllp", True, raw) for raw in raws)))

    step = Slow()
    backlog = Backlog(writer, step, lambda _: None)
    await backlog.drain()  # the journal was looked into a moment ago
    backlog.notify(handed(0, 1))
    working = asyncio.create_task(backlog.drain())
    await asyncio.to_thread(reading.wait, 20)
    backlog.notify(handed(1, KEPT + 1))
    backlog.notify(handed(KEPT + 2, 1))
    go_on.set()
    await working
    await backlog.drain()
    assert step.calls == [b"a%04d" % number for number in range(KEPT + 3)]


async def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)
