"""What tells a result from every other: the second in which it was observed, and a fingerprint of source, test and value. Pure.

Only times with seconds count: within a minute, two specimens may well have the same value. The fingerprint has 32 bits; two results of one
second that share it by chance hold a result for a look, nothing worse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple
from zlib import crc32

import msgspec

from lis_bridge.core import moments
from lis_bridge.core.results import Observation

_OFFSETS = frozenset("+-Z")
_test = attrgetter("code", "aspect")

Mark = tuple[int, int]
"""Epoch second and fingerprint."""
Seconds = Mapping[int, Sequence[int]]
"""The fingerprints of each epoch second."""


class Marks(NamedTuple):
    """The marks of a message's results that have a time with seconds, which rows these are, the same by seconds, and that in stored form."""

    indexes: Sequence[int]
    marks: Sequence[Mark]
    seconds: Seconds
    content: bytes


_encode = msgspec.msgpack.Encoder().encode
decoded = msgspec.msgpack.Decoder(dict[int, list[int]]).decode
"""The seconds of a stored form."""


def marks_of(source: str, rows: Sequence[Observation]) -> Marks:
    """The marks of a source's results, by columns: a message has few times, and known tests."""
    times = [row.observed_at for row in rows]
    seconds = {at: _second(at) for at in set(times)}
    found: Sequence[int] = range(len(rows))
    values = [row.value for row in rows]
    if None in values or None in [row.test for row in rows] or None in seconds.values():
        found = [index for index, row in enumerate(rows) if row.is_result and seconds[row.observed_at] is not None]
        rows = [rows[index] for index in found]
        times, values = [times[index] for index in found], [values[index] for index in found]
    prints = map(crc32, _encoded(values), map(_seeds(source).__getitem__, map(_test, rows)))
    marks: list[Mark] = list(zip(map(seconds.__getitem__, times), prints, strict=True))  # type: ignore[arg-type]
    groups: dict[int, list[int]] = {}
    for second, print_ in marks:
        groups.setdefault(second, []).append(print_)
    return Marks(found, marks, groups, _encode(groups))


def _encoded(values: Sequence[str | None]) -> Sequence[bytes]:
    """Each value in UTF-8, encoded together where no value holds a line end."""
    together = "\n".join(map(str, values)).encode().split(b"\n")
    return together if len(together) == len(values) else [str(value).encode() for value in values]


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
