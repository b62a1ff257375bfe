"""Delimited text: result files, database exports, positional lines. A driver says which of three ways the rows stand:

    ID,Date,WBC(10/uL),WBC/M    one sample a row: every column whose name fits is a result
    20240622/1/11/4.50/         one result a row: rows of one sample stand one behind the other
    1,HGB,1,125.00,,,,,         records: the first cell says what the row is

Columns are found by their names, never by their places, where a row names them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lis_bridge.core.results import Image
from lis_bridge.dialects import paths
from lis_bridge.dialects.csv_rows import DamagedRowError, Lines, Row, Shape, named_rows, rows_of
from lis_bridge.dialects.fixed import CODE, FLAG, VALUE, VERBATIM, scaled
from lis_bridge.dialects.paths import Path
from lis_bridge.dialects.records import Columns, NamedRows, Places

UNIT = Path("", name="unit")
_PARTS = (CODE, VALUE, VERBATIM, UNIT, FLAG)


@dataclass(frozen=True, slots=True)
class Across:
    """One sample a row: a column whose name ``name`` fits in full (groups ``code`` and ``unit``) is a result, unless it is one of ``info``, which
    holds also what the message's head asks for. With a ``mark`` (``{code}/M``) it must have a unit, or a column of that name, which holds its
    flag. ``decimals``: the implied decimal point by code, else by unit.
    """

    name: re.Pattern[str]
    info: frozenset[str]
    mark: str | None
    decimals: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Down:
    """One result a row: ``sample`` are the columns that are equal in all rows of a sample, ``again`` the one whose text stands once in a sample."""

    sample: tuple[str, ...]
    again: str


@dataclass(frozen=True, slots=True)
class Records:
    """First cells: of the row that begins a sample, of results, of pictures that stay in files, of the row that ends a sample.
    ``image_code`` and ``image_path`` count cells from 1.
    """

    begin: str
    result: str
    image: str | None = None
    image_code: int = 0
    image_path: int = 0
    end: str | None = None


Way = Across | Down | Records


@dataclass(slots=True)
class Reading:
    """One sample: texts by column (those of its first row), its results, its pictures."""

    fields: dict[Path, str]
    rows: NamedRows
    images: tuple[Image, ...] = ()
    closed: bool = True

    def lookup(self, path: Path) -> str:
        return self.fields.get(path, "")

    def texts(self, places: Places) -> list[str]:
        """What ``lookup`` gives for each of the places, without the blanks around it."""
        return places.looked_up(self.lookup)


Parts = Mapping[str, re.Pattern[str]]
"""Columns that are cut into further ones, by the named groups of an expression that fits their text in full."""


def read(
    text: str, raw: bytes, shape: Shape, way: Way, parts: Parts | None = None, *, complete: bool = True
) -> list[Reading] | None:
    """The samples of a text, in its order; None where no row names the columns that the form awaits. Raises DamagedRowError."""
    lines = Lines(text, raw, complete=complete)
    if not lines.name_columns(shape):
        return None
    if isinstance(way, Across):
        found = list(_across(lines, shape, way, parts or {}))
    elif isinstance(way, Down):
        found = list(_down(lines, shape, way, parts or {}))
    else:
        found = list(_recorded(rows_of(lines, shape), way))
    return found or [Reading({}, NamedRows({}, 0, []))]


def _across(lines: Lines, shape: Shape, way: Across, parts: Parts) -> Iterator[Reading]:
    known: tuple[str, ...] = ()
    results: list[tuple[int, str, str, int | None, int | None]] = []
    for columns, row in named_rows(lines, shape):
        if columns is not known:
            known, results = columns, list(_results(columns, way))
        # Of two columns with one name, the first is the field.
        named = _parted(dict(zip(reversed(columns), reversed(row.cells), strict=True)), parts)
        fields = {paths.parse(name): cell for name, cell in named.items()}
        found: Columns = {path: [] for path in _PARTS}
        for at, code, unit, places, mark in results:
            sent = row.cells[at]
            flag = row.cells[mark] if mark is not None else ""
            for column, part in zip(found.values(), (code, scaled(sent, places), sent, unit, flag), strict=True):
                column.append(part)
        rows = NamedRows(found, len(results), [row.span] * len(results), {VALUE: found[VERBATIM]})
        yield Reading(fields, rows, closed=not row.lacks or (row.lacks == 1 and _may_lack(columns, results, way)))


def _may_lack(columns: tuple[str, ...], results: list[tuple[int, str, str, int | None, int | None]], way: Across) -> bool:
    """True where nothing is lost with the last column: it is no result, no mark, and nothing that the message's head asks for."""
    last = len(columns) - 1
    return columns[last] not in way.info and all(last not in (at, mark) for at, _, _, _, mark in results)


def _results(columns: tuple[str, ...], way: Across) -> Iterator[tuple[int, str, str, int | None, int | None]]:
    """Of every column that is a result: its place, code, unit, implied decimals, and the place of its mark."""
    places = {name: at for at, name in reversed(list(enumerate(columns)))}
    for at, name in enumerate(columns):
        fits = way.name.fullmatch(name) if name and name not in way.info else None
        if fits is None:
            continue
        parts = {key: (part or "").strip() for key, part in fits.groupdict().items()}
        code, unit = parts.get("code", name), parts.get("unit", "")
        mark = places.get(way.mark.format(code=code)) if way.mark else None
        if way.mark is None or unit or mark is not None:
            yield at, code, unit, way.decimals.get(code, way.decimals.get(unit)), mark


def _down(lines: Lines, shape: Shape, way: Down, parts: Parts) -> Iterator[Reading]:
    sample: list[dict[str, str]] = []
    rows: list[Row] = []
    seen: set[str] = set()
    for columns, row in named_rows(lines, shape):
        named = _parted(dict(zip(columns, row.cells, strict=True)), parts)
        again = named.get(way.again, "")
        if sample and (again in seen or not _are_one(named, sample[0], way)):
            yield _gathered(sample, rows)
            sample, rows, seen = [], [], set()
        if row.lacks and not all(named.get(name) for name in way.sample):
            continue  # which sample it is of was not said yet
        sample.append(named)
        rows.append(row)
        seen |= {again} - {""}
    if sample:
        yield _gathered(sample, rows)


def _are_one(named: dict[str, str], first: dict[str, str], way: Down) -> bool:
    return named.keys() == first.keys() and all(named.get(name) == first.get(name) for name in way.sample)


def _parted(named: dict[str, str], parts: Parts) -> dict[str, str]:
    for name, pattern in parts.items():
        fits = pattern.fullmatch(named.get(name, ""))
        named |= {part: (fits[part] or "") if fits else "" for part in pattern.groupindex}
    return named


def _gathered(sample: list[dict[str, str]], rows: list[Row]) -> Reading:
    columns = {paths.parse(name): [named.get(name, "") for named in sample] for name in sample[0]}
    fields = {path: column[0] for path, column in columns.items()}
    return Reading(fields, NamedRows(columns, len(rows), [row.span for row in rows]), closed=not any(row.lacks for row in rows))


def _recorded(rows: Iterator[Row], way: Records) -> Iterator[Reading]:
    """Cell n of a row whose first cell is t is the column ``t-n``."""
    sample: list[Row] = []
    for row in rows:
        row.cells = [cell.strip() for cell in row.cells]
        kind = row.cells[0]
        if kind == way.begin and sample:
            yield _of_records(sample, way, closed=way.end is None)
            sample = []
        if not sample and kind != way.begin:
            raise DamagedRowError(row.line, f"it stands above the row that begins a sample ({way.begin})")
        sample.append(row)
        if kind == way.end:
            yield _of_records(sample, way, closed=True)
            sample = []
    if sample:
        yield _of_records(sample, way, closed=way.end is None and not sample[-1].torn)


def _of_records(sample: list[Row], way: Records, *, closed: bool) -> Reading:
    results = [row for row in sample if row.cells[0] == way.result]
    fields: dict[Path, str] = {}
    for row in sample:
        if row.cells[0] != way.result:
            for number, cell in enumerate(row.cells, 1):
                fields.setdefault(paths.parse(f"{row.cells[0]}-{number}"), cell)
    columns = {
        paths.parse(f"{way.result}-{number + 1}"): [row.cells[number] if number < len(row.cells) else "" for row in results]
        for number in range(max((len(row.cells) for row in results), default=0))
    }
    images = tuple(_image(row, way) for row in sample if row.cells[0] == way.image)
    return Reading(fields, NamedRows(columns, len(results), [row.span for row in results]), images, closed)


def _image(row: Row, way: Records) -> Image:
    """A picture that stays where its path says: none of its bytes are here."""
    code, path = (row.cells[at - 1] if at <= len(row.cells) else "" for at in (way.image_code, way.image_path))
    return Image(code, path.rpartition(".")[2].lower() if "." in path else "", 0, row.span)
