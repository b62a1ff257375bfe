"""What the events of one read mean for the journal: pure planning first, then one transaction.

Frames that are acknowledged before their message is whole wait under the name of their transmission; the message takes their
place. Frames whose message ends in the same read never touch the disk by themselves.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from lis_bridge import journal
from lis_bridge.core.faults import Fault
from lis_bridge.framing import Discarded, Event, FrameReceived, MessageReceived

EVIDENCE_AT_ONCE = 256
EVIDENCE_PER_HOUR = 32
"""Entries of bytes that are no message, kept of one analyzer: a noisy line must fill neither the disk nor the list of what is to be decided."""


@dataclass(frozen=True, slots=True)
class Transmission:
    """What is open on a line: the name that its frames are stored under, and how many bytes of them there are."""

    name: str
    number: int = 0
    size: int = 0

    @classmethod
    def first(cls) -> Transmission:
        """Of a new conversation; no other ever has its name."""
        return cls(uuid.uuid4().hex)

    @property
    def session(self) -> str:
        return f"{self.name}-{self.number}"

    def after(self) -> Transmission:
        """The next one of the same conversation."""
        return Transmission(self.name, self.number + 1)

    def plus(self, size: int) -> Transmission:
        """With more bytes stored under its name."""
        return Transmission(self.name, self.number, self.size + size)

    def replaced_by(self, raw: bytes) -> str | None:
        """The session that a message stands in place of. Frames that the framer gave up are not in it: they stay, and are recovered."""
        return self.session if 0 < self.size <= len(raw) else None


@dataclass(frozen=True, slots=True)
class Kept:
    """A message, in place of the frames of ``session`` where there are any."""

    entry: journal.Entry
    session: str | None


@dataclass(frozen=True, slots=True)
class Begun:
    """A frame whose message has not ended."""

    entry: journal.Entry
    session: str


@dataclass(frozen=True, slots=True)
class Strange:
    """Bytes that are no message."""

    entry: journal.Entry
    fault: Fault


Write = Kept | Begun | Strange


@dataclass(frozen=True, slots=True)
class Filing:
    """What one transaction stores, and what is open after it."""

    writes: tuple[Write, ...]
    open: Transmission

    def store(self, tx: Connection) -> list[journal.Filed]:
        """In the caller's transaction; nothing is true before its commit. The messages among the writes, which wait to be processed."""
        messages = []
        for write in self.writes:
            if isinstance(write, Begun):
                journal.append_frame(tx, write.session, write.entry)
            elif isinstance(write, Strange):
                journal.keep_evidence(tx, write.entry, write.fault)
            elif write.session is None:
                messages.append(journal.filed(journal.append(tx, write.entry), write.entry))
            else:
                messages.append(journal.filed(journal.end_session(tx, write.session, write.entry), write.entry))
        return messages


@dataclass(slots=True)
class Evidence:
    """How many entries of evidence an analyzer may still leave; the allowance grows back by the hour."""

    left: float = EVIDENCE_AT_ONCE
    at: datetime | None = field(default=None)

    def grant(self, now: datetime) -> bool:
        """True where one more may be kept."""
        hours = 0.0 if self.at is None else max(0.0, (now - self.at).total_seconds() / 3600)
        self.left = min(EVIDENCE_AT_ONCE, self.left + hours * EVIDENCE_PER_HOUR)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


def plan(
    events: Sequence[Event], open: Transmission, evidence: Evidence, analyzer: str, peer: str, framing: str, now: datetime
) -> Filing:
    """The writes that make the events durable, in order; nothing where none of them needs it."""

    def entry(raw: bytes, complete: bool = False) -> journal.Entry:
        return journal.Entry(analyzer, peer, now, framing, complete, raw)

    writes: list[Write] = []
    frames: list[Begun] = []
    for event in events:
        if isinstance(event, FrameReceived):
            frames.append(Begun(entry(event.raw), open.session))
        elif isinstance(event, MessageReceived):
            writes.append(Kept(entry(event.raw, event.complete), open.replaced_by(event.raw)))
            frames.clear()
            open = open.after()
        elif isinstance(event, Discarded) and evidence.grant(now):
            writes.append(Strange(entry(event.raw), event.fault))
    return Filing((*writes, *frames), open.plus(sum(len(frame.entry.raw) for frame in frames)))
