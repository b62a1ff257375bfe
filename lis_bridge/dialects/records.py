"""Delimited records, the ground that HL7 v2 and LIS2-A2 share: ``ID|field|field`` lines ended by CR.

A message is read into sections: a run of result records under the records that stood above it. Two ways lead to a run's columns. Where the
run is uniform (every record has as many fields as the first), one flat split serves it all and a column is a slice with a stride. Everything
else is read record by record. The way is chosen per run, both give equal columns, and ``tests/properties`` holds them against each other.
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


@dataclass(slots=True)
class Section:
    """A run of result records (``lines``) and the records above it.

    ``opened`` are the records that came new with this section, ``closed`` is True once a later record of a higher level (a save point,
    LIS2-A2 5.2) or the message's end has proved the run whole. ``comments`` are (row, text of the record) pairs.
    """

    records: Records
    grammar: Grammar
    opened: frozenset[str]
    lines: list[str]
    spans: Spans
    comments: list[tuple[int, str]]
    closed: bool = True

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


def sections(lines: list[str], spans: Spans, grammar: Grammar, levels: dict[str, int], *, complete: bool) -> list[Section]:
    """Reads records in order into sections; ``levels`` gives the height of the records that open
    groups (0: patient, query or terminator)."""
    reader = _Reader(grammar, levels)
    index, count, result = 0, len(lines), grammar.result + grammar.field
    width = len(result)
    heads = [line[:width] for line in lines]
    while index < count:
        if heads[index] == result:
            end = index + 1
            while end < count and heads[end] == result:
                end += 1
            reader.results(lines[index:end], spans[index:end])
            index = end
            continue
        kind = lines[index].partition(grammar.field)[0].strip().upper()
        if kind == grammar.result:
            reader.results(lines[index : index + 1], spans[index : index + 1])
        elif kind in COMMENTS:
            reader.comment(kind, lines[index])
        elif kind:
            reader.record(kind, lines[index])
        index += 1
    return reader.finish(complete)


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

    def results(self, lines: list[str], spans: Spans) -> None:
        if self.current is None:
            self.current = self._section(lines, spans)
        else:
            self.current.lines.extend(lines)
            self.current.spans.extend(spans)

    def comment(self, kind: str, line: str) -> None:
        if self.current is not None:
            self.current.comments.append((len(self.current.lines) - 1, line))
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
            self.done.append(self._section([], []))
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

    def _section(self, lines: list[str], spans: Spans) -> Section:
        section = Section(dict(self.records), self.grammar, frozenset(self.opened), lines, spans, [])
        self.opened.clear()
        return section

    def finish(self, complete: bool) -> list[Section]:
        if self.current is not None:
            self.current.closed = complete
            self.done.append(self.current)
        elif self.opened or not self.done:
            last = self._section([], [])
            last.closed = complete
            self.done.append(last)
        return self.done


def rows_of(section: Section, paths: Sequence[Path]) -> Rows:
    """The rows of a section's run of result records."""
    grammar, lines = section.grammar, section.lines
    if not lines:
        return Rows({path: [] for path in paths}, 0, [])
    own = [path for path in paths if path.record not in COMMENTS]
    wanted = {path.field for path in own}
    joined = (grammar.field + "\r").join(lines)
    raw = uniform_fields(joined, len(lines), wanted, grammar)
    if raw is None:
        raw = ragged_fields(lines, wanted, grammar)
    escaped = bool(grammar.escape) and grammar.escape in joined
    rows = Rows({}, len(lines), section.spans)
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


def _commented(section: Section, path: Path) -> list[str]:
    """What the comment record behind each row says at ``path``; the first comment of a row counts."""
    column = [""] * len(section.lines)
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
