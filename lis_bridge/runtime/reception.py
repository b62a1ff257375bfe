"""One analyzer's link under supervision: it is had again after every loss, by itself, while the others go on.

Losses and returns are logged once each. Of one peer the newest connection wins, because the older one is as a rule half open, unless
the driver says that its analyzer keeps several (``[link] connections = "many"``).
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import structlog

from lis_bridge.core.faults import Fault, LinkError
from lis_bridge.pipeline.inbound import WHOLE_AT_MOST, Inbound, Ledger, Source, Tally
from lis_bridge.runtime.logs import place_of
from lis_bridge.runtime.peers import Peers
from lis_bridge.runtime.status import AnalyzerStatus, state_of
from lis_bridge.runtime.tap import Tap
from lis_bridge.settings import Analyzer
from lis_bridge.transport import Channel, Link
from lis_bridge.transport.serial_line import SerialLink

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 15.0
"""Seconds before a lost link is tried again; each vain try doubles them."""
STEADY_SECONDS = 5.0
"""A link that stays so long is back; one that is lost again before was never, and is not logged each time."""
MOST_CONVERSATIONS = 32
REMEMBERED_STRANGERS = 256
STOP_SECONDS = 10.0
"""A conversation that cannot be ended in so long (a peer that takes no reply, a disk that hangs) is given up when the service stops."""
CLOSE_SECONDS = 2.0
"""A serial device that is not free again after so long is left to its thread."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Rules:
    """Who may speak, and whether several connections of one peer may stand beside each other."""

    peers: Peers
    many: bool


@dataclass(frozen=True, slots=True)
class Stopped:
    """Who stopped a link, and when."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class _Talk:
    channel: Channel
    inbound: Inbound


class Reception:
    """Runs one link and its conversations; ``stopped`` while a person wants it so."""

    def __init__(self, analyzer: Analyzer, link: Link, source: Source, rules: Rules, ledger: Ledger) -> None:
        self._analyzer = analyzer
        self.link = link
        self.stopped: Stopped | None = None
        self._source = source
        self._rules = rules
        self._ledger = ledger
        self._clock = ledger.clock
        self.tap = Tap(ledger.clock, link.line.settings if isinstance(link, SerialLink) else "")
        self._talks: dict[asyncio.Task[None], _Talk] = {}
        self._strangers: set[str] = set()
        self._pause = FIRST_PAUSE
        self._lost_at: datetime | None = None
        self._away_since: datetime | None = None
        self._proving: asyncio.TimerHandle | None = None
        self._turned_away = 0
        self._fault: Fault | None = None

    @property
    def url(self) -> str:
        """The link as it is configured."""
        return self._analyzer.link

    @property
    def peers(self) -> tuple[str, ...]:
        """Who is connected now."""
        return tuple(talk.channel.peer for talk in self._talks.values())

    @property
    def heard(self) -> Tally:
        """What was heard since the start."""
        return self._source.tally

    def status(self, now: datetime) -> AnalyzerStatus:
        """What is to be told of the analyzer; peers that are files stay unnamed."""
        tally = self._source.tally
        named = () if self._analyzer.link.startswith("folder:") else self.peers
        stopped = self.stopped
        return AnalyzerStatus(
            id=self._analyzer.id,
            driver=self._analyzer.driver,
            link=self._analyzer.link,
            state="stopped" if stopped else state_of(self._lost_at is not None, tally.heard_at, now),
            connections=len(self._talks),
            peers=named,
            heard_at=tally.heard_at,
            message_at=tally.message_at,
            bytes=tally.bytes,
            told=self.tap.told,
            messages=tally.messages,
            cut_off=tally.cut_off,
            faults=tally.faults,
            refused=tally.refused,
            turned_away=self._turned_away,
            since=stopped.at if stopped else self._lost_at,
            stopped_by=stopped.by if stopped else "",
            recording=self.tap.keeper is not None,
            fault=self._fault or tally.fault,
        )

    async def open(self) -> None:
        """Bind a listening port. Raises LinkError."""
        await self.link.open()

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                await self._receive()
            except LinkError as error:
                self._note_loss(error)
            except Exception as error:
                what = f"{type(error).__name__} at {place_of(error)}"
                self._note_loss(LinkError(what, where=self.link.where, hint="A defect of the bridge: report it"))
            await asyncio.sleep(self._pause)
            self._pause = min(LONGEST_PAUSE, self._pause * 2)

    async def stop(self) -> None:
        """End the conversations, each after its commit in hand, and give the link back; ``run`` was cancelled before."""
        await self._end(whole=False)
        await self.tap.end_recording()

    async def rest(self, by: str) -> None:
        """End the conversations, each after the transmission in hand, and give the link back until ``resume``; ``run`` was cancelled before."""
        self.stopped = Stopped(by, self._clock.now())
        await self._end(whole=True)

    def resume(self) -> None:
        """Nobody wants the link stopped any more; ``run`` comes next."""
        self.stopped = None
        self._lost_at = self._away_since = None
        self._pause = FIRST_PAUSE

    async def _end(self, *, whole: bool) -> None:
        self._stop_proving()
        talks = dict(self._talks)
        for talk in talks.values():
            talk.inbound.leave(whole=whole)
        if talks:
            _, stuck = await asyncio.wait(talks, timeout=STOP_SECONDS + (WHOLE_AT_MOST if whole else 0.0))
            for task in stuck:
                task.cancel()
            freed = [asyncio.ensure_future(talk.channel.wait_closed()) for talk in talks.values()]
            _, held = await asyncio.wait(freed, timeout=CLOSE_SECONDS)
            for waiting in held:
                waiting.cancel()
        await self.link.close()

    async def _receive(self) -> None:
        # Links give generators; only those can be closed before their end.
        async with aclosing(cast(Any, self.link.connections())) as connections:
            async for channel in connections:
                self._note_return()
                await self._welcome(channel)

    async def _welcome(self, channel: Channel) -> None:
        admitted = False
        try:
            admitted = await self._admit(channel)
        finally:
            if not admitted:  # also when the link is stopped meanwhile
                channel.close()
        if admitted:
            self._begin(channel)

    async def _admit(self, channel: Channel) -> bool:
        if not await self._rules.peers.admit(channel.peer):
            self._note_stranger(channel.peer)
            return False
        if not self._rules.many:
            await self._retire(channel.peer)
        if len(self._talks) >= MOST_CONVERSATIONS:
            self._turn_away("too many connections", channel.peer, "Does the analyzer open connections without closing them?")
            return False
        return True

    async def _retire(self, peer: str) -> None:
        """Hear the peer's older conversation to its end before the newer one begins, so that messages keep their order."""
        older = {task: talk for task, talk in self._talks.items() if talk.channel.peer == peer}
        for talk in older.values():
            talk.inbound.leave(linger=True)
        if older:
            await asyncio.wait(older)  # unlike gather, it leaves them alone when the service stops meanwhile

    def _begin(self, channel: Channel) -> None:
        inbound = Inbound(self.tap.on(channel), self._source, self._ledger)
        task = asyncio.create_task(self._converse(inbound), name=f"conversation {self._source.analyzer}")
        self._talks[task] = _Talk(channel, inbound)
        task.add_done_callback(lambda done: self._talks.pop(done, None))

    async def _converse(self, inbound: Inbound) -> None:
        heard = self._source.tally.bytes
        try:
            await inbound.run()
        except LinkError as error:
            self._fault = Fault("connection broke", error.where, error.hint)
        except Exception as error:
            self._fault = Fault("conversation failed", place_of(error), f"A defect of the bridge: report {type(error).__name__}")
            _log.error("conversation_failed", analyzer=self._analyzer.id, error=type(error).__name__, at=place_of(error))
        if self._source.tally.bytes > heard:
            self._pause = FIRST_PAUSE

    def _note_loss(self, error: LinkError) -> None:
        self._fault = Fault("link lost", error.where, error.hint)
        self._stop_proving()
        self._lost_at = self._lost_at or self._clock.now()
        if self._away_since is None:
            self._away_since = self._lost_at
            _log.warning("link_lost", analyzer=self._analyzer.id, what=error.what, where=error.where, hint=error.hint)

    def _note_return(self) -> None:
        self._lost_at = None
        if self._away_since is not None and self._proving is None:
            self._proving = asyncio.get_running_loop().call_later(STEADY_SECONDS, self._note_back)

    def _note_back(self) -> None:
        self._proving = None
        if self._away_since is not None:
            after = (self._clock.now() - self._away_since).total_seconds()
            self._away_since = None
            _log.info("link_back", analyzer=self._analyzer.id, after_s=round(after))

    def _stop_proving(self) -> None:
        if self._proving is not None:
            self._proving.cancel()
            self._proving = None

    def _note_stranger(self, peer: str) -> None:
        """Said once for each address."""
        said = peer in self._strangers or len(self._strangers) >= REMEMBERED_STRANGERS
        if not said:
            self._strangers.add(peer)
        self._turn_away("unknown peer", peer, "Is it this analyzer? Then set its peer to this address", said=said)

    def _turn_away(self, kind: str, peer: str, hint: str, *, said: bool = False) -> None:
        self._turned_away += 1
        self._fault = Fault(kind, f"{peer} at {self.link.where}", hint)
        if not said:
            _log.warning("peer_refused", analyzer=self._analyzer.id, kind=kind, peer=peer, where=self.link.where)
