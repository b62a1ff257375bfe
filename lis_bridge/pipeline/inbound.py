"""One conversation with an analyzer: its bytes → framer → one commit for everything in a read → replies, in order (promise 1).

Commit, then speak. A commit that fails is answered with the refusal of the first thing that it would have stored; the framer
steps back, the conversation goes on, and the analyzer sends again. One that waits for no answer does not: the line waits until the
disk is back, and a file is read anew. A reply that does not arrive ends the conversation behind what had been sent already. An analyzer
may be silent for ever. What is read is bounded by the framer's largest message, what is kept of bytes that are no message by ``Evidence``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from lis_bridge.core.clock import Clock
from lis_bridge.core.faults import Fault, LinkError, StorageError
from lis_bridge.framing import Discarded, Event, Framer, FrameReceived, MessageReceived, Send
from lis_bridge.journal import Filed
from lis_bridge.pipeline.filing import Evidence, Transmission, plan
from lis_bridge.storage import Writer
from lis_bridge.transport import Channel

CLOSING_TRIES = 3
CLOSING_PAUSE = 1.0
"""Seconds between the tries to store what a conversation left open, and how many there are once it is told to leave; acknowledged frames are
recovered at the next start in any case."""
UNANSWERED_PAUSE = 2.0
"""Seconds between the tries to store what an analyzer sends only once."""
LINGER_SECONDS = 0.25
LINGER_AT_MOST = 2.0
"""A conversation that a newer one replaces, or that hears no reply any more, is heard to its end: so long in silence, and so long at the most."""
WHOLE_SECONDS = 1.0
WHOLE_AT_MOST = 10.0
"""A conversation that a person stops is heard to the end of its transmission: so long in silence inside a message, and so long at the most."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Tally:
    """What was heard from one analyzer since the start, over all its conversations."""

    heard_at: datetime | None = None
    message_at: datetime | None = None
    bytes: int = 0
    messages: int = 0
    cut_off: int = 0
    faults: int = 0
    refused: int = 0
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """The analyzer behind a conversation. ``acknowledge`` gives the application's framed reply to a whole message, or None."""

    analyzer: str
    framing: str
    framer: Callable[[], Framer]
    acknowledge: Callable[[bytes, datetime], bytes | None]
    tally: Tally
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Ledger:
    """Where messages are journaled; ``journaled`` hears of them after the commit."""

    writer: Writer
    clock: Clock
    journaled: Callable[[Sequence[Filed]], None]


class Inbound:
    """Runs one conversation to its end."""

    def __init__(self, channel: Channel, source: Source, ledger: Ledger) -> None:
        self._channel = channel
        self._source = source
        self._ledger = ledger
        self._clock = ledger.clock
        self._framer = source.framer()
        self._open = Transmission.first()
        self._window: asyncio.Timeout | None = None
        self._leaving_at: float | None = None
        self._linger = 0.0
        self._whole = False
        self._begun = False
        self._asked_at = 0.0
        self._broken = False
        self._healing = False
        self._deaf: LinkError | None = None

    async def run(self) -> None:
        """Until the analyzer ends it, ``leave`` is called, or the link is lost (LinkError); the channel is closed by then."""
        ended = False
        try:
            while (data := await self._next()) is not None:
                await self._hear(data)
            ended = self._leaving_at is None
        finally:
            await self._close(ended)
        if self._deaf is not None:
            raise self._deaf

    def leave(self, *, linger: bool = False, whole: bool = False) -> None:
        """End after what is in hand; ``linger``: after what has been sent already, too; ``whole``: after the transmission that was begun."""
        self._whole = whole
        self._linger, at_most = (
            (WHOLE_SECONDS, WHOLE_AT_MOST) if whole else (LINGER_SECONDS, LINGER_AT_MOST) if linger else (0.0, 0.0)
        )
        self._asked_at = self._clock.monotonic()
        self._leaving_at = self._asked_at + at_most
        if self._window is not None and not self._window.expired():
            self._window.reschedule(asyncio.get_running_loop().time() + self._silence(self._clock.monotonic()))

    async def _next(self) -> bytes | None:
        """What the line brought, nothing when a timer is due, None at the end."""
        patience = self._patience()
        if patience is not None and patience < 0 and self._leaving_at is not None:
            return None
        try:
            async with asyncio.timeout(patience) as self._window:
                return await self._channel.read() or None
        except TimeoutError:
            return None if self._leaving_at is not None and not self._awaited() else b""
        finally:
            self._window = None

    def _patience(self) -> float | None:
        now = self._clock.monotonic()
        due = None if self._framer.deadline is None else max(0.0, self._framer.deadline - now)
        if self._leaving_at is None:
            return due
        left = self._leaving_at - now
        if not self._awaited():
            return min(self._silence(now), left)
        return left if due is None else min(due, left)

    def _silence(self, now: float) -> float:
        """How long nothing must be heard before leaving: between two messages of a busy line no longer than what was sent already takes."""
        return max(0.0, self._asked_at + LINGER_SECONDS - now) if self._whole and not self._begun else self._linger

    def _awaited(self) -> bool:
        """Whether the rest of a transmission is waited for before leaving."""
        begun = self._framer.deadline is not None or self._open.size > 0
        return self._whole and begun and self._leaving_at is not None and self._clock.monotonic() < self._leaving_at

    async def _hear(self, data: bytes) -> None:
        now = self._clock.monotonic()
        if not data:
            await self._act(self._framer.tick(now))
            return
        tally = self._source.tally
        tally.bytes += len(data)
        tally.heard_at = self._clock.now()
        try:
            events: Sequence[Event] = self._framer.receive(data, now)
        except Exception as error:  # a defect of ours: the bytes are kept, the conversation ends, the link begins a new one
            self._broken = True
            await self._act([Discarded(data, _defect(error))])
            raise LinkError("the framer failed", where=self._source.analyzer, hint=f"Report {type(error).__name__}") from error
        self._begun = bool(data.strip(b"\x04")) if not events else not isinstance(events[-1], MessageReceived)
        await self._act(events)

    async def _act(self, events: Sequence[Event]) -> None:
        if not events:
            return
        if await self._store(events):
            await self._speak(b"".join(map(self._reply, events)))
            return
        self._framer.refused()
        if self._channel.repeats:
            raise LinkError("not stored", where=self._source.analyzer, hint="The file is read again: make room on the disk")
        await self._speak(_refusal(events))

    async def _store(self, events: Sequence[Event]) -> bool:
        """Commit; what nobody would send again is tried until the disk takes it, while the line waits."""
        while not await self._commit(events):
            if self._channel.repeats or not self._healing or not self._is_said_once(events):
                return False
            await asyncio.sleep(UNANSWERED_PAUSE)
        return True

    def _is_said_once(self, events: Sequence[Event]) -> bool:
        """Whether there is something to keep, and nobody waits for a word about it."""
        worth = any(isinstance(event, MessageReceived | FrameReceived) for event in events)
        return worth and not _refusal(events) and not any(map(self._reply, events))

    async def _commit(self, events: Sequence[Event]) -> bool:
        """True once everything durable among the events is on the disk."""
        now = self._clock.now()
        filing = plan(
            events, self._open, self._source.evidence, self._source.analyzer, self._channel.peer, self._source.framing, now
        )
        messages: Sequence[Filed] = ()
        if filing.writes:
            try:
                messages = await self._ledger.writer.call_async(filing.store, urgent=True)
            except Exception as error:
                self._source.tally.refused += 1
                self._healing = isinstance(error, StorageError)
                what = error.what if isinstance(error, StorageError) else type(error).__name__
                _log.error("commit_refused", analyzer=self._source.analyzer, what=what)
                return False
        self._open = filing.open
        self._count(events, now)
        if messages:
            self._ledger.journaled(messages)
        return True

    def _count(self, events: Sequence[Event], now: datetime) -> None:
        tally, messages = self._source.tally, 0
        for event in events:
            if isinstance(event, MessageReceived):
                messages += 1
                tally.cut_off += not event.complete
            elif isinstance(event, Discarded):
                tally.faults += 1
                tally.fault = event.fault
                _log.warning("bytes_discarded", analyzer=self._source.analyzer, kind=event.fault.kind, bytes=len(event.raw))
        if messages:
            tally.messages += messages
            tally.message_at = now

    def _reply(self, event: Event) -> bytes:
        if isinstance(event, Send):
            return event.data
        if isinstance(event, FrameReceived):
            return event.reply
        if isinstance(event, MessageReceived):
            return event.reply + (self._acknowledgement(event.raw) if event.complete else b"")
        return b""

    def _acknowledgement(self, raw: bytes) -> bytes:
        try:
            return self._source.acknowledge(raw, self._clock.now()) or b""
        except Exception as error:  # the message is safe: what it is not answered, it is sent again
            _log.error("acknowledgement_failed", analyzer=self._source.analyzer, error=type(error).__name__)
            return b""

    async def _speak(self, words: bytes) -> None:
        if not words or self._deaf is not None:
            return
        try:
            await self._channel.write(words)
        except LinkError as error:  # what had been sent before is here, and may never be sent again
            self._deaf = error
            self.leave(linger=True)

    async def _close(self, ended: bool) -> None:
        """Store what was open. A file that was not read to its end is left as it is: it comes again."""
        try:
            worth = (ended or not self._channel.repeats) and not self._broken
            if worth and await self._store_rest() and ended:
                await self._channel.committed()
        except LinkError:  # the rest is stored, and nobody is there to hear of it
            pass
        finally:
            self._channel.close()

    async def _store_rest(self) -> bool:
        left = CLOSING_TRIES
        while True:
            events = self._framer.close(self._clock.monotonic())
            if await self._commit(events):
                await self._speak(b"".join(map(self._reply, events)))
                return True
            self._framer.refused()
            # Nobody waits for this conversation's end: what was acknowledged need not wait for the next start.
            patient = self._healing and self._leaving_at is None and not self._channel.repeats
            left -= not patient
            if not left:
                return False
            await asyncio.sleep(CLOSING_PAUSE)


def _refusal(events: Sequence[Event]) -> bytes:
    """What is said when the commit failed: all up to the first thing that would have been stored, which is refused."""
    words = b""
    for event in events:
        if isinstance(event, Send):
            words += event.data
        elif not isinstance(event, Discarded):
            return words + event.refusal
    return words


def _defect(error: Exception) -> Fault:
    return Fault(
        "framing failed", f"bytes of one read ({type(error).__name__})", "A defect of the bridge: report it with these bytes"
    )
