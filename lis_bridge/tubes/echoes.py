"""The same analyzer, test, time and value under two specimen ids (promise 3), found by the primary key of table ``observed``.

Only times with seconds count: within a minute, two specimens may well have the same value. The fingerprint has 32 bits; two results of one
second that share it by chance hold a result for a look, nothing worse.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple
from zlib import crc32

from sqlalchemy import Connection

from lis_bridge.core import moments
from lis_bridge.core.results import Observation

_CHUNK = 500
"""Rows of one statement; SQLite takes 32,766 parameters."""

_OFFSETS = frozenset("+-Z")
_test = attrgetter("code", "aspect")

Mark = tuple[int, int]
"""Epoch second and fingerprint."""


class Marks(NamedTuple):
    """The marks of a message's results that have a time with seconds, and which rows these are."""

    indexes: Sequence[int]
    marks: Sequence[Mark]


def marks_of(source: str, rows: Sequence[Observation]) -> Marks:
    """What tells these results of a source from others, by columns: a message has few times, and known tests. Touches no database."""
    times = [row.observed_at for row in rows]
    seconds = {at: _second(at) for at in set(times)}
    found: Sequence[int] = range(len(rows))
    plain = None not in [row.value for row in rows] and None not in [row.test for row in rows]
    if not plain or None in seconds.values():
        found = [index for index, row in enumerate(rows) if row.is_result and seconds[row.observed_at] is not None]
        rows = [rows[index] for index in found]
        times = [row.observed_at for row in rows]
    prints = map(crc32, [str(row.value).encode() for row in rows], map(_seeds(source).__getitem__, map(_test, rows)))
    return Marks(found, list(zip(map(seconds.__getitem__, times), prints, strict=True)))  # type: ignore[arg-type]


def register(tx: Connection, tube_id: int, found: Marks) -> frozenset[int]:
    """Note the rows as this tube's; the indexes of those that another tube has already."""
    values = [(*mark, tube_id) for mark in found.marks]
    if sum(_insert(tx, chunk) for chunk in _chunks(values)) == len(values):
        return frozenset()
    foreign = {mark for chunk in _chunks(values) for mark in _elsewhere(tx, tube_id, chunk)}
    return frozenset(index for index, mark in zip(*found, strict=True) if mark in foreign)


def _second(at: str | None) -> int | None:
    """The epoch second of a moment's text, None where it has no seconds."""
    if at is None or at[16:17] != ":" or at[19:20] not in _OFFSETS:
        return None
    return _minute(at[:16] + at[19:]) + int(at[17:19])


@lru_cache(maxsize=4096)
def _minute(text: str) -> int:
    moment = moments.instant(text)
    assert moment is not None  # the caller saw seconds
    return int(moment.timestamp())


class _Seeds(dict[tuple[str, str], int]):
    """The start of a source's fingerprints by code and aspect, bounded."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self._source = source

    def __missing__(self, key: tuple[str, str]) -> int:
        if len(self) >= 4096:
            self.clear()
        code, aspect = key
        made = self[key] = crc32(f"{self._source}\0{code}\0{aspect}\0".encode())
        return made


_seeds = lru_cache(maxsize=64)(_Seeds)


def _chunks(values: list[tuple[int, int, int]]) -> Iterator[list[tuple[int, int, int]]]:
    return (values[at : at + _CHUNK] for at in range(0, len(values), _CHUNK))


def _insert(tx: Connection, values: list[tuple[int, int, int]]) -> int:
    places = ",".join(["(?,?,?)"] * len(values))
    cursor = _execute(tx, f"INSERT INTO observed (at, fingerprint, tube_id) VALUES {places} ON CONFLICT DO NOTHING", values)
    inserted: int = cursor.rowcount
    cursor.close()
    return inserted


def _elsewhere(tx: Connection, tube_id: int, values: list[tuple[int, int, int]]) -> set[Mark]:
    places = ",".join(["(?,?)"] * len(values))
    # The order of a CROSS JOIN is SQLite's too: a look-up for each mark. Of (at, fingerprint) IN (VALUES ...) it makes a scan.
    sql = (
        f"WITH mark (second, print) AS (VALUES {places}) SELECT at, fingerprint, tube_id FROM mark CROSS JOIN observed "
        "WHERE at = second AND fingerprint = print"
    )
    cursor = _execute(tx, sql, [value[:2] for value in values])
    found = {(at, print_) for at, print_, owner in cursor if owner != tube_id}
    cursor.close()
    return found


def _execute(tx: Connection, sql: str, values: Sequence[tuple[int, ...]]) -> Any:
    """On the driver's own cursor: one statement for 220 rows costs a third of 220 statements."""
    cursor = tx.connection.cursor()
    cursor.execute(_sql(tx, sql), tuple(chain.from_iterable(values)))
    return cursor


def _sql(tx: Connection, sql: str) -> str:
    return sql if tx.dialect.name == "sqlite" else sql.replace("?", "%s")
