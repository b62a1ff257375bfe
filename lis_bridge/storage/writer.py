"""The storage thread: everything that must be durable is handed to it as a function of a transaction.

Work that waits together is committed together, one sync of the disk for all of it, and a future resolves after that commit only.
Work is called once, in the thread, at any later time. An exception undoes what that work wrote and nothing else, and goes to
its future. Work must not wait for other work, and must not tell anyone anything: what it did may still be refused by the disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from threading import Condition, Thread
from time import perf_counter
from types import TracebackType
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection

from lis_bridge.core.faults import StorageError
from lis_bridge.storage.jobs import Job, Lanes, settle
from lis_bridge.storage.refusals import refusal
from lis_bridge.storage.store import Store

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class Writer:
    """The one thread that writes in a service; a batch takes at most ``limit`` jobs, and none after ``budget_ms`` of them."""

    def __init__(self, store: Store, *, limit: int = 256, budget_ms: float = 25.0) -> None:
        self._store = store
        self._limit = limit
        self._budget = budget_ms / 1000
        self._lanes = Lanes()
        self._wake = Condition()
        self._closing = False
        self._refusing = False
        self._connection: Connection | None = None
        self._thread = Thread(target=self._run, name="storage", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Connection], T], *, urgent: bool = False) -> Future[T]:
        """Queue the work; its future gets the result once that is on the disk, the work's exception, or a StorageError.

        Cancelling the future before its turn withdraws the work. Raises StorageError after ``close``.
        """
        future: Future[T] = Future()
        self._put(Job(work, future, None), urgent)
        return future

    async def call_async(self, work: Callable[[Connection], T], urgent: bool = False) -> T:
        """Queue the work and wait for its commit; it is done even if the task that waits is cancelled. Raises as ``submit``."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._put(Job(work, future, loop), urgent)
        return await future

    def close(self) -> None:
        """Take no more work, commit what waits, end the thread."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _put(self, job: Job, urgent: bool) -> None:
        with self._wake:
            if self._closing:
                hint = "send again when the bridge is back"
                raise StorageError("the bridge is stopping and stores nothing more", where=self._store.where, hint=hint)
            self._lanes.put(job, urgent)
            self._wake.notify()

    def _run(self) -> None:
        while self._await_work():
            batch: list[Job] = []
            try:
                self._commit(batch)
                self._note_success()
            except BaseException as error:  # the thread outlives whatever the disk does
                self._abandon(batch, error)
            settle(batch)
            del batch  # results and their bytes are not kept while the thread sleeps
        self._drop_connection()

    def _await_work(self) -> bool:
        with self._wake:
            while not self._lanes and not self._closing:
                self._wake.wait()
            return bool(self._lanes)

    def _commit(self, batch: list[Job]) -> None:
        if self._connection is None:
            self._connection = self._store.writing_connection()
        transaction = self._connection.begin()
        alone = self._fill(self._connection, batch)
        if alone and alone.error is not None:
            transaction.rollback()
        else:
            transaction.commit()  # raises where the work itself has ended the transaction

    def _fill(self, tx: Connection, batch: list[Job]) -> Job | None:
        """Run a batch; returns its job when it was alone and needed no savepoint."""
        self._lanes.begin_batch()
        ends = perf_counter() + self._budget
        cursor = None
        while len(batch) < self._limit and (job := self._lanes.take()):
            if not job.begin():
                continue
            batch.append(job)
            if cursor is None and not self._lanes:
                self._call(job, tx)
                return job
            cursor = cursor or tx.connection.cursor()
            self._call_apart(job, tx, cursor)
            if perf_counter() > ends:
                break
        return None

    def _call(self, job: Job, tx: Connection) -> None:
        try:
            job.result = job.work(tx)
        except BaseException as error:
            job.error = refusal(error, self._store.where) or error

    def _call_apart(self, job: Job, tx: Connection, cursor: Any) -> None:
        cursor.execute("SAVEPOINT job")
        self._call(job, tx)
        if job.error is not None:
            try:
                cursor.execute("ROLLBACK TO SAVEPOINT job")
            except Exception:  # the database has undone the whole transaction: this job's error is everyone's
                raise job.error from None
        cursor.execute("RELEASE SAVEPOINT job")

    def _abandon(self, batch: list[Job], error: BaseException) -> None:
        """Nothing of the batch is on the disk: tell all of it why. Without a transaction, all that waits is the batch."""
        self._drop_connection()
        batch += [] if batch else self._lanes.drain()
        refused = refusal(error, self._store.where)
        for job in batch:
            if job.error is None:
                job.error = self._refusal(refused, error)
        if not self._refusing:
            self._refusing = True
            what = refused.what if refused else type(error).__name__
            _log.error("storage_refused", what=what, where=self._store.where, jobs=len(batch))

    def _refusal(self, refused: StorageError | None, cause: BaseException) -> StorageError:
        what = refused.what if refused else "the transaction was given up"
        hint = refused.hint if refused else "see the cause; what was not acknowledged will be sent again"
        error = StorageError(what, where=self._store.where, hint=hint)
        error.__cause__ = cause
        return error

    def _note_success(self) -> None:
        if self._refusing:
            self._refusing = False
            _log.info("storage_back", where=self._store.where)

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):  # a connection that is broken cannot even be given back
                connection.close()
