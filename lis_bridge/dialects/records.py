"""Delimited records, the ground that HL7 v2 and LIS2-A2 share: ``ID|field|field`` lines ended by CR.

A message is read into sections: a run of result records under the records that stood above it. Where all results of a message stand one behind
the other, the run stays a stretch of the text. Where a run is uniform (every record has as many fields as the first), one flat split serves it all
and a column is a slice with a stride. Everything else is read record by record. The way is chosen per run, all give equal columns, and
``tests/properties`` holds them against each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from lis_bridge.dialects.paths import Path

Records = dict[str, list[str]]
Spans = list[tuple[int, int]]
Columns = dict[Path, list[str]]


COMMENTS = frozenset({"NTE", "C"})
LONG = 1000
"""Characters a record, on average, that only images reach."""


@dataclass(slots=True)
class Rows:
    """Columns of equal length ``size``, one text per row and path; ``verbatim`` where unescaping changed a column; ``spans`` in bytes.

    ``put_off`` are fields as they stand, of paths whose columns are cut when they are asked for.
    """

    columns: Columns
    size: int
    spans: Spans
    verbatim: Columns = field(default_factory=dict)
    put_off: Columns = field(default_factory=dict)
    grammar: Grammar | None = None

    def column(self, path: Path) -> list[str] | None:
        """The texts at ``path``; None where the rows do not hold it."""
        source = self.put_off.pop(path, None)
        if source is not None and self.grammar is not None:
            part = _parts({path.field: source}, (path,), self.grammar)[path]
            self.columns[path] = self.grammar.plain_all(part)
        return self.columns.get(path)

    @property
    def marks(self) -> str:
        """The separators by which columns are cut from ``put_off`` fields."""
        return "".join(self.grammar[:5]) if self.grammar is not None else ""

    def source(self, path: Path) -> list[str] | None:
        """Texts that decide, with the marks, what stands at ``path``: its column, or the fields that it would be cut from."""
        return self.put_off.get(path) or self.columns.get(path)


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
        """The text without its escape sequences, read once from left to right."""
        if self.escape and self.escape in text:
            return _unescaper(self.unescapes)(text)
        return text

    def plain_all(self, column: list[str]) -> list[str]:
        """The texts without their escape sequences; the same list where there are none."""
        if not self.escape or self.escape not in "".join(column):
            return column
        return [self.plain(text) for text in column]

    def pick(self, fields: list[str], path: Path) -> str:
        """What stands at ``path`` in a split record, unescaped; empty where the record is shorter."""
        record, number, component, _, _ = path
        index = number - (self.header_offset if record == self.header else self.offset)
        text = fields[index] if 0 <= index < len(fields) else ""
        if not text:
            return text
        return self.plain(self.part(text, path) if component else text)


@lru_cache(maxsize=64)
def _unescaper(unescapes: tuple[tuple[str, str], ...]) -> Callable[[str], str]:
    meanings = dict(unescapes)
    pattern = re.compile("|".join(map(re.escape, meanings)))
    return lambda text: pattern.sub(lambda found: meanings[found[0]], text)


def nth(text: str, separator: str, number: int) -> str:
    """Part ``number`` (from 1) of a separated text, empty where there are fewer."""
    start = 0
    for _ in range(number - 1):
        start = text.find(separator, start) + 1
        if not start:
            return ""
    end = text.find(separator, start)
    return text[start:] if end < 0 else text[start:end]


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


def rows_of(section: Section, paths: Sequence[Path], put_off: Set[Path] = frozenset()) -> Rows:
    """The rows of a section's run of result records; columns of ``put_off`` are cut only when they are asked for."""
    grammar, size = section.grammar, section.size
    if not size:
        return Rows({path: [] for path in paths}, 0, [])
    own = [path for path in paths if path.record not in COMMENTS]
    raw, escaped = _fields(section, {path.field for path in own})
    rows = Rows({}, size, section.spans, grammar=grammar, put_off={path: raw[path.field] for path in own if path in put_off})
    for path, column in _parts(raw, [path for path in own if path not in put_off], grammar).items():
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
    lines, escape = section.lines, grammar.escape
    found = None if are_long(lines) else uniform_fields(f"{grammar.field}\r".join(lines), len(lines), wanted, grammar)
    return found or ragged_fields(lines, wanted, grammar), bool(escape) and any(escape in line for line in lines)


def are_long(texts: Sequence[str]) -> bool:
    """True where images are among the texts: what goes over all of them at once would go over the images again and again."""
    return sum(map(len, texts)) > LONG * len(texts)


def _commented(section: Section, path: Path) -> list[str]:
    """What the comment record behind each row says at ``path``; the first comment of a row counts."""
    column = [""] * section.size
    for row, line in section.comments:
        if row >= 0 and not column[row]:
            column[row] = section.grammar.pick(line.split(section.grammar.field), path)
    return column


def _parts(fields: dict[int, list[str]], paths: Sequence[Path], grammar: Grammar) -> Columns:
    """The columns of the paths: fields, or the components of fields, which are parted once for all that ask."""
    columns: Columns = {}
    parted: dict[int, Callable[[int], list[str]]] = {}
    for path in paths:
        column = fields[path.field]
        if path.sub:
            column = [grammar.part(text, path) for text in column]
        elif path.component:
            if path.field not in parted:
                parted[path.field] = components(column, grammar.component)
            column = parted[path.field](path.component)
        columns[path] = column
    return columns


def components(column: list[str], separator: str) -> Callable[[int], list[str]]:
    """What gives component ``number`` (from 1) of every text of a column.

    Where all texts have as many components, one flat split serves them all. A CR stands between the rows, and no text can hold one: when every
    cell that should be a CR is one, the rows are equally wide.
    """
    size = len(column)
    if are_long(column):
        return lambda number: [nth(text, separator, number) for text in column]
    flat = f"{separator}\r{separator}".join(column).split(separator)
    stride, rest = divmod(len(flat) + 1, size)
    if rest or "".join(flat[stride - 1 :: stride]) != "\r" * (size - 1):
        return lambda number: [nth(text, separator, number) for text in column]
    return lambda number: flat[number - 1 :: stride] if number < stride else [""] * size


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
