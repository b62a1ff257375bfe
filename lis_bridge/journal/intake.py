"""How bytes get into the journal. Commit, then speak: nothing here has happened until the caller's transaction is on the disk.

A frame that is to be acknowledged before its message is whole waits in ``frame``; the end of the message moves it, in one
transaction, into an entry. What a killed process left there becomes an entry at the next start.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from lis_bridge.core.faults import Fault
from lis_bridge.journal.entries import Entry, State, text_of
from lis_bridge.storage import Statement
from lis_bridge.storage.packing import pack
from lis_bridge.storage.schema.journal import frame, journal, journal_raw

EVIDENCE_BYTES = 1024 * 1024
"""How much of bytes that are no message is kept."""

_COMMON = ("analyzer", "peer", "received_at", "framing")

_INSERT_ENTRY = Statement(
    insert(journal)
    .values({name: bindparam(name) for name in (*_COMMON, "complete", "state", "reason", "detail")})
    .returning(journal.c.id)
)
_INSERT_RAW = Statement(
    insert(journal_raw).values({name: bindparam(name) for name in ("journal_id", "size", "packing", "content")})
)
_INSERT_FRAME = Statement(insert(frame).values({name: bindparam(name) for name in (*_COMMON, "raw", "session")}))
_DELETE_FRAMES = Statement(delete(frame).where(frame.c.session == bindparam("of")))
_SESSIONS = Statement(select(frame.c.session).group_by(frame.c.session).order_by(func.min(frame.c.id)))
_FRAMES = Statement(
    select(frame.c.analyzer, frame.c.peer, frame.c.received_at, frame.c.framing, frame.c.raw)
    .where(frame.c.session == bindparam("of"))
    .order_by(frame.c.id)
)


def append(tx: Connection, entry: Entry) -> int:
    """Store a message for processing; its id in the journal."""
    return _insert(tx, entry, "pending")


def append_frame(tx: Connection, session: str, entry: Entry) -> None:
    """Store one accepted frame of a transmission that has not ended; ``entry.raw`` is the frame, ``entry.complete`` says nothing.

    ``session`` names connection and transmission, never used again by this process.
    """
    _INSERT_FRAME.run(
        tx,
        session=session,
        analyzer=entry.analyzer,
        peer=entry.peer,
        received_at=text_of(entry.received_at),
        framing=entry.framing,
        raw=entry.raw,
    )


def end_session(tx: Connection, session: str, entry: Entry) -> int:
    """Store the message that the session's frames make up, whole or cut off, in place of them; its id in the journal."""
    _DELETE_FRAMES.run(tx, of=session)
    return _insert(tx, entry, "pending")


def keep_evidence(tx: Connection, entry: Entry, fault: Fault) -> int:
    """Store bytes that are no message as quarantined for ``fault``; its id in the journal.

    Never complete, so that a replay cannot take it for a whole message; of long bytes the first MiB is kept.
    """
    kept = entry.raw[:EVIDENCE_BYTES]
    detail = f"{fault.where}: {fault.hint}"
    if len(kept) < len(entry.raw):
        detail += f" (the first {len(kept)} of {len(entry.raw)} bytes are kept)"
    evidence = Entry(entry.analyzer, entry.peer, entry.received_at, entry.framing, False, kept)
    return _insert(tx, evidence, "quarantined", fault.kind, detail)


def recover(tx: Connection, now: datetime, is_whole: Callable[[Entry], bool]) -> list[int]:
    """Make entries of the frames that a killed process left, oldest first; their ids.

    ``is_whole`` sees each as a cut-off entry of all its frames and says whether the message has its end (LIS2-A2: the last
    frame completes an L record). To be called before the first link is open; ``now`` is noted in the detail.
    """
    sessions = [row[0] for row in _SESSIONS.rows(tx)]
    return [_recover_one(tx, session, now, is_whole) for session in sessions]


def _recover_one(tx: Connection, session: str, now: datetime, is_whole: Callable[[Entry], bool]) -> int:
    frames = list(_FRAMES.rows(tx, of=session))
    analyzer, peer, received_at, framing, _ = frames[-1]
    raw = b"".join(row[4] for row in frames)
    found = Entry(analyzer, peer, datetime.fromisoformat(received_at), framing, False, raw)
    entry = Entry(analyzer, peer, found.received_at, framing, is_whole(found), raw)
    _DELETE_FRAMES.run(tx, of=session)
    return _insert(tx, entry, "pending", detail=f"recovered at {text_of(now)}")


def _insert(tx: Connection, entry: Entry, state: State, reason: str | None = None, detail: str | None = None) -> int:
    row = _INSERT_ENTRY.one(
        tx,
        analyzer=entry.analyzer,
        peer=entry.peer,
        received_at=text_of(entry.received_at),
        framing=entry.framing,
        complete=int(entry.complete),
        state=state,
        reason=reason,
        detail=detail,
    )
    id = int(row[0])
    packing, content = pack(entry.raw)
    _INSERT_RAW.run(tx, journal_id=id, size=len(entry.raw), packing=packing, content=content)
    return id
