"""Work on its way to the disk: who waits for it, and whose turn it is. This file knows queues, never databases.

Two lanes share the disk. Urgent jobs go first, and a batch that holds one ends as soon as no more of them wait. The batch after
one of urgent jobs only begins with the oldest waiting job, so that neither lane starves the other.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection


@dataclass(slots=True)
class Job:
    """One function of a transaction and the future that hears of its end; ``loop`` is None for a thread's future."""

    work: Callable[[Connection], Any]
    future: Future[Any] | asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop | None
    result: Any = None
    error: BaseException | None = None

    def begin(self) -> bool:
        """False when a thread withdrew the job before its turn; from now on it cannot."""
        return not isinstance(self.future, Future) or self.future.set_running_or_notify_cancel()

    def settle(self) -> None:
        """Tell the future, in the loop or thread that it belongs to."""
        if self.loop and self.future.done():  # the task that waited is gone
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Lanes:
    """The two queues; ``put`` from any thread, the rest from the one that works."""

    def __init__(self) -> None:
        self._urgent: deque[Job] = deque()
        self._waiting: deque[Job] = deque()
        self._took_urgent = self._took_waiting = self._owed = False

    def __bool__(self) -> bool:
        return bool(self._urgent or self._waiting)

    def put(self, job: Job, urgent: bool) -> None:
        """Queue behind what its lane holds."""
        (self._urgent if urgent else self._waiting).append(job)

    def begin_batch(self) -> None:
        """What is taken from here on is committed together."""
        self._owed = self._took_urgent and not self._took_waiting
        self._took_urgent = self._took_waiting = False

    def take(self) -> Job | None:
        """The next job of this batch, or None when the batch should be committed."""
        if self._waiting and (self._owed or not (self._urgent or self._took_urgent)):
            self._owed, self._took_waiting = False, True
            return self._waiting.popleft()
        if self._urgent:
            self._took_urgent = True
            return self._urgent.popleft()
        return None

    def drain(self) -> list[Job]:
        """Everything that is queued, urgent first."""
        drained: list[Job] = []
        for lane in (self._urgent, self._waiting):
            while lane:
                drained.append(lane.popleft())
        return [job for job in drained if job.begin()]


def settle(jobs: Iterable[Job]) -> None:
    """Tell every future; one wake-up for each event loop, however many of its tasks wait."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in jobs:
        if job.loop is None:
            job.settle()
        else:
            by_loop.setdefault(job.loop, []).append(job)
    for loop, its_jobs in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle_all, its_jobs)
        except RuntimeError:  # the loop is closed: nobody waits any more, and the work is on the disk
            continue


def _settle_all(jobs: list[Job]) -> None:
    for job in jobs:
        job.settle()
