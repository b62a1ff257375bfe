"""The storage thread: committed together, undone apart, urgent first, alive whatever happens."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select

from lis_bridge.core.faults import StorageError
from lis_bridge.storage import Store, Writer
from lis_bridge.storage.schema.database import instance


def put(name: str, then: BaseException | None = None) -> Callable[[Connection], Any]:
    """Work that stores a name and returns its transaction, or raises."""

    def work(tx: Connection) -> Any:
        tx.execute(insert(instance).values(name=name, value=""))
        if then:
            raise then
        return tx.get_transaction()

    return work


def names(store: Store) -> set[str]:
    with store.read() as tx:
        return set(tx.execute(select(instance.c.name)).scalars())


@contextmanager
def busy(writer: Writer) -> Iterator[None]:
    """The thread is occupied inside the block, so that what is submitted there waits together."""
    started, go_on = Event(), Event()

    def wait(_tx: Connection) -> None:
        started.set()
        go_on.wait()

    done = writer.submit(wait)
    started.wait()
    try:
        yield
    finally:
        go_on.set()
    done.result()


def test_a_future_resolves_after_its_commit(writer: Writer, path: Path) -> None:
    """The callback runs in the storage thread at the moment of the resolution: another connection sees the row by then."""
    seen: list[Any] = []

    def look(_future: Future[Any]) -> None:
        other = sqlite3.connect(path)
        seen.append(other.execute("SELECT name FROM instance").fetchall())
        other.close()

    with busy(writer):
        one = writer.submit(put("a"))
        one.add_done_callback(look)
    one.result()
    writer.close()
    assert seen == [[("a",)]]


def test_work_that_waits_together_is_committed_together(store: Store, writer: Writer) -> None:
    with busy(writer):
        futures = [writer.submit(put(f"n{n}")) for n in range(20)]
    transactions = [future.result() for future in futures]
    assert all(one is transactions[0] for one in transactions)
    assert len(names(store)) == 20


def test_work_that_comes_alone_is_committed_alone(writer: Writer) -> None:
    assert writer.submit(put("a")).result() is not writer.submit(put("b")).result()


@pytest.mark.parametrize("raised", [ValueError("no"), SystemExit(3), KeyboardInterrupt()])
def test_work_that_raises_is_undone_without_its_neighbours(store: Store, writer: Writer, raised: BaseException) -> None:
    with busy(writer):
        before, bad, after = writer.submit(put("before")), writer.submit(put("bad", raised)), writer.submit(put("after"))
    assert bad.exception() is raised
    assert before.result() is after.result()
    assert names(store) == {"before", "after"}


def test_lone_work_that_raises_is_undone_and_the_thread_goes_on(store: Store, writer: Writer) -> None:
    with pytest.raises(ValueError, match="no"):
        writer.submit(put("bad", ValueError("no"))).result()
    writer.submit(put("good")).result()
    assert names(store) == {"good"}


def test_urgent_work_goes_first_and_is_not_kept_waiting_for_the_rest(writer: Writer) -> None:
    order: list[str] = []
    with busy(writer):
        waiting = [writer.submit(lambda tx, n=n: (order.append(f"w{n}"), put(f"w{n}")(tx))[1]) for n in range(3)]
        urgent = [writer.submit(lambda tx, n=n: (order.append(f"u{n}"), put(f"u{n}")(tx))[1], urgent=True) for n in range(2)]
    transactions = [future.result() for future in (*urgent, *waiting)]
    assert order == ["u0", "u1", "w0", "w1", "w2"]
    assert transactions[0] is transactions[1]
    assert transactions[1] is not transactions[2]


def test_a_batch_is_bounded_by_count(store: Store) -> None:
    with Writer(store, limit=4) as writer:
        with busy(writer):
            futures = [writer.submit(put(f"n{n}")) for n in range(10)]
        transactions = [future.result() for future in futures]
    groups = [sum(one is other for other in transactions) for one in transactions]
    assert max(groups) == 4
    assert len(names(store)) == 10


def test_a_batch_is_bounded_by_the_time_of_its_work(store: Store) -> None:
    with Writer(store, budget_ms=0) as writer:
        with busy(writer):
            futures = [writer.submit(put(f"n{n}")) for n in range(3)]
        first, second, third = (future.result() for future in futures)
    assert first is not second
    assert second is not third


@pytest.mark.parametrize("neighbours", [0, 3])
def test_work_inside_a_transaction_that_the_database_ended_is_never_called_stored(
    store: Store, writer: Writer, neighbours: int
) -> None:
    """SQLite may undo the whole transaction when the disk fails, also where the work looks away."""

    def undone(tx: Connection) -> None:
        put("lost")(tx)
        tx.exec_driver_sql("ROLLBACK")

    with busy(writer):
        futures: list[Future[Any]] = [writer.submit(put(f"n{n}")) for n in range(neighbours)]
        futures.append(writer.submit(undone))
    assert all(isinstance(future.exception(), StorageError) for future in futures)
    assert names(store) == set()
    writer.submit(put("later")).result()
    assert names(store) == {"later"}


@pytest.mark.parametrize("end", [Connection.close, Connection.rollback])
def test_work_that_ends_its_transaction_is_never_called_stored(
    store: Store, writer: Writer, end: Callable[[Connection], None]
) -> None:
    broken = writer.submit(lambda tx: (put("lost")(tx), end(tx)))
    assert isinstance(broken.exception(), StorageError)
    writer.submit(put("later")).result()
    assert names(store) == {"later"}


def test_a_withdrawn_future_is_not_worked_on(store: Store, writer: Writer) -> None:
    with busy(writer):
        gone = writer.submit(put("gone"))
        kept = writer.submit(put("kept"))
        assert gone.cancel()
    kept.result()
    with pytest.raises(CancelledError):
        gone.result()
    assert names(store) == {"kept"}


def test_close_commits_what_waits_and_takes_no_more(store: Store) -> None:
    writer = Writer(store)
    with busy(writer):
        futures = [writer.submit(put(f"n{n}"), urgent=n % 2 == 0) for n in range(50)]
    writer.close()
    assert all(future.done() and future.exception() is None for future in futures)
    assert len(names(store)) == 50
    with pytest.raises(StorageError, match="stopping"):
        writer.submit(put("late"))
    assert "late" not in names(store)


async def test_a_task_goes_on_after_the_commit(store: Store, writer: Writer) -> None:
    await asyncio.gather(*(writer.call_async(put(f"n{n}"), urgent=True) for n in range(20)))
    assert len(names(store)) == 20


async def test_a_task_gets_the_exception_of_its_work(store: Store, writer: Writer) -> None:
    results = await asyncio.gather(
        writer.call_async(put("good")), writer.call_async(put("bad", ValueError("no"))), return_exceptions=True
    )
    assert isinstance(results[1], ValueError)
    assert names(store) == {"good"}


async def test_work_of_a_cancelled_task_is_done_and_its_neighbours_hear_of_theirs(store: Store, writer: Writer) -> None:
    started, go_on = Event(), Event()
    occupied = writer.submit(lambda _tx: (started.set(), go_on.wait()))
    await asyncio.to_thread(started.wait)
    gone, kept = (asyncio.create_task(writer.call_async(put(name))) for name in "ab")
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    go_on.set()
    async with asyncio.timeout(30):  # of the same batch: it must hear of its commit all the same
        await kept
    occupied.result()
    assert names(store) == {"a", "b"}


def test_a_loop_that_was_closed_does_not_stop_the_thread(store: Store, writer: Writer) -> None:
    with busy(writer):
        loop = asyncio.new_event_loop()
        task = loop.create_task(writer.call_async(put("a")))
        loop.call_soon(loop.stop)
        loop.run_forever()
        task.cancel()
        loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
        loop.close()
    writer.submit(put("b")).result()
    assert names(store) == {"a", "b"}


def test_a_lock_that_is_never_released_is_told_to_all_that_wait(store: Store, writer: Writer, url: str) -> None:
    writer.submit(lambda tx: tx.exec_driver_sql("PRAGMA busy_timeout=1")).result()
    with Store.open(url) as beside, beside.write():
        errors = [future.exception() for future in [writer.submit(put(f"n{n}")) for n in range(3)]]
    assert all(isinstance(error, StorageError) and error.what == "another program holds the database" for error in errors)
    writer.submit(put("later")).result()
    assert names(store) == {"later"}


def test_a_writer_waits_for_a_command_that_holds_the_lock(store: Store, writer: Writer, url: str) -> None:
    with Store.open(url) as beside, beside.write() as tx:
        put("command")(tx)
        future = writer.submit(put("service"))
    future.result()
    assert names(store) == {"command", "service"}
