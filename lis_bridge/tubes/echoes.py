"""The same analyzer, test, time and value under two specimen ids (promise 3), found by the primary key of table ``observed``.

Only times with seconds count: within a minute, two specimens may well have the same value. The fingerprint has 32 bits; two results of one
second that share it by chance hold a result for a look, nothing worse.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any
from zlib import crc32

from sqlalchemy import Connection

from lis_bridge.core import moments
from lis_bridge.core.results import Observation

_CHUNK = 500
"""Rows of one statement; SQLite takes 32,766 parameters."""

_OFFSETS = frozenset("+-Z")

Mark = tuple[int, int]
"""Epoch second and fingerprint."""


def register(tx: Connection, tube_id: int, source: str, rows: Sequence[Observation]) -> frozenset[int]:
    """Note the rows as this tube's; the indexes of those that another tube has already."""
    marks = _marks(source, rows)
    values = [(at, print_, tube_id) for _, (at, print_) in marks]
    if sum(_insert(tx, chunk) for chunk in _chunks(values)) == len(values):
        return frozenset()
    foreign = {mark for chunk in _chunks(values) for mark in _elsewhere(tx, tube_id, chunk)}
    return frozenset(index for index, mark in marks if mark in foreign)


def _marks(source: str, rows: Sequence[Observation]) -> list[tuple[int, Mark]]:
    """Index and mark of every result that has a time with seconds."""
    found = []
    for index, row in enumerate(rows):
        at, value = row.observed_at, row.value
        if at is None or value is None or (row.test is None and row.problem is None):
            continue
        if at[16:17] == ":" and at[19:20] in _OFFSETS:
            second = _minute(at[:16] + at[19:]) + int(at[17:19])
            found.append((index, (second, crc32(value.encode(), _seed(source, row.code, row.aspect)))))
    return found


@lru_cache(maxsize=4096)
def _minute(text: str) -> int:
    moment = moments.instant(text)
    assert moment is not None  # the caller saw seconds
    return int(moment.timestamp())


@lru_cache(maxsize=16384)
def _seed(source: str, code: str, aspect: str) -> int:
    return crc32(f"{source}\0{code}\0{aspect}\0".encode())


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
