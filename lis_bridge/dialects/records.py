"""Delimited records, the ground that HL7 v2 and LIS2-A2 share: ``ID|field|field`` lines ended by CR.

A message is read into sections: a run of result records under the records that stood above it. Where all results of a message stand one behind
the other, the run stays a stretch of the text. Where a run is uniform (every record has as many fields as the first), one flat split serves it all
and a column is a slice with a stride. Everything else is read record by record. The way is chosen per run, all give equal columns, and
``tests/properties`` holds them against each other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from operator import add
from typing import NamedTuple

from lis_bridge.dialects.paths import Path

Records = dict[str, list[str]]
Spans = list[tuple[int, int]]
Columns = dict[Path, list[str]]


@dataclass(slots=True)
class Rows:
    """Columns of equal length ``size``, one text per row and path; ``verbatim`` where unescaping changed a column; ``spans`` in bytes."""

    columns: Columns
    size: int
    spans: Spans
    verbatim: Columns = field(default_factory=dict)


class Grammar(NamedTuple):
    """How one message writes: its separators, its escapes, and at which index of a split record field n stands."""

    field: str
    component: str
    repeat: str
    escape: str
    sub: str
    header: str
    result: str
    unescapes: tuple[tuple[str, str], ...]
    offset: int
    header_offset: int

    def place(self, path: Path) -> int:
        """The index of the path's field in its split record."""
        return path.field - (self.header_offset if path.record == self.header else self.offset)

    def part(self, text: str, path: Path) -> str:
        """The component (and subcomponent) that the path names, still escaped."""
        if path.component:
            text = nth(text, self.component, path.component)
            if path.sub:
                text = nth(text, self.sub, path.sub)
        return text

    def plain(self, text: str) -> str:
        """The text without its escape sequences."""
        if self.escape and self.escape in text:
            for sequence, meaning in self.unescapes:
                text = text.replace(sequence, meaning)
        return text

    def pick(self, fields: list[str], path: Path) -> str:
        """What stands at ``path`` in a split record, unescaped; empty where the record is shorter."""
        index = self.place(path)
        return self.plain(self.part(fields[index], path)) if 0 <= index < len(fields) else ""


def nth(text: str, separator: str, number: int) -> str:
    """Part ``number`` (from 1) of a separated text, empty where there are fewer."""
    parts = text.split(separator, number)
    return parts[number - 1] if len(parts) >= number else ""


class Stretch(NamedTuple):
    """``size`` result records that stand one behind the other in ``text[start:end]``, with ``before`` lines above them.

    ``raw`` are the text's bytes, which begin at offset ``at`` of whatever spans are counted in.
    """

    text: str
    raw: bytes
    start: int
    end: int
    size: int
    before: int
    at: int

    def lines(self) -> list[str]:
        return self.text[self.start : self.end].split("\r")

    def spans(self) -> Spans:
        lines = self.raw.split(b"\r")
        start = self.at + self.before + sum(map(len, lines[: self.before]))
        found = []
        for line in lines[self.before : self.before + self.size]:
            end = start + len(line)
            found.append((start, end))
            start = end + 1
        return found


@dataclass(slots=True)
class Section:
    """A run of result records and the records above it.

    ``opened`` are the records that came new with this section, ``closed`` is True once a later record of a higher level (a save point,
    LIS2-A2 5.2) or the message's end has proved the run whole. ``comments`` are (row, text of the record) pairs. The run is a ``stretch`` of
    the text, or ``rows``: its lines with their spans.
    """

    records: Records
    grammar: Grammar
    opened: frozenset[str]
    comments: list[tuple[int, str]]
    closed: bool = True
    stretch: Stretch | None = None
    rows: tuple[list[str], Spans] = field(default_factory=lambda: ([], []))

    @property
    def size(self) -> int:
        return self.stretch.size if self.stretch is not None else len(self.rows[0])

    @property
    def lines(self) -> list[str]:
        return self.stretch.lines() if self.stretch is not None else self.rows[0]

    @property
    def spans(self) -> Spans:
        return self.stretch.spans() if self.stretch is not None else self.rows[1]

    def lookup(self, path: Path) -> str:
        """What stands at ``path`` above the run; empty where nothing does."""
        fields = self.records.get(path.record)
        return self.grammar.pick(fields, path) if fields is not None else ""


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
    if text.count(mark, first, end) != size:
        return None
    around = f"{text[:first]}\r{text[end + 1 :]}"
    if any(_kind(line, grammar) == grammar.result for line in around.split("\r")):
        return None
    return Stretch(text, raw, first + 1, end, size, text.count("\r", 0, first) + 1, at)


def _kind(line: str, grammar: Grammar) -> str:
    return line.partition(grammar.field)[0].strip().upper()


COMMENTS = frozenset({"NTE", "C"})
ENDER = "L"
"""The terminator record of LIS2-A2 (E1394 12): ends everything, opens nothing."""


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


def rows_of(section: Section, paths: Sequence[Path]) -> Rows:
    """The rows of a section's run of result records."""
    grammar, size = section.grammar, section.size
    if not size:
        return Rows({path: [] for path in paths}, 0, [])
    own = [path for path in paths if path.record not in COMMENTS]
    raw, escaped = _fields(section, {path.field for path in own})
    rows = Rows({}, size, section.spans)
    for path in own:
        column = raw[path.field]
        if path.component:
            column = _parts(column, path, grammar)
        if escaped:
            rows.verbatim[path] = column
            column = [grammar.plain(text) for text in column]
        rows.columns[path] = column
    if len(own) < len(paths):
        rows.columns.update({path: _commented(section, path) for path in paths if path.record in COMMENTS})
    return rows


def _fields(section: Section, wanted: set[int]) -> tuple[dict[int, list[str]], bool]:
    """The fields of a run by number, and whether there may be escapes in them."""
    grammar, stretch = section.grammar, section.stretch
    if stretch is not None:
        found = strided_fields(stretch, wanted, grammar)
        if found is not None:
            return found, bool(grammar.escape) and stretch.text.find(grammar.escape, stretch.start, stretch.end) >= 0
    lines = section.lines
    joined = f"{grammar.field}\r".join(lines)
    found = uniform_fields(joined, len(lines), wanted, grammar)
    return found or ragged_fields(lines, wanted, grammar), bool(grammar.escape) and grammar.escape in joined


def _commented(section: Section, path: Path) -> list[str]:
    """What the comment record behind each row says at ``path``; the first comment of a row counts."""
    column = [""] * section.size
    for row, line in section.comments:
        if row >= 0 and not column[row]:
            column[row] = section.grammar.pick(line.split(section.grammar.field), path)
    return column


def _parts(column: list[str], path: Path, grammar: Grammar) -> list[str]:
    separator, number = grammar.component, path.component
    if path.sub:
        return [grammar.part(text, path) for text in column]
    if number == 1:
        return [text.partition(separator)[0] for text in column]
    return [nth(text, separator, number) for text in column]


def strided_fields(stretch: Stretch, wanted: set[int], grammar: Grammar) -> dict[int, list[str]] | None:
    """Fields of a stretch whose records all have the same number of fields, by one flat split of the whole text; None where they differ.

    The cell at a record's end holds the CR and the next record's name as well. A CR always ends its cell, because a result's name and a separator
    follow. So the records are equally wide when the stretch has as many cells as its last record makes expect, and all cells at that stride have a CR.
    """
    text, separator, size, end = stretch.text, grammar.field, stretch.size, stretch.end
    stride = text.count(separator, text.rfind("\r", 0, end), end)
    flat, base = text.split(separator), text.count(separator, 0, stretch.start)
    beyond = base + stride * size
    if (
        len(flat) - 1 - text.count(separator, end) != beyond
        or "".join(flat[base + stride : beyond : stride]).count("\r") != size - 1
    ):
        return None
    found = {}
    for number in wanted:
        index = number - grammar.offset
        if index < stride:
            found[number] = flat[base + index : beyond : stride]
        elif index == stride:
            found[number] = [cell.partition("\r")[0] for cell in flat[base + stride : beyond + 1 : stride]]
        else:
            found[number] = [""] * size
    return found


def uniform_fields(joined: str, count: int, wanted: set[int], grammar: Grammar) -> dict[int, list[str]] | None:
    """Fields of a run whose records all have the same number of fields, by one flat split; None where they differ.

    ``joined`` holds the records with a field separator and CR between them. The CR goes through the split with the next record's name, and no
    field can hold one: equal strides are proof.
    """
    flat = joined.split(grammar.field)
    width = len(flat) // count
    if len(flat) != count * width or "".join(flat[width::width]).count("\r") != count - 1:
        return None
    return {
        number: flat[number - grammar.offset :: width] if number - grammar.offset < width else [""] * count for number in wanted
    }


def ragged_fields(lines: list[str], wanted: set[int], grammar: Grammar) -> dict[int, list[str]]:
    """Fields of a run, record by record."""
    rows = [line.split(grammar.field) for line in lines]
    found: dict[int, list[str]] = {}
    for number in wanted:
        index = number - grammar.offset
        found[number] = [row[index] if index < len(row) else "" for row in rows]
    return found


def repeats_of(section: Section, each: Path, paths: Sequence[Path]) -> Rows:
    """The repeats of one field as rows: ``@.n`` is component n of the repeat, other paths stay the same for all."""
    grammar = section.grammar
    fields = section.records.get(each.record, [])
    index = grammar.place(each)
    text = fields[index] if 0 <= index < len(fields) else ""
    repeats = [repeat for repeat in text.split(grammar.repeat) if repeat]
    columns: Columns = {}
    for path in paths:
        if path.record == "@":
            columns[path] = [grammar.plain(nth(repeat, grammar.component, path.component)) for repeat in repeats]
        else:
            columns[path] = [section.lookup(path)] * len(repeats)
    return Rows(columns, len(repeats), [(0, 0)] * len(repeats))


def record_of(section: Section, record: str, paths: Sequence[Path]) -> Rows:
    """One higher record as the only row (a QC value inside OBR)."""
    size = 1 if record in section.opened else 0
    return Rows({path: [section.lookup(path)] * size for path in paths}, size, [(0, 0)] * size)
