"""Records in order to sections: which results belong under which patient and order.

One look over the text says whether all results of the message stand one behind the other; such a run stays a stretch of the text. Everything else
is walked line by line.
"""

from __future__ import annotations

import re
from itertools import accumulate
from operator import add

from lis_bridge.dialects.records import COMMENTS, LONG, Grammar, Records, Section, Spans, Stretch

ENDER = "L"
"""The terminator record of LIS2-A2 (E1394 12): ends everything, opens nothing."""

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


def sections(text: str, raw: bytes, grammar: Grammar, levels: dict[str, int], *, complete: bool, at: int = 0) -> list[Section]:
    """Reads a message's records in order into sections; ``levels`` gives the height of the records that open groups (0: patient, query or
    terminator). Spans are counted from ``at``, where ``raw`` begins.
    """
    reader = _Reader(grammar, levels)
    stretch = _stretch(text, raw, grammar, at) if complete or text.endswith("\r") else None
    if stretch is not None:
        reader.around(text[: stretch.start].split("\r"), stretch, text[stretch.end + 1 :].split("\r"))
    else:
        lines, spans = lines_of(text, raw, complete=complete)
        reader.read(lines, [(start + at, end + at) for start, end in spans] if at else spans)
    return reader.finish(complete)


def _stretch(text: str, raw: bytes, grammar: Grammar, at: int) -> Stretch | None:
    """The only run of a message, where it has but one: between its first and last result record no other record stands."""
    mark = f"\r{grammar.result}{grammar.field}"
    first = text.find(mark)
    if first < 0 or "\n" in text:
        return None
    end = text.find("\r", text.rindex(mark) + 1)
    end = len(text) if end < 0 else end
    size = text.count("\r", first, end)
    if end - first > LONG * size or text.count(mark, first, end) != size:
        return None
    around = f"{text[:first]}\r{text[end + 1 :]}"
    if any(_kind(line, grammar) == grammar.result for line in around.split("\r")):
        return None
    return Stretch(text, raw, first + 1, end, size, text.count("\r", 0, first) + 1, at)


def _kind(line: str, grammar: Grammar) -> str:
    return line.partition(grammar.field)[0].strip().upper()


class _Reader:
    """Collects sections; the current one stays open until a record of a higher level ends it."""

    def __init__(self, grammar: Grammar, levels: dict[str, int]) -> None:
        self.grammar = grammar
        self.levels = levels
        self.records: Records = {}
        self.opened: set[str] = set()
        self.done: list[Section] = []
        self.current: Section | None = None

    def around(self, above: list[str], stretch: Stretch, below: list[str]) -> None:
        """Records with one stretch of results among them."""
        for line in above:
            self._other(line)
        self.current = self._section()
        self.current.stretch = stretch
        for line in below:
            self._other(line)

    def read(self, lines: list[str], spans: Spans) -> None:
        """Records in any order."""
        index, count, result = 0, len(lines), self.grammar.result + self.grammar.field
        width = len(result)
        heads = [line[:width] for line in lines]
        while index < count:
            end = index
            while end < count and heads[end] == result:
                end += 1
            if end == index and _kind(lines[index], self.grammar) == self.grammar.result:
                end += 1
            if end > index:
                self.results(lines[index:end], spans[index:end])
            else:
                self._other(lines[index])
            index = max(end, index + 1)

    def _other(self, line: str) -> None:
        kind = _kind(line, self.grammar)
        if kind in COMMENTS:
            self.comment(kind, line)
        elif kind:
            self.record(kind, line)

    def results(self, lines: list[str], spans: Spans) -> None:
        if self.current is None:
            self.current = self._section()
        self.current.rows[0].extend(lines)
        self.current.rows[1].extend(spans)

    def comment(self, kind: str, line: str) -> None:
        if self.current is not None:
            self.current.comments.append((self.current.size - 1, line))
        else:
            self.records[kind] = line.split(self.grammar.field)

    def record(self, kind: str, line: str) -> None:
        level = self.levels.get(kind)
        if level is not None:
            self._end(level)
            if kind != ENDER:
                self.opened.add(kind)
        self.records[kind] = line.split(self.grammar.field)

    def _end(self, level: int) -> None:
        """A record of this level ends what stands at its own level and below: the run, or an opener that brought no results."""
        if self.current is not None:
            self.done.append(self.current)
            self.current = None
        elif any(self.levels[kind] >= level for kind in self.opened):
            self.done.append(self._section())
        if level == 0:
            self.opened.clear()
            header = self.records.get(self.grammar.header)
            self.records = {self.grammar.header: header} if header else {}
            return
        for kind in COMMENTS:
            self.records.pop(kind, None)
        for kind, height in self.levels.items():
            if height > level:
                self.records.pop(kind, None)

    def _section(self) -> Section:
        section = Section(dict(self.records), self.grammar, frozenset(self.opened), [])
        self.opened.clear()
        return section

    def finish(self, complete: bool) -> list[Section]:
        if self.current is not None:
            self.current.closed = complete
            self.done.append(self.current)
        elif self.opened or not self.done:
            last = self._section()
            last.closed = complete
            self.done.append(last)
        return self.done
