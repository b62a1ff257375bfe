"""Records in order to sections: which results belong under which patient and order.

One look over the text says whether all results of the message stand one behind the other; such a run stays a stretch of the text. Everything else
is walked line by line.
"""

from __future__ import annotations

import re
from itertools import accumulate
from operator import add

from lis_bridge.core.starts import ORIGIN, Starts
from lis_bridge.dialects.columns import LONG, grid
from lis_bridge.dialects.grammar import Grammar
from lis_bridge.dialects.outline import Outlines
from lis_bridge.dialects.reader import Reader
from lis_bridge.dialects.records import Section
from lis_bridge.dialects.spans import Spans
from lis_bridge.dialects.stretch import Stretch

_LINE = re.compile(r"[^\r\n]+")
_RAW_LINE = re.compile(rb"[^\r\n]+")
_AND_CR = (1).__add__


def lines_of(text: str, raw: bytes, *, complete: bool) -> tuple[list[str], Spans]:
    """Records of a message and their byte spans in ``raw``; a torn last record of an incomplete message is left out.

    CR ends a record; LF, which careless senders and loggers add, counts as well. Neither is a trail byte in UTF-8, GB18030 or Latin-1.
    """
    if b"\n" in raw:
        lines, spans = _LINE.findall(text), [found.span() for found in _RAW_LINE.finditer(raw)]
        torn = not raw.endswith((b"\r", b"\n"))
    else:
        lines = text.split("\r")
        lengths = list(map(len, lines if len(raw) == len(text) else raw.split(b"\r")))
        starts = list(accumulate(map(_AND_CR, lengths), initial=0))
        spans = list(zip(starts, map(add, starts, lengths), strict=False))
        torn = bool(lines[-1])
    if torn and not complete:
        lines, spans = lines[:-1], spans[:-1]
    return lines, spans


def sections(
    text: str, raw: bytes, grammar: Grammar, outlines: Outlines, *, complete: bool, starts: Starts = ORIGIN
) -> list[Section]:
    """Reads a message's records in order into sections; ``starts`` leads from the text to the bytes of the journal entry."""
    stretch = _stretch(text, raw, grammar) if complete or text.endswith("\r") else None
    found = _around(stretch, grammar, outlines, complete) if stretch is not None else None
    if found is None:
        reader = Reader(grammar, outlines.levels)
        reader.read(*lines_of(text, raw, complete=complete))
        found = reader.finish(complete)
    for section in found:
        section.starts = starts
    return found


def _stretch(text: str, raw: bytes, grammar: Grammar) -> Stretch | None:
    """The only run of a message, where it has but one: between its first and last result record no other record stands."""
    mark = f"\r{grammar.result}{grammar.field}"
    first = text.find(mark)
    if first < 0 or "\n" in text:
        return None
    end = text.find("\r", text.rindex(mark) + 1)
    end = len(text) if end < 0 else end
    size = text.count("\r", first, end)
    if end - first > LONG * size:
        return None
    even = grid(text, first + 1, end, size, grammar)
    if even is None and text.count(mark, first, end) != size:
        return None
    return Stretch(text, raw, first + 1, end, size, text.count("\r", 0, first) + 1, even)


def _around(stretch: Stretch, grammar: Grammar, outlines: Outlines, complete: bool) -> list[Section] | None:
    """The sections of a message with one stretch; None where a result record hides among the other records."""
    text = stretch.text
    above = [line.split(grammar.field) for line in text[: stretch.start - 1].split("\r")]
    below = [line.split(grammar.field) for line in text[stretch.end + 1 :].split("\r")]
    outline = outlines.of(tuple([fields[0] for fields in above]), tuple([fields[0] for fields in below]), grammar)
    if outline.hidden:
        return None
    if not outline.simple:
        reader = Reader(grammar, outlines.levels)
        reader.around(above, below, stretch)
        return reader.finish(complete)
    records = {kind: above[number] for kind, number in outline.records}
    return [Section(records, grammar, outline.opened, [], outline.ended or complete, ORIGIN, stretch, above=outline.records)]
