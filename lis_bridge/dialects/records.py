"""Delimited records, the ground that HL7 v2 and LIS2-A2 share: ``ID|field|field`` lines ended by CR.

A message is read into sections: a run of result records under the records that stood above it. Where all results of a message stand one behind
the other, the run stays a stretch of the text. Where a run is uniform (every record has as many fields as the first), one flat split serves it all
and a column is a slice with a stride. Everything else is read record by record. The way is chosen per run, and a message of a known form needs no
sections (``stencil``). All give equal columns, and ``tests/properties`` holds them against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from lis_bridge.core.starts import ORIGIN, Starts
from lis_bridge.dialects.columns import Fields, are_long, components, grid_of, padded_grid, ragged_fields
from lis_bridge.dialects.grammar import Grammar, nth
from lis_bridge.dialects.paths import Path
from lis_bridge.dialects.spans import Spans, wired
from lis_bridge.dialects.stretch import Stretch

Records = dict[str, list[str]]
Columns = dict[Path, list[str]]

COMMENTS = frozenset({"NTE", "C"})

FEW = 4
"""Records below which columns are no gain: one for each order, as many analyzers send them."""


class Selection:
    """The places of a row that are asked for, numbered: whole fields of the result record first, then parts of them and what stands elsewhere.

    ``parts`` gives the number of its whole field to each part; ``others`` are the columns of all but whole fields, not cut yet.
    """

    def __init__(self, paths: Iterable[Path], record: str) -> None:
        asked = tuple(dict.fromkeys(paths))
        self.fields = Fields(path.field for path in asked if path.record == record and record)
        whole = [Path(record, number) for number in self.fields.numbers]
        self.paths = (*whole, *(path for path in asked if path not in whole))
        self.numbers = {path: number for number, path in enumerate(self.paths)}
        self.parts = {
            number: (self.numbers[Path(record, path.field)], path)
            for path, number in self.numbers.items()
            if number >= len(whole) and path.record == record and record
        }
        self.comments = tuple((number, path) for path, number in self.numbers.items() if path.record in COMMENTS)
        self.others: list[list[str] | None] = [None] * (len(self.paths) - len(whole))


class Places:
    """Places above the results, sorted once by their records; a text is found by its number among them."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self.paths = tuple(dict.fromkeys(paths))
        groups: dict[str, list[tuple[int, int, Path | None]]] = {}
        for number, path in enumerate(self.paths):
            groups.setdefault(path.record, []).append((number, path.field, path if path.component else None))
        self.groups = tuple((record, tuple(group)) for record, group in groups.items())

    def looked_up(self, lookup: Callable[[Path], str]) -> list[str]:
        """The texts of a reading that holds them by path, without the blanks around them, and an empty one behind."""
        return [*[lookup(path).strip() for path in self.paths], ""]


class Rows(msgspec.Struct):
    """Columns of ``size`` texts each, by the selection's numbers; None: not held, or not cut yet. ``spans`` in bytes.

    ``sent`` are the whole fields as they stand where there may be escapes in them, and empty where the columns are just that. ``verbatim`` are
    columns as they were sent whose texts were rewritten. ``grammar`` cuts parts out of fields; None where the dialect has cut all columns itself.
    """

    columns: list[list[str] | None]
    size: int
    spans: Spans
    selection: Selection
    grammar: Grammar | None = None
    sent: list[list[str] | None] = msgspec.field(default_factory=list)
    verbatim: dict[int, list[str]] = msgspec.field(default_factory=dict)

    def column(self, number: int) -> list[str] | None:
        """The texts at a place; None where the rows do not hold it."""
        if self.columns[number] is None and number in self.selection.parts and self.grammar is not None:
            place, _ = self.selection.parts[number]
            for part, found in self._cut(place, self.grammar):
                self.columns[part] = self.grammar.plain_all(found) if self.sent else found
        return self.columns[number]

    @property
    def fields(self) -> Sequence[Any]:
        """The whole fields as they stand, by their numbers."""
        return self.sent or self.columns

    def as_sent(self, number: int) -> list[str] | None:
        """The texts at a place as they stood in the message."""
        if number in self.verbatim:
            return self.verbatim[number]
        if not self.sent:
            return self.column(number)
        if number in self.selection.parts and self.grammar is not None:
            place, _ = self.selection.parts[number]
            return dict(self._cut(place, self.grammar)).get(number)
        return self.sent[number] if number < len(self.sent) else self.column(number)

    def _cut(self, place: int, grammar: Grammar) -> Iterator[tuple[int, list[str]]]:
        """All parts of a whole field that are asked for, by their numbers: it is parted once for all of them."""
        field = self.fields[place]
        if field is None:
            return
        parted = components(field, grammar.component)
        for number, (of, path) in self.selection.parts.items():
            if of == place:
                yield number, [grammar.part(text, path) for text in field] if path.sub else parted(path.component)


class NamedRows(msgspec.Struct):
    """Columns of equal length ``size`` by their paths, of a dialect that cuts them itself; ``verbatim`` where it rewrote texts; ``spans`` in bytes."""

    columns: Columns
    size: int
    spans: Spans
    verbatim: Columns = msgspec.field(default_factory=dict)

    def numbered(self, selection: Selection, spans: Spans) -> Rows:
        """The rows by the numbers of a selection."""
        verbatim = {number: self.verbatim[path] for path, number in selection.numbers.items() if path in self.verbatim}
        return Rows([self.columns.get(path) for path in selection.paths], self.size, spans, selection, verbatim=verbatim)


class Section(msgspec.Struct):
    """A run of result records and the records above it.

    ``opened`` are the records that came new with this section, ``closed`` is True once a later record of a higher level (a save point,
    LIS2-A2 5.2) or the message's end has proved the run whole. ``comments`` are (row, fields of the record) pairs. The run is a ``stretch`` of
    the text, or ``rows``: its lines with their spans in the text, which ``starts`` leads to the bytes of the journal entry. Where the stretch is
    all that the message has, ``above`` are kinds and line numbers of ``records``.
    """

    records: Records
    grammar: Grammar
    opened: frozenset[str]
    comments: list[tuple[int, list[str]]]
    closed: bool = True
    starts: Starts = ORIGIN
    stretch: Stretch | None = None
    rows: tuple[list[str], Spans] = msgspec.field(default_factory=lambda: ([], []))
    above: Sequence[tuple[str, int]] = ()

    @property
    def size(self) -> int:
        return self.stretch.size if self.stretch is not None else len(self.rows[0])

    @property
    def lines(self) -> list[str]:
        return self.stretch.lines() if self.stretch is not None else self.rows[0]

    @property
    def spans(self) -> Spans:
        return self.stretch.spans(self.starts) if self.stretch is not None else wired(self.rows[1], self.starts)

    def lookup(self, path: Path) -> str:
        """What stands at ``path`` above the run; empty where nothing does."""
        fields = self.records.get(path.record)
        return self.grammar.pick(fields, path) if fields is not None else ""

    def texts(self, places: Places) -> list[str]:
        """What ``lookup`` gives for each of the places, without the blanks around it, and an empty text behind."""
        found = [""] * (len(places.paths) + 1)
        grammar, escape = self.grammar, self.grammar.escape
        for record, group in places.groups:
            fields = self.records.get(record)
            if fields is None:
                continue
            beyond = len(fields)
            shift = grammar.header_offset if record == grammar.header else grammar.offset
            for number, place, part in group:
                index = place - shift
                if 0 <= index < beyond and (text := fields[index]):
                    text = grammar.part(text, part) if part is not None else text
                    found[number] = (grammar.plain(text) if escape in text else text).strip()
        return found


def rows_of(section: Section, selection: Selection) -> Rows:
    """The rows of a section's run of result records."""
    grammar = section.grammar
    if not section.size:
        return Rows([[] for _ in selection.paths], 0, [], selection)
    fields, escaped = _fields(section, selection.fields)
    rows = rows_in(fields, section.spans, selection, grammar)
    if escaped:
        rows.sent = list(fields)
        rows.columns = [*map(grammar.plain_all, fields), *selection.others]
    for number, path in selection.comments:
        rows.columns[number] = _commented(section, path)
    return rows


def rows_in(fields: Sequence[list[str]], spans: Spans, selection: Selection, grammar: Grammar) -> Rows:
    """The rows of whole fields without escapes, in the selection's order."""
    return Rows([*fields, *selection.others], len(spans), spans, selection, grammar)


def _fields(section: Section, wanted: Fields) -> tuple[Sequence[list[str]], bool]:
    """The fields of a run in the order in which they are asked for, and whether there may be escapes in them."""
    grammar, stretch = section.grammar, section.stretch
    if stretch is not None and stretch.grid is not None:
        found, stretch.grid = stretch.grid.fields(wanted, grammar), None
        return found, bool(grammar.escape) and stretch.text.find(grammar.escape, stretch.start, stretch.end) >= 0
    lines, escape = section.lines, grammar.escape
    even = None if len(lines) < FEW or are_long(lines) else grid_of(lines, grammar) or padded_grid(lines, grammar)
    found = even.fields(wanted, grammar) if even is not None else ragged_fields(lines, wanted, grammar)
    return found, bool(escape) and any(escape in line for line in lines)


def _commented(section: Section, path: Path) -> list[str]:
    """What the comment record behind each row says at ``path``; the first comment of a row counts."""
    column = [""] * section.size
    for row, fields in section.comments:
        if row >= 0 and not column[row]:
            column[row] = section.grammar.pick(fields, path)
    return column


def repeats_of(section: Section, each: Path, paths: Sequence[Path]) -> NamedRows:
    """The repeats of one field as rows: ``@.n`` is component n of the repeat, other paths stay the same for all."""
    grammar = section.grammar
    fields = section.records.get(each.record) or []
    index = grammar.place(each)
    text = fields[index] if 0 <= index < len(fields) else ""
    repeats = [repeat for repeat in text.split(grammar.repeat) if repeat]
    columns: Columns = {}
    for path in paths:
        if path.record == "@":
            columns[path] = [grammar.plain(nth(repeat, grammar.component, path.component)) for repeat in repeats]
        else:
            columns[path] = [section.lookup(path)] * len(repeats)
    return NamedRows(columns, len(repeats), [(0, 0)] * len(repeats))


def record_of(section: Section, record: str, paths: Sequence[Path]) -> NamedRows:
    """One higher record as the only row (a QC value inside OBR)."""
    size = 1 if record in section.opened else 0
    return NamedRows({path: [section.lookup(path)] * size for path in paths}, size, [(0, 0)] * size)
