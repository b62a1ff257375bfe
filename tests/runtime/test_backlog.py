from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select

from lis_bridge import journal
from lis_bridge.core.faults import StorageError
from lis_bridge.journal import Entry, Filed
from lis_bridge.runtime.backlog import REASON, Backlog
from lis_bridge.storage import Store, Writer
from lis_bridge.storage.schema import instance

NOW = datetime(2026, 3, 17, 1, 0, tzinfo=UTC)


def file(store: Store, *raws: bytes) -> list[int]:
    with store.write() as tx:
        return [journal.append(tx, Entry("x1", "", NOW, "mllp", True, raw)) for raw in raws]


def states(store: Store) -> list[str]:
    with store.read() as tx:
        return [line.state for line in reversed(journal.lines(tx))]


class Step:
    """Processes what it is given: notes the entry in ``instance`` and marks it done; stumbles over ``poison`` after writing."""

    def __init__(self) -> None:
        self.calls: list[bytes] = []

    def __call__(self, tx: Connection, entry: Filed) -> bytes:
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
    ids = file(store, b"a", b"poison", b"b")
    step = Step()
    backlog = Backlog(writer, step, lambda _: None)
    await backlog.drain()
    await backlog.drain()
    assert states(store) == ["done", "quarantined", "done"]
    assert step.calls == [b"a", b"poison", b"b"]  # not tried again by itself
    assert written(store) == ["a", "b"]
    with store.read() as tx:
        entry = journal.get(tx, ids[1])
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

    def step(tx: Connection, entry: Filed) -> None:
        if broken:
            raise StorageError("the disk is full")
        journal.done(tx, entry.id, "driver", 1)

    backlog = Backlog(writer, step, lambda _: None)
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


async def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)
