"""Holds of messages that name no tube. Their results stay in the journal entry; the hold's detail says which of its messages it means.

The detail ends in ``[message N ABCDEF01]``: the place among the entry's messages, and a fingerprint of codes, runs and values, so that a
driver that was mended since cannot put another specimen's results in its place.
"""

from __future__ import annotations

from zlib import crc32

from sqlalchemy import Connection

from lis_bridge.core.results import Message
from lis_bridge.tubes import tables
from lis_bridge.tubes.keys import Key
from lis_bridge.tubes.runs import token_of

_DECIDED = frozenset({"released", "discarded"})


def mark_of(message: Message, part: int) -> str:
    """What tells this message from the others of its entry: what the device sent, as what is derived follows the mapping."""
    sent = (row for row in message.observations if row.derived is None)
    rows = (f"{row.code}\0{row.aspect}\0{token_of(row)}\0{row.value}\0{row.unit}" for row in sent)
    fingerprint = crc32("\n".join(rows).encode())
    return f"[message {part + 1} {fingerprint:08X}]"


def hold(
    tx: Connection, message: Message, key: Key, analyzer: str, journal_id: int, part: int, at: str
) -> tuple[bool, int | None]:
    """Hold the message's results, once per entry and message: whether a hold was made, and its id (None: no result to hold)."""
    mark = mark_of(message, part)
    known = next((row[0] for row in tables.UNPLACED.rows(tx, entry=journal_id) if str(row[1]).endswith(mark)), None)
    if known is not None:
        return False, int(known)
    rows = [row for row in message.observations if row.is_result]
    if not rows or key.doubt is None:
        return True, None
    made = tables.INSERT_HOLD.one(
        tx,
        tube_id=None,
        journal_id=journal_id,
        analyzer=analyzer,
        reason=str(key.doubt),
        detail=" ".join(filter(None, (key.specimen and f"{key.specimen!r}:", key.detail, mark))),
        codes="\n".join(dict.fromkeys(row.key for row in rows)),
        results=len(rows),
        at=at,
    )
    return True, int(made[0])


def is_decided(tx: Connection, message: Message, journal_id: int, part: int) -> bool:
    """True where a person placed the message under a specimen, or discarded it: whatever its key says by now, it is that person's."""
    mark = mark_of(message, part)
    return any(row[2] in _DECIDED and str(row[1]).endswith(mark) for row in tables.UNPLACED.rows(tx, entry=journal_id))


def close_placed(tx: Connection, message: Message, journal_id: int, part: int, at: str) -> tuple[int, ...]:
    """Close the hold of a message that a replay could place; its id."""
    mark = mark_of(message, part)
    found = [row[0] for row in tables.UNPLACED.rows(tx, entry=journal_id) if row[2] == "open" and str(row[1]).endswith(mark)]
    return tuple(found[:1]) if found and tables.CLOSE_HOLD.run(tx, of=found[0], as_="replaced", at=at, by=None) else ()
