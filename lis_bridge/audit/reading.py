"""Reading the log: pages, the head, and the check of the whole chain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from sqlalchemy import ColumnElement, Connection, bindparam, func, select

from lis_bridge.audit.chain import Broken, Head, follow
from lis_bridge.audit.entries import Line
from lis_bridge.storage import Statement, unindexed
from lis_bridge.storage.schema.audit import audit

_a = audit.c
_COLUMNS = (_a.id, _a.at, _a.actor, _a.via, _a.address, _a.action, _a.subject, _a.detail, _a.digest)
_PAGE = 5000
_AFTER = Statement(select(*_COLUMNS).where(_a.id > bindparam("after")).order_by(_a.id).limit(_PAGE))
_NEWEST = Statement(select(func.max(_a.id)))


def newest(tx: Connection) -> int:
    """The id of the last entry; 0 where there is none."""
    return int(_NEWEST.one(tx)[0] or 0)


def lines(
    tx: Connection,
    *,
    actor: str | None = None,
    action: str | None = None,
    subject: str | None = None,
    since: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Line]:
    """A page, newest first; the next page is ``before`` the last id of this one, none has an id below ``since``."""
    wanted: list[ColumnElement[bool]] = []
    for column, value in ((_a.actor, actor), (_a.action, action), (_a.subject, subject)):
        if value is not None:
            # Of one subject there are few entries, whoever did what.
            wanted.append((column if subject is None or column is _a.subject else unindexed(column)) == value)
    if since is not None:
        wanted.append(_a.id >= since)
    if before is not None:
        wanted.append(_a.id < before)
    rows = tx.execute(select(*_COLUMNS).where(*wanted).order_by(_a.id.desc()).limit(limit))
    return [Line(*row) for row in rows]


def verify(tx: Connection, known: Head | None = None) -> Head | Broken:
    """Follow the whole chain; ``known`` is a head that was written down before."""
    return follow(all_of(partial(after, tx)), known)


def all_of(page: Callable[[int], list[Line]]) -> Iterator[Line]:
    """Every entry in its order; ``page`` gives those after an id, as ``after`` does, for which each may have a snapshot of its own."""
    last = 0
    while found := page(last):
        yield from found
        last = found[-1].id


def after(tx: Connection, id: int) -> list[Line]:
    """The entries that follow an id, the oldest first, so many as are read at once; none after the last."""
    return [Line(*row) for row in _AFTER.rows(tx, after=id)]
