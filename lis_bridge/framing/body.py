"""The text of a message without its framing, and where each part of it stood in the bytes."""

from __future__ import annotations

import re
from bisect import bisect_right
from operator import itemgetter

import msgspec

from lis_bridge.core.faults import Fault
from lis_bridge.core.starts import Starts


class Body(msgspec.Struct, frozen=True):
    """One logical message; ``starts`` maps offsets in ``text`` to offsets in the raw bytes, one pair per contiguous run."""

    text: bytes
    starts: Starts
    complete: bool
    faults: tuple[Fault, ...]


def nothing(*faults: Fault) -> Body:
    """Only faults: there were bytes, but no text that can be believed."""
    return Body(b"", (), False, faults)


def raw_offset(starts: Starts, offset: int) -> int:
    """Where a text offset stood in the raw bytes."""
    at = bisect_right(starts, offset, key=itemgetter(0)) - 1
    return starts[at][1] + offset - starts[at][0]


def sliced(starts: Starts, begin: int, end: int) -> Starts:
    """The map of ``text[begin:end]``."""
    inside = tuple((text - begin, raw) for text, raw in starts if begin < text < end)
    return ((0, raw_offset(starts, begin)), *inside)


def composed(inner: Body, outer: Starts) -> Body:
    """The body of a text that was itself cut out of the raw bytes; ``outer`` leads from that text to the raw bytes."""
    if outer == ((0, 0),):
        return inner
    found = []
    bounds = [*(text for text, _ in inner.starts[1:]), len(inner.text)]
    for (text, middle), bound in zip(inner.starts, bounds, strict=bool(inner.starts)):
        found.append((text, raw_offset(outer, middle)))
        found.extend((text + at - middle, raw) for at, raw in outer if middle < at < middle + bound - text)
    return msgspec.structs.replace(inner, starts=tuple(found))


def without(text: bytes, rubbish: re.Pattern[bytes]) -> tuple[bytes, Starts]:
    """The text without every match of ``rubbish`` (its first group, where it has one), and its map to the text."""
    kept: list[bytes] = []
    starts: list[tuple[int, int]] = []
    at = length = 0
    for found in rubbish.finditer(text):
        begin, end = found.span(found.lastindex or 0)
        if begin > at:
            kept.append(text[at:begin])
            starts.append((length, at))
            length += begin - at
        at = end
    if at < len(text) or not starts:
        kept.append(text[at:])
        starts.append((length, at))
    return b"".join(kept), tuple(starts)
