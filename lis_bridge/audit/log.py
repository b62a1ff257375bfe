"""Appending: in the caller's transaction, so that an act without its line, or a line without its act, cannot be.

Both databases let one transaction write at a time, and it holds that right from its start: the head that is read here is the head.
"""

from __future__ import annotations

from datetime import UTC

import msgspec
from sqlalchemy import Connection, bindparam, insert, select

from lis_bridge.audit.chain import Head, digest
from lis_bridge.audit.entries import Entry
from lis_bridge.storage import Statement
from lis_bridge.storage.schema.audit import audit

_HEAD = Statement(select(audit.c.id, audit.c.digest).order_by(audit.c.id.desc()).limit(1))
_APPEND = Statement(insert(audit).values({column.name: bindparam(column.name) for column in audit.c}))
_encode = msgspec.json.Encoder(order="sorted").encode


def append(tx: Connection, entry: Entry) -> Head:
    """Append one entry; the log's new head."""
    head = Head(*(_HEAD.one(tx) or ()))
    id = head.id + 1
    at = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    cells = (at, entry.actor, entry.via, entry.address, entry.action, entry.subject, _encode(dict(entry.detail)).decode())
    made = Head(id, digest(head.digest, id, cells))
    names = ("at", "actor", "via", "address", "action", "subject", "detail")
    _APPEND.run(tx, id=id, digest=made.digest, **dict(zip(names, cells, strict=True)))
    return made
