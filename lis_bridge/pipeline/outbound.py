"""Outbound: one task per destination that seals what is due, sends it in order and has the LIS's verdicts committed.

A verdict's commit is not waited for: the next tube's message goes meanwhile, the same tube's does not. Verdicts that come while one
commit is on its way are committed together. While the LIS is away its
state says so, and nothing is counted against any message. A message that is not answered goes again, alone; after ``PATIENCE``
tries it steps behind the others, so that one message which makes a LIS stumble cannot stop a laboratory.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import NamedTuple

import structlog

from lis_bridge import outbox
from lis_bridge.core.clock import Clock
from lis_bridge.core.faults import LinkError, StorageError
from lis_bridge.forward.ack import Verdict
from lis_bridge.forward.client import LisClient
from lis_bridge.forward.health import PATIENCE, Health
from lis_bridge.forward.oru import Builder, Tests
from lis_bridge.outbox import Backoff
from lis_bridge.pipeline.owing import Answer, Books, Item, Owing
from lis_bridge.settings import Destination
from lis_bridge.storage import Store, Writer

BATCH = 16
"""Messages that are read ahead; a STAT tube waits behind at most so many."""
UNSETTLED = 64
"""Answered messages whose verdicts may be on their way to the disk: what a kill can make the LIS see twice."""
LAST_ANSWER_SECONDS = 2.0
"""How long a task that is told to end waits for the answer that is outstanding."""

_log = structlog.get_logger(__name__)


class Timing(NamedTuple):
    """How long to wait: between connections, before a message goes again, between messages to a parked LIS, after its refusal."""

    connect: Backoff = Backoff(0.5, 30.0)
    again: Backoff = Backoff(1.0, 30.0)
    probe: Backoff = Backoff(10.0, 120.0)
    retry: Backoff = Backoff(5.0, 300.0)
    poll: float = 1.0


PATIENT = Timing()


@dataclass(frozen=True, slots=True)
class Status:
    """A destination as console and ``doctor`` show it; ``owed`` are sealed deliveries, dead ones included."""

    destination: str
    state: str
    since: datetime | None
    words: str
    owed: int
    delivered: int


class Outbound:
    """One destination's loop; ``mark`` learns which events of a tube a LIS may have seen (``tube.sealed``)."""

    def __init__(
        self,
        destination: Destination,
        store: Store,
        writer: Writer,
        tests: Tests,
        mark: outbox.Mark,
        clock: Clock,
        *,
        zone: tzinfo,
        timing: Timing = PATIENT,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._id = destination.id
        self._writer, self._clock, self._timing, self._chance = writer, clock, timing, chance
        policy = outbox.Policy(destination.retries, destination.retry_on, timing.retry, chance)
        builder = Builder(destination, tests)
        self._books = Books(destination.id, store, writer, builder, mark, policy, clock, zone, timing.poll, destination)
        self._client = LisClient(destination)
        self._health = Health()
        self._lost_at: float | None = None
        self._delivered = 0
        self._begin()

    def _begin(self) -> None:
        self._owing = Owing(self._books)
        self._room = asyncio.Semaphore(UNSETTLED)
        self._unheard: dict[int, int] = {}
        self._answers: list[Answer] = []
        self._answered = asyncio.Event()

    @property
    def status(self) -> Status:
        """How the destination fares."""
        health = self._health
        return Status(self._id, health.state, health.since, health.words, len(self._owing), self._delivered)

    def wake(self) -> None:
        """Something may be owed that was not: look now, not at the next poll. To be called in the loop's thread."""
        self._owing.wake()

    def offer(self, ready: outbox.Ready) -> None:
        """Something was sealed and committed: send it when it is its turn. To be called in the loop's thread."""
        self._owing.offer(ready)

    async def run(self) -> None:
        """Until cancelled; may be called again. An answer that is outstanding then is waited for, briefly."""
        self._begin()
        try:
            await self._owing.load()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._owing.keep())
                tasks.create_task(self._send_all())
                tasks.create_task(self._settle_all())
        finally:
            self._leave_settling()
            self._client.close()

    async def _send_all(self) -> None:
        while True:
            await self._reach()
            items = await self._owing.next(1 if self._health.state == "parked" else BATCH)
            for position, item in enumerate(items, 1):
                if not await self._send(item):
                    for kept in items[position:]:
                        self._owing.give_back(kept)
                    break

    async def _reach(self) -> None:
        """Until a connection stands."""
        while True:
            try:
                await self._client.connect()
            except LinkError as error:
                await self._missed(error)
            else:
                self._now_is(self._health.reached(self._clock.now()))
                return

    async def _send(self, item: Item) -> bool:
        """True when the LIS decided about the message; otherwise something was waited for, and the line begins anew."""
        await self._room.acquire()
        try:
            verdict = await self._deliver(item)
        except LinkError as error:
            self._room.release()
            self._owing.give_back(item)
            await self._missed(error)
            return False
        if verdict.answered:
            self._now_is(self._health.answered(self._clock.now(), f"{verdict.code} {verdict.text}".strip()))
            self._answers.append((item, verdict))
            self._answered.set()
            return True
        self._room.release()
        self._now_is(self._health.unheard(self._clock.now(), verdict.text), verdict.code)
        await self._owing.note_silence(item, verdict)
        await self._step_back(item)
        return False

    async def _deliver(self, item: Item) -> Verdict:
        exchange = asyncio.create_task(self._client.deliver(item.message, item.control_id))
        try:
            return await asyncio.shield(exchange)
        except asyncio.CancelledError:
            # Told to end: an answer that still comes saves the LIS a repetition.
            await asyncio.wait({exchange}, timeout=LAST_ANSWER_SECONDS)
            if not exchange.done():
                exchange.cancel()
            elif exchange.exception() is None and exchange.result().answered:
                self._answers.append((item, exchange.result()))
            raise

    async def _missed(self, error: LinkError) -> None:
        self._now_is(self._health.missed(self._clock.now(), error.what), error.what)
        await self._pause(self._timing.connect, self._health.unreachable)

    async def _step_back(self, item: Item) -> None:
        """After silence: the same message again, or, when it was met with silence too often, behind the others."""
        timing = self._timing
        tries = self._unheard[item.id] = self._unheard.get(item.id, 0) + 1
        if tries < PATIENCE:
            self._owing.give_back(item)
            await self._pause(timing.again, tries)
            return
        self._owing.give_back(item, timing.probe.after(tries - PATIENCE + 1, self._chance()))
        if self._health.state == "parked":
            await self._pause(timing.probe, self._health.unanswered - PATIENCE + 1)

    async def _settle_all(self) -> None:
        while True:
            await self._answered.wait()
            self._answered.clear()
            answers, self._answers = self._answers, []
            for (item, verdict), settled in zip(answers, await self._owing.settle(answers), strict=True):
                self._unheard.pop(item.id, None)
                self._delivered += settled.state == "delivered"
                if settled.state == "dead":
                    _log.warning("delivery_dead", destination=self._id, delivery=item.id, verdict=verdict.code)
                self._room.release()

    def _leave_settling(self) -> None:
        """Told to end: answers whose commit has not begun save the LIS a repetition."""
        if self._answers:
            with suppress(StorageError):
                self._writer.submit(self._owing.settling(self._answers))

    def _now_is(self, health: Health, why: str = "") -> None:
        """Take over the new health; log where it changed, once for all troubles in a row."""
        self._health = health
        lost = health.state in ("away", "parked")
        if lost and self._lost_at is None:
            self._lost_at = self._clock.monotonic()
            _log.warning("link_lost", destination=self._id, state=health.state, why=why)
        elif not lost and self._lost_at is not None:
            after = round(self._clock.monotonic() - self._lost_at)
            self._lost_at = None
            _log.info("link_back", destination=self._id, after_s=after)

    async def _pause(self, backoff: Backoff, failures: int) -> None:
        await asyncio.sleep(backoff.after(failures, self._chance()))
