"""The attachments of one database: kept, listed, held and moved with their results, and which destination was told of which.

``journal_id`` is the entry whose results an attachment belongs to; ``pipeline.pictures`` says which, and when they wait.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, bindparam, delete, exists, insert, literal_column, select, update

from lis_bridge.attachments.contents import Content, contents_of
from lis_bridge.core.results import Message
from lis_bridge.storage import Statement
from lis_bridge.storage.packing import pack, unpack
from lis_bridge.storage.schema.attachments import attachment, attachment_told
from lis_bridge.storage.schema.tubes import tube

_a, _t = attachment.c, attachment_told.c
_KNOWN = Statement(
    select(_a.id, _a.journal_id, _a.held).where(_a.tube_id == bindparam("tube"), _a.digest == bindparam("of")).limit(1)
)
_CLAIM = Statement(update(attachment).where(_a.id == bindparam("of")).values(journal_id=bindparam("entry")))
_ENTRIES = Statement(select(_a.journal_id, _a.analyzer).where(_a.tube_id == bindparam("tube")).distinct())
_INSERT = Statement(insert(attachment).values({column.name: bindparam(column.name) for column in _a if column.name != "id"}))
_LINES = Statement(
    select(_a.id, _a.journal_id, _a.analyzer, _a.code, _a.kind, _a.format, _a.media, _a.size, _a.held, _a.at)
    .where(_a.tube_id == bindparam("tube"))
    .order_by(_a.id)
)
_CONTENT = Statement(select(_a.packing, _a.content).where(_a.id == bindparam("of")))
_OF_ENTRY = (_a.journal_id == bindparam("entry"), _a.tube_id == bindparam("tube"))
_HOLD = Statement(update(attachment).where(*_OF_ENTRY).values(held=bindparam("waits")))
_MOVE = Statement(update(attachment).where(*_OF_ENTRY).values(tube_id=bindparam("to"), held=0))
_TAKE_BACK = Statement(
    update(attachment_told)
    .where(_t.attachment_id.in_(select(_a.id).where(*_OF_ENTRY)), _t.tube_id == bindparam("told_of"))
    .values(withdraw=bindparam("taken"))
)
_BEGIN = (_a.id, _a.code, _a.media, _a.analyzer, _a.packing, _a.content)
_elsewhere = attachment_told.alias()
"""What must be withdrawn of another specimen first, also where an older message of this one is still open."""
_UNTOLD = Statement(
    select(*_BEGIN)
    .join(tube, tube.c.id == _a.tube_id)
    .outerjoin(
        attachment_told,
        (_t.attachment_id == _a.id) & (_t.destination == bindparam("to")) & (_t.tube_id == _a.tube_id),
    )
    .where(
        tube.c.key == bindparam("key"),
        _a.held == literal_column("0"),
        _t.attachment_id.is_(None),
        ~exists().where(
            _elsewhere.c.attachment_id == _a.id,
            _elsewhere.c.destination == bindparam("to"),
            _elsewhere.c.withdraw == literal_column("1"),
        ),
    )
    .order_by(_a.id)
)
_WITHDRAWN = Statement(
    select(*_BEGIN)
    .join(attachment_told, _t.attachment_id == _a.id)
    .join(tube, tube.c.id == _t.tube_id)
    .where(tube.c.key == bindparam("key"), _t.destination == bindparam("to"), _t.withdraw == literal_column("1"))
    .order_by(_a.id)
)
_TOLD = Statement(
    insert(attachment_told).from_select(
        ["destination", "attachment_id", "tube_id", "withdraw"],
        select(bindparam("to"), bindparam("of"), tube.c.id, literal_column("0")).where(tube.c.key == bindparam("key")),
    )
)
_FORGET = Statement(
    delete(attachment_told).where(
        _t.destination == bindparam("to"), _t.attachment_id == bindparam("of"), _t.withdraw == literal_column("1")
    )
)


class Attached(msgspec.Struct, frozen=True):
    """One attachment as lists show it; ``held`` while no result that it came with is reported."""

    id: int
    journal_id: int
    analyzer: str
    code: str
    kind: str
    format: str
    media: str
    size: int
    held: bool
    at: str


class Owed(msgspec.Struct, frozen=True):
    """One attachment that a destination is to be told of: F, or W where it was another tube's or is held back."""

    id: int
    code: str
    media: str
    analyzer: str
    status: str
    data: bytes


def keep(tx: Connection, tube_id: int, journal_id: int, analyzer: str, message: Message, *, held: bool, at: datetime) -> int:
    """Keep what a message brought, with the results of this entry; how many of it the tube did not have."""
    return sum(_keep(tx, tube_id, journal_id, analyzer, content, held, at) for content in contents_of(message))


def _keep(tx: Connection, tube_id: int, journal_id: int, analyzer: str, content: Content, held: bool, at: datetime) -> bool:
    digest = hashlib.sha256(f"{analyzer}\0{content.code}\0".encode() + content.data).hexdigest()
    known = _KNOWN.one(tx, tube=tube_id, of=digest)
    if known is not None:
        if not held:
            _come_again(tx, tube_id, journal_id, *known)
        return False
    packed = pack(content.data)
    _INSERT.run(
        tx,
        tube_id=tube_id,
        journal_id=journal_id,
        analyzer=analyzer,
        code=content.code,
        kind=content.kind,
        format=content.format,
        media=content.media,
        size=len(content.data),
        held=int(held),
        digest=digest,
        packing=packed.packing,
        content=packed.content,
        at=at.isoformat(),
    )
    return True


def _come_again(tx: Connection, tube_id: int, journal_id: int, id: int, of_entry: int, held: int) -> None:
    """It came with results that are reported, and from now on belongs to those."""
    if of_entry != journal_id:
        _CLAIM.run(tx, of=id, entry=journal_id)
    if held:
        release(tx, journal_id, tube_id)


def entries(tx: Connection, tube_id: int) -> dict[int, str]:
    """The entries that a tube has attachments of, each with its analyzer."""
    return {int(entry): str(analyzer) for entry, analyzer in _ENTRIES.rows(tx, tube=tube_id)}


def lines(tx: Connection, tube_id: int) -> list[Attached]:
    """The attachments of a tube in the order in which they came."""
    return [
        Attached(id, journal_id, analyzer, code, kind, format, media, size, bool(held), at)
        for id, journal_id, analyzer, code, kind, format, media, size, held, at in _LINES.rows(tx, tube=tube_id)
    ]


def content(tx: Connection, attachment_id: int) -> bytes | None:
    """The bytes of one attachment."""
    row = _CONTENT.one(tx, of=attachment_id)
    return None if row is None else unpack(tx, *row)


def withhold(tx: Connection, journal_id: int, tube_id: int) -> None:
    """No result of the entry is reported of the tube any more: its pictures wait, and who was told of them hears that they are withdrawn."""
    _HOLD.run(tx, entry=journal_id, tube=tube_id, waits=1)
    _TAKE_BACK.run(tx, entry=journal_id, tube=tube_id, told_of=tube_id, taken=1)


def release(tx: Connection, journal_id: int, tube_id: int) -> None:
    """Results of the entry are reported of the tube: so are its pictures. A withdrawal that nobody heard of is none."""
    _HOLD.run(tx, entry=journal_id, tube=tube_id, waits=0)
    _TAKE_BACK.run(tx, entry=journal_id, tube=tube_id, told_of=tube_id, taken=0)


def move(tx: Connection, journal_id: int, tube_id: int, to: int) -> None:
    """The results of an entry went to another tube: its pictures follow, and who was told of them is told that they were another's."""
    for told_of, taken in ((tube_id, 1), (to, 0)):  # it may go back to where a withdrawal of it still waits
        _TAKE_BACK.run(tx, entry=journal_id, tube=tube_id, told_of=told_of, taken=taken)
    _MOVE.run(tx, entry=journal_id, tube=tube_id, to=to)


def owed(tx: Connection, key: str, destination: str) -> list[Owed]:
    """What a destination is to be told with the next message of the tube with this key."""
    taken_back = [_owed(tx, row, "W") for row in _WITHDRAWN.rows(tx, key=key, to=destination)]
    return taken_back + [_owed(tx, row, "F") for row in _UNTOLD.rows(tx, key=key, to=destination)]


def _owed(tx: Connection, row: tuple[object, ...], status: str) -> Owed:
    id, code, media, analyzer, packing, content = row
    data = unpack(tx, packing, content) if status == "F" else b""  # type: ignore[arg-type]
    return Owed(id, code, media, analyzer, status, data)  # type: ignore[arg-type]


def told(tx: Connection, key: str, destination: str, found: Sequence[Owed]) -> None:
    """They stand in a message that is sealed in this transaction."""
    for one in found:
        if one.status == "W":
            _FORGET.run(tx, to=destination, of=one.id)
        else:
            _TOLD.run(tx, to=destination, of=one.id, key=key)
