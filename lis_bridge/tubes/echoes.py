"""The same analyzer, test, time and value under two specimen ids (promise 3), found by their marks.

Table ``observed`` has all marks in the order of time; the newest stand in ``observed_tail``, a row for each message, and in memory. A line measures
a tube over minutes and works on many at a time: brought over together, what they have in common is written once, not with each of them.

What is in memory is trusted only while the table says that nobody else has added to it since, and that nothing was undone: each row of the tail
holds a number that its writer drew, and the number of the row before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from random import SystemRandom
from typing import Any, TypeVar

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from lis_bridge.storage import Statement
from lis_bridge.storage.schema.tubes import observed, observed_tail
from lis_bridge.tubes.marks import Mark, Marks, Seconds, decoded

TAIL = 16_384
"""So many marks stand in the tail; one more message brings them over."""

_CHUNK = 500
"""Rows of one statement; SQLite takes 32,766 parameters."""

_t = observed_tail.c
_newest = select(_t.drawn).order_by(_t.id.desc()).limit(1).scalar_subquery()
_APPEND = Statement(
    insert(observed_tail)
    .values(tube_id=bindparam("tube_id"), drawn=bindparam("drawn"), before=_newest, content=bindparam("content"))
    .returning(_t.id, _t.before)
)
_TAIL = Statement(select(_t.tube_id, _t.content).where(_t.id < bindparam("end")).order_by(_t.id))
_DROP = Statement(delete(observed_tail).where(_t.id < bindparam("end")))
_LATEST = Statement(select(func.max(observed.c.at)))

T = TypeVar("T")


_Owners = dict[int, dict[int, int]]
"""Whose a fingerprint of a second is."""


class Echoes:
    """Who has which marks, for one database; not to be shared between threads.

    ``_owners`` are those of the tail, ``_recent`` those that were brought over last. Of the seconds from ``_since`` on there is nothing in the
    table that is not among them; ``_latest`` is the table's last second.
    """

    def __init__(self) -> None:
        self._owners: _Owners = {}
        self._size = 0
        self._recent: _Owners = {}
        self._since = 0
        self._latest = 0
        self._drawn = SystemRandom().getrandbits(62)

    def register(self, tx: Connection, tube_id: int, found: Marks) -> frozenset[int]:
        """Note a message's marks as this tube's; the indexes of the rows that another tube has already."""
        if not found.marks:
            return frozenset()
        known, self._drawn = self._drawn, self._drawn + 1  # never drawn twice, whatever becomes of the transaction
        row, before = _APPEND.one(tx, tube_id=tube_id, drawn=self._drawn, content=found.content)
        if before != known:
            self._load(tx, row)
        foreign = self._note(tube_id, found.seconds, self._earlier(tx, found))
        if self._size > TAIL:
            self._bring_over(tx, row)
        if not foreign:
            return frozenset()
        return frozenset(index for index, mark in zip(found.indexes, found.marks, strict=True) if mark in foreign)

    def _load(self, tx: Connection, end: int) -> None:
        """Read the tail before this row, as it stands in the transaction."""
        self._owners, self._size, self._recent = {}, 0, {}
        self._latest = _LATEST.one(tx)[0] or 0
        self._since = self._latest + 1
        for tube_id, content in _TAIL.rows(tx, end=end):
            self._note(tube_id, decoded(content), {})

    def _earlier(self, tx: Connection, found: Marks) -> dict[Mark, int]:
        """The owners of those marks that only the table knows."""
        if min(found.seconds) >= self._since:
            return {}
        marks = [mark for mark in found.marks if mark[0] < self._since]
        return dict(chain.from_iterable(_owners(tx, chunk) for chunk in _chunks(marks)))

    def _note(self, tube_id: int, seconds: Seconds, earlier: dict[Mark, int]) -> set[Mark]:
        """Take the marks into memory, whose nobody has; those that another tube has, now or in the table."""
        foreign: set[Mark] = set()
        for second, prints in seconds.items():
            recent, owners = self._recent.get(second), self._owners.setdefault(second, {})
            for print_ in prints:
                owner = (
                    (earlier and earlier.get((second, print_)))
                    or (recent and recent.get(print_))
                    or owners.setdefault(print_, tube_id)
                )
                if owner != tube_id:
                    foreign.add((second, print_))
            self._size += len(prints)
        return foreign

    def _bring_over(self, tx: Connection, newest: int) -> None:
        """Into ``observed``, in its order; the newest row stays, for its number."""
        seconds = sorted(self._owners)
        rows = chain.from_iterable(zip(repeat(at), owners, owners.values()) for at in seconds if (owners := self._owners[at]))
        for part in _chunks(tuple(rows)):
            _insert(tx, part)
        _DROP.run(tx, end=newest)
        self._since, self._latest = self._latest + 1, max(self._latest, seconds[-1])
        self._recent, self._owners, self._size = self._owners, {}, 0


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    return (values[at : at + _CHUNK] for at in range(0, len(values), _CHUNK))


def _insert(tx: Connection, values: Sequence[tuple[int, int, int]]) -> None:
    places = ",".join(["(?,?,?)"] * len(values))
    _execute(tx, f"INSERT INTO observed (at, fingerprint, tube_id) VALUES {places} ON CONFLICT DO NOTHING", values).close()


def _owners(tx: Connection, marks: Sequence[Mark]) -> Iterator[tuple[Mark, int]]:
    places = ",".join(["(?,?)"] * len(marks))
    # The order of a CROSS JOIN is SQLite's too: a look-up for each mark. Of (at, fingerprint) IN (VALUES ...) it makes a scan.
    sql = (
        f"WITH mark (second, print) AS (VALUES {places}) SELECT at, fingerprint, tube_id FROM mark CROSS JOIN observed "
        "WHERE at = second AND fingerprint = print"
    )
    cursor = _execute(tx, sql, marks)
    yield from (((at, print_), owner) for at, print_, owner in cursor)
    cursor.close()


def _execute(tx: Connection, sql: str, values: Sequence[tuple[int, ...]]) -> Any:
    """On the driver's own cursor: one statement for 220 rows costs a third of 220 statements."""
    cursor = tx.connection.cursor()
    cursor.execute(_sql(tx, sql), tuple(chain.from_iterable(values)))
    return cursor


def _sql(tx: Connection, sql: str) -> str:
    return sql if tx.dialect.name == "sqlite" else sql.replace("?", "%s")
