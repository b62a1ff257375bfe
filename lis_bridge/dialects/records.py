"""Delimited records, the ground that HL7 v2 and LIS2-A2 share: ``ID|field|field`` lines ended by CR.

A message is read into sections: a run of result records under the records that stood above it. Where all results of a message stand one behind
the other, the run stays a stretch of the text. Where a run is uniform (every record has as many fields as the first), one flat split serves it all
and a column is a slice with a stride. Everything else is read record by record. The way is chosen per run, all give equal columns, and
``tests/properties`` holds them against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set

import msgspec

from lis_bridge.core.starts import ORIGIN, Starts
from lis_bridge.dialects.columns import Fields, are_long, components, grid_of, ragged_fields
from lis_bridge.dialects.grammar import Grammar, nth
from lis_bridge.dialects.layout import Cut, Laid, Layout
from lis_bridge.dialects.paths import Path
from lis_bridge.dialects.spans import Spans, wired
from lis_bridge.dialects.stretch import Stretch

Records = dict[str, list[str]]
Columns = dict[Path, list[str]]

COMMENTS = frozenset({"NTE", "C"})


class Selection:
    """The places of a result record that are asked for, sorted once; columns of ``put_off`` are cut only when somebody asks again."""

    def __init__(self, paths: Iterable[Path], put_off: Set[Path] = frozenset()) -> None:
        self.paths = tuple(paths)
        own = [path for path in self.paths if path.record not in COMMENTS]
        self.fields = Fields(path.field for path in own)
        at = {number: place for place, number in enumerate(self.fields.numbers)}
        now = [(path, at[path.field]) for path in own if path not in put_off]
        self.whole = tuple((path, place) for path, place in now if not path.component)
        self.parts = tuple((path, place) for path, place in now if path.component)
        self.later = tuple((path, at[path.field]) for path in own if path in put_off)
        self.comments = tuple(path for path in self.paths if path.record in COMMENTS)


class Places:
    """Places above the results, sorted once by their records; a text is found by its number among them. ``cuts`` say at which cells of a layout."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self.paths = tuple(dict.fromkeys(paths))
        groups: dict[str, list[tuple[int, int, Path | None]]] = {}
        for number, path in enumerate(self.paths):
            groups.setdefault(path.record, []).append((number, path.field, path if path.component else None))
        self.cuts: dict[Layout, Cut | None] = {}
        self.groups = tuple((record, tuple(group)) for record, group in groups.items())

    def looked_up(self, lookup: Callable[[Path], str]) -> list[str]:
        """The texts of a reading that holds them by path, without the blanks around them."""
        return [lookup(path).strip() for path in self.paths]


class Rows(msgspec.Struct):
    """Columns of equal length ``size``, one text per row and path; ``verbatim`` where unescaping changed a column; ``spans`` in bytes.

    ``put_off`` are fields as they stand, of paths whose columns are cut when they are asked for.
    """

    columns: Columns
    size: int
    spans: Spans
    verbatim: Columns = msgspec.field(default_factory=dict)
    put_off: Columns = msgspec.field(default_factory=dict)
    grammar: Grammar | None = None

    def column(self, path: Path) -> list[str] | None:
        """The texts at ``path``; None where the rows do not hold it."""
        if path in self.put_off and self.grammar is not None:
            column = self.put_off.pop(path)
            if path.component:
                found: Columns = {}
                _part(found, (column,), ((path, 0),), self.grammar)
                column = found[path]
            self.columns[path] = self.grammar.plain_all(column)
        return self.columns.get(path)

    @property
    def marks(self) -> str:
        """The separators by which columns are cut from ``put_off`` fields; with those fields' texts they decide what stands in the columns."""
        return self.grammar.marks if self.grammar is not None else ""


class Section(msgspec.Struct):
    """A run of result records and the records above it.

    ``opened`` are the records that came new with this section, ``closed`` is True once a later record of a higher level (a save point,
    LIS2-A2 5.2) or the message's end has proved the run whole. ``comments`` are (row, fields of the record) pairs. The run is a ``stretch`` of
    the text, or ``rows``: its lines with their spans in the text, which ``starts`` leads to the bytes of the journal entry.
    """

    records: Records | Laid
    grammar: Grammar
    opened: frozenset[str]
    comments: list[tuple[int, list[str]]]
    closed: bool = True
    starts: Starts = ORIGIN
    stretch: Stretch | None = None
    rows: tuple[list[str], Spans] = msgspec.field(default_factory=lambda: ([], []))

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
        """What ``lookup`` gives for each of the places, without the blanks around it."""
        laid = self.records.texts(places.paths, places.cuts, self.grammar) if isinstance(self.records, Laid) else None
        return laid if laid is not None else self._looked_up(places)

    def _looked_up(self, places: Places) -> list[str]:
        found = [""] * len(places.paths)
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
    grammar, size = section.grammar, section.size
    if not size:
        return Rows({path: [] for path in selection.paths}, 0, [])
    fields, escaped = _fields(section, selection.fields)
    columns = {path: fields[place] for path, place in selection.whole}
    if selection.parts:
        _part(columns, fields, selection.parts, grammar)
    rows = Rows(columns, size, section.spans, {}, {path: fields[place] for path, place in selection.later}, grammar)
    if escaped:
        rows.verbatim = columns
        rows.columns = {path: [grammar.plain(text) for text in column] for path, column in columns.items()}
    for path in selection.comments:
        rows.columns[path] = _commented(section, path)
    return rows


def _fields(section: Section, wanted: Fields) -> tuple[Sequence[list[str]], bool]:
    """The fields of a run in the order in which they are asked for, and whether there may be escapes in them."""
    grammar, stretch = section.grammar, section.stretch
    if stretch is not None and stretch.grid is not None:
        found, stretch.grid = stretch.grid.fields(wanted, grammar), None
        return found, bool(grammar.escape) and stretch.text.find(grammar.escape, stretch.start, stretch.end) >= 0
    lines, escape = section.lines, grammar.escape
    even = None if are_long(lines) else grid_of(lines, grammar)
    found = even.fields(wanted, grammar) if even is not None else ragged_fields(lines, wanted, grammar)
    return found, bool(escape) and any(escape in line for line in lines)


def _commented(section: Section, path: Path) -> list[str]:
    """What the comment record behind each row says at ``path``; the first comment of a row counts."""
    column = [""] * section.size
    for row, fields in section.comments:
        if row >= 0 and not column[row]:
            column[row] = section.grammar.pick(fields, path)
    return column


def _part(columns: Columns, fields: Sequence[list[str]], paths: Iterable[tuple[Path, int]], grammar: Grammar) -> None:
    """Adds the columns of components; a field is parted once for all that ask."""
    parted: dict[int, Callable[[int], list[str]]] = {}
    for path, place in paths:
        if path.sub:
            columns[path] = [grammar.part(text, path) for text in fields[place]]
            continue
        if place not in parted:
            parted[place] = components(fields[place], grammar.component)
        columns[path] = parted[place](path.component)


def repeats_of(section: Section, each: Path, paths: Sequence[Path]) -> Rows:
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
    return Rows(columns, len(repeats), [(0, 0)] * len(repeats))


def record_of(section: Section, record: str, paths: Sequence[Path]) -> Rows:
    """One higher record as the only row (a QC value inside OBR)."""
    size = 1 if record in section.opened else 0
    return Rows({path: [section.lookup(path)] * size for path in paths}, size, [(0, 0)] * size)
