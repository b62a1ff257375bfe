"""What passed on a line, for eyes: control characters by name apart from text, and how long an answer took."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from lis_bridge.framing.legible import parted
from lis_bridge.runtime.tap import Passed

LONGEST, MOST = 16 * 1024, 24 * 1024
"""Bytes of one chunk, and of all together, that are shown; an image on the wire is no reading matter."""


class Piece(msgspec.Struct, frozen=True):
    """A run of printable ASCII, or the name of one other byte (``named``)."""

    named: bool
    text: str


class Shown(msgspec.Struct, frozen=True):
    """One chunk: who spoke, its pieces and hexadecimal digits, the bytes that are not shown, and the milliseconds after the other side's words."""

    at: datetime
    conversation: int
    by: str
    pieces: Sequence[Piece]
    hex: str
    left_out: int
    after_ms: int | None


def shown(passed: Sequence[Passed]) -> list[Shown]:
    """In the order in which it was said, as much of the end as can be read."""
    begin, size = len(passed), 0
    while begin and size < MOST:
        begin -= 1
        size += min(len(passed[begin].data), LONGEST)
    return list(_shown(passed[begin:]))


def _shown(passed: Sequence[Passed]) -> Iterator[Shown]:
    before: Passed | None = None
    for one in passed:
        raw = one.data[:LONGEST]
        pieces = [Piece(named, text) for named, text in parted(raw)]
        yield Shown(one.at, one.conversation, one.by, pieces, raw.hex(" "), len(one.data) - len(raw), _after(before, one))
        before = one


def _after(before: Passed | None, one: Passed) -> int | None:
    """How long the bridge took to answer."""
    if before is None or before.conversation != one.conversation or before.by == one.by or one.by == "analyzer":
        return None
    return round((one.at - before.at).total_seconds() * 1000)
