"""A table of a manifest, compiled: columns of a dialect in, observations out.

Every step works on whole columns. What repeats from tube to tube is looked up, as a menu or by its raw text (times, flags); values never are.
The order of ``Observation``'s fields is the order of the columns in ``_build``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import tzinfo
from decimal import Decimal
from itertools import repeat
from typing import Any

from lis_bridge.catalogue import readers
from lis_bridge.catalogue import values as numeric
from lis_bridge.catalogue.codes import CodeBook, Memo
from lis_bridge.catalogue.manifest.moments import MomentSpec
from lis_bridge.catalogue.manifest.results import Table
from lis_bridge.catalogue.menus import Lookup, Menu, Menus, first_of
from lis_bridge.catalogue.moments import moment_reader
from lis_bridge.core.results import Image, Observation
from lis_bridge.dialects import paths
from lis_bridge.dialects.paths import Path
from lis_bridge.dialects.records import COMMENTS, Columns, Rows, Selection


class Mapper:
    """One table of a driver with its code book, ready to map rows."""

    def __init__(
        self,
        table: Table,
        codes: CodeBook,
        *,
        record: str,
        missing: Sequence[str],
        zone: tzinfo,
        abnormal: Callable[[str], str] | None,
        last_wins: bool,
        doubted: Collection[str],
    ) -> None:
        if table.abnormal and abnormal is None:
            raise ValueError('results.abnormal counts with abnormal = "device" only; take one of them out')
        self._missing = numeric.whole(missing)
        self._marks = numeric.marks(missing)
        self._abnormal = abnormal
        self._record = record
        self._menus = Menus(table, codes, last_wins=last_wins, doubted=doubted)
        self.value = paths.parse_all(table.value)
        self.run = paths.parse_all(table.run)
        self.flags = tuple((paths.parse(source.path), source) for source in table.flags)
        self._marked = paths.parse_all(table.abnormal)
        self.times = tuple(_Moment(spec, zone) for spec in table.observed_at)
        self._only = tuple((paths.parse(path), Memo(readers.fits(pattern))) for path, pattern in table.only.items())
        self.type = paths.parse(table.type) if table.type else None
        self._images = frozenset(table.images)
        self._flag_memos = [Memo(readers.flags(source)) for source in table.flags]
        self._abnormal_memo: dict[tuple[str, ...], str] = {}
        self.selection = self._selection()

    def _selection(self) -> Selection:
        """Every path of the result record that the columns are asked for, and those which only a new menu asks for."""
        listed: list[Path] = [
            *self.value, *self.run, *(path for path, _ in self.flags), *self._marked,
            *(path for moment in self.times for path in moment.paths), *(path for path, _ in self._only),
        ]  # fmt: skip
        if self.type is not None:
            listed.append(self.type)
        if self._images and self.type:
            listed += [Path(self._record, self.value[0].field, part) for part in (0, 3, 5)]
        every = dict.fromkeys((*listed, *self._menus.paths))
        wanted = tuple(path for path in every if path.record in (self._record, "@", *COMMENTS) or path.name)
        return Selection(wanted, frozenset(self._menus.paths) - frozenset(listed))

    def map(self, rows: Rows, lookup: Lookup) -> tuple[tuple[Observation, ...], tuple[Image, ...]]:
        """The observations and images of ``rows``; ``lookup`` answers for what stands above them."""
        for path, fits in self._only:
            rows = _kept(rows, [at for at, text in enumerate(self._column(path, rows, lookup)) if fits[text]])
        images: tuple[Image, ...] = ()
        if self._images and self.type and not self._images.isdisjoint(rows.columns[self.type]):
            rows, images = self._take_images(rows)
        if not rows.size:
            return (), images
        return self._build(rows, lookup), images

    def _take_images(self, rows: Rows) -> tuple[Rows, tuple[Image, ...]]:
        types = rows.columns[self.type]  # type: ignore[index]
        pictures = [index for index, kind in enumerate(types) if kind in self._images]
        keep = [index for index, kind in enumerate(types) if kind not in self._images]
        codes = self._first(self._menus.code, rows, lambda path: "")
        field = self.value[0].field
        formats = rows.columns[Path(self._record, field, 3)]
        data = rows.columns[Path(self._record, field, 5)]
        bare = rows.columns[Path(self._record, field)]
        images = tuple(
            Image(codes[at], formats[at], _decoded_size(data[at]), rows.spans[at], data[at], "base64")
            if data[at]
            else Image(codes[at], _bare_format(bare[at]), _decoded_size(bare[at]), rows.spans[at], *_bare_data(bare[at]))
            for at in pictures
        )
        return _kept(rows, keep), images

    def _column(self, path: Path, rows: Rows, lookup: Lookup) -> list[str]:
        column = rows.columns.get(path)
        if column is None:
            column = rows.column(path)
        return column if column is not None else [lookup(path)] * rows.size

    def _first(self, choice: Sequence[Path], rows: Rows, lookup: Lookup) -> list[str]:
        """The first of several places that is not empty, row by row."""
        return first_of([self._column(path, rows, lookup) for path in choice], rows.size)

    def _build(self, rows: Rows, lookup: Lookup) -> tuple[Observation, ...]:
        menu = self._menus.of(rows, lookup)
        rows.put_off.clear()  # nobody asks for their texts any more
        values, raws, numbers, comparators = self._values(rows, lookup, menu)
        flags = self._flags(rows, lookup, numbers)
        return tuple(
            map(
                Observation, menu.codes, menu.tests, values, raws, numbers, comparators, menu.units, menu.ucums, menu.factors,
                menu.lows, menu.highs, flags, self._abnormals(flags, numbers, menu, rows, lookup), menu.statuses,
                self._observed(rows, lookup), self._first(self.run, rows, lookup) if self.run else repeat(""), menu.reruns,
                menu.aspects, menu.superseded, menu.names, _problems(menu, numbers), repeat(None), rows.spans, menu.occurrences,
                menu.doubted, repeat(menu.material),
            )
        )  # fmt: skip

    def _values(self, rows: Rows, lookup: Lookup, menu: Menu) -> tuple[Any, list[str], Any, Any]:
        column = self._column(self.value[0], rows, lookup)
        numbers = numeric.plain_numbers(column, self._marks)
        if numbers is None:
            return self._mixed(rows, lookup, menu)
        return column, rows.verbatim.get(self.value[0], column), numbers, repeat("")

    def _mixed(self, rows: Rows, lookup: Lookup, menu: Menu) -> tuple[Any, list[str], Any, Any]:
        """Values of which some are text, empty or marked as "no result": the first place that holds one counts, row by row."""
        missing = self._missing
        values: list[str | None] = [None] * rows.size
        raws = [""] * rows.size
        for path in self.value:
            column = self._column(path, rows, lookup)
            verbatim = rows.verbatim.get(path, column)
            for at, text in enumerate(column):
                if values[at] is not None:
                    continue
                text = text.strip()
                raws[at] = raws[at] or verbatim[at].strip()
                if text and not (missing is not None and missing.fullmatch(text)):
                    values[at] = verbatim[at].strip() if menu.ignored[at] and path not in _SCALED else text
                    raws[at] = verbatim[at].strip()
        numbers, comparators = zip(*map(numeric.number_of, values), strict=True)
        return values, raws, numbers, comparators

    def _flags(self, rows: Rows, lookup: Lookup, numbers: Sequence[Decimal | None]) -> Sequence[tuple[str, ...]]:
        total: Sequence[tuple[str, ...]] | None = None
        for (path, source), memo in zip(self.flags, self._flag_memos, strict=True):
            column = self._column(path, rows, lookup)
            if not any(column):
                continue
            found: Sequence[Any] = memo.of(column)
            if not any(found):
                continue
            if source.besides:
                found = [flag if number is not None else () for flag, number in zip(found, numbers, strict=True)]
            total = found if total is None else [(*one, *other) for one, other in zip(total, found, strict=True)]
        return total if total is not None else [()] * rows.size

    def _abnormals(
        self, flags: Sequence[tuple[str, ...]], numbers: Sequence[Decimal | None], menu: Menu, rows: Rows, lookup: Lookup
    ) -> Sequence[str]:
        if self._abnormal is None:
            return [numeric.by_range(*row) for row in zip(numbers, menu.lows, menu.highs, strict=True)]
        found = self._by_flags(flags, self._abnormal)
        if not self._marked:
            return found
        marks = map(str.strip, self._first(self._marked, rows, lookup))
        return [own or self._abnormal(mark) for own, mark in zip(found, marks, strict=True)]

    def _by_flags(self, flags: Sequence[tuple[str, ...]], abnormal: Callable[[str], str]) -> list[str]:
        memo = self._abnormal_memo
        try:
            return [memo[flag] for flag in flags]
        except KeyError:
            for flag in flags:
                memo[flag] = next(filter(None, map(abnormal, flag)), "")
            found = [memo[flag] for flag in flags]
            if len(memo) > 1000:
                memo.clear()
            return found

    def _observed(self, rows: Rows, lookup: Lookup) -> Any:
        if not self.times:
            return repeat(None)
        column: Sequence[Any] = self.times[0].column(self, rows, lookup)
        for moment in self.times[1:]:
            if None not in column:
                break
            column = [one or other for one, other in zip(column, moment.column(self, rows, lookup), strict=True)]
        return column


def _problems(menu: Menu, numbers: Sequence[Decimal | None]) -> Sequence[str | None]:
    """Why rows must be held; a unit only matters to a number."""
    if not menu.unit_problems:
        return menu.problems
    rows = zip(menu.problems, menu.unit_problems, numbers, strict=True)
    return [problem or (of_unit if number is not None else None) for problem, of_unit, number in rows]


_SCALED = frozenset({Path("", name="value")})
"""Text dialects keep a scaled value apart from its digits; there ``verbatim`` is never the value."""


class _Moment:
    """One way to find the time of a row."""

    def __init__(self, spec: str | MomentSpec, zone: tzinfo) -> None:
        texts = (spec,) if isinstance(spec, str) else tuple(filter(None, (spec.date, spec.time)))
        self.paths = tuple(paths.parse(text) for text in texts)
        self._memo = Memo(moment_reader(spec, zone))

    def column(self, mapper: Mapper, rows: Rows, lookup: Lookup) -> Sequence[Any]:
        memo = self._memo
        columns = [rows.column(path) for path in self.paths]
        if len(columns) == 1 and columns[0] is not None:
            return memo.of(columns[0])
        if columns == [None] * len(columns):
            return [memo[" ".join(map(lookup, self.paths)).strip()]] * rows.size
        full = [mapper._column(path, rows, lookup) for path in self.paths]
        return [memo[" ".join(parts).strip()] for parts in zip(*full, strict=True)]


def _kept(rows: Rows, keep: list[int]) -> Rows:
    """The rows at these places."""
    if len(keep) == rows.size:
        return rows

    def kept(columns: Columns) -> Columns:
        return {path: [column[at] for at in keep] for path, column in columns.items()}

    spans = [rows.spans[at] for at in keep]
    return Rows(kept(rows.columns), len(keep), spans, kept(rows.verbatim), kept(rows.put_off), rows.grammar)


_MAGIC = {"iVBORw0KGgo": "PNG", "Qk": "BMP", "/9j/": "JPEG", "R0lGOD": "GIF"}
"""How base64 of these formats begins."""


def _bare_format(data: str) -> str:
    """The format of a picture that stands in the field without HL7's ED components."""
    return next((name for start, name in _MAGIC.items() if data.startswith(start)), "")


def _bare_data(data: str) -> tuple[str, str]:
    """The data of such a picture and their coding; the name of a file is none."""
    return (data, "base64") if _bare_format(data) else ("", "")


def _decoded_size(data: str) -> int:
    """Bytes of a base64 text (RFC 4648)."""
    return len(data) * 3 // 4 - data[-2:].count("=")
