"""A table of a manifest, compiled: columns of a dialect in, observations out.

Every step works on whole columns; what repeats from tube to tube (codes, units, ranges, times, flags) is looked up by its raw text, values
never. The order of ``Observation``'s fields is the order of the columns in ``_build``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from decimal import Decimal
from itertools import repeat
from typing import Any

from lis_bridge.catalogue import values as numeric
from lis_bridge.catalogue.codes import CodeBook, ColumnMemo, MappedColumns, Memo
from lis_bridge.catalogue.manifest import FlagSource, MomentSpec, RerunSpec, Table
from lis_bridge.catalogue.moments import moment_reader
from lis_bridge.core.results import Image, Observation
from lis_bridge.dialects import paths
from lis_bridge.dialects.paths import Path
from lis_bridge.dialects.records import COMMENTS, Columns, Rows

Lookup = Callable[[Path], str]


class Mapper:
    """One table of a driver with its code book, ready to map rows."""

    def __init__(
        self,
        table: Table,
        codes: CodeBook,
        *,
        record: str,
        missing: re.Pattern[str] | None,
        zone: tzinfo,
        abnormal: Callable[[str], str] | None,
        last_wins: bool,
    ) -> None:
        self._codes = codes
        self._missing = missing
        self._marks = numeric.marks(missing)
        self._abnormal = abnormal
        self._last_wins = last_wins
        self._record = record
        self.code = self._paths(table.code)
        self._code_memo = Memo(_code_reader(table.code_pattern)) if table.code_pattern else None
        self.name = self._paths(table.name)
        self._material = (paths.parse(table.material.path), frozenset(table.material.usual)) if table.material else None
        self.value = self._paths(table.value)
        self.unit = self._paths(table.unit)
        self.range = self._paths(table.range)
        self.low = self._paths(table.low)
        self.high = self._paths(table.high)
        self.status = self._paths(table.status)
        self.run = self._paths(table.run)
        self.flags = tuple((paths.parse(source.path), source) for source in table.flags)
        self.times = tuple(_Moment(spec, zone) for spec in table.observed_at)
        self.rerun = paths.parse(table.rerun.path) if table.rerun else None
        self._rerun_memo = ColumnMemo(_rerun_reader(table.rerun) if table.rerun else bool)
        self.aspect = paths.parse(table.aspect) if table.aspect else None
        self._aspect_memo = Memo(_aspect_reader(table.aspect_pattern, table.aspects))
        self._only = tuple((paths.parse(path), Memo(_fits(pattern))) for path, pattern in table.only.items())
        self.type = paths.parse(table.type) if table.type else None
        self._images = frozenset(table.images)
        self._low_limits = ColumnMemo(lambda text: numeric.limits_of(text)[0])
        self._high_limits = ColumnMemo(lambda text: numeric.limits_of(text)[1])
        self._status_memo = ColumnMemo(lambda text: text or None)
        self._flag_memos = [Memo(_flag_reader(source)) for source in table.flags]
        self._abnormal_memo: dict[tuple[str, ...], str] = {}
        self.wanted = self._wanted()

    @staticmethod
    def _paths(texts: Sequence[str]) -> tuple[Path, ...]:
        return tuple(paths.parse(text) for text in texts)

    def _wanted(self) -> tuple[Path, ...]:
        """Every path of the result record that the columns are asked for."""
        listed: list[Path] = [
            *self.code, *self.name, *self.value, *self.unit, *self.range, *self.low, *self.high, *self.status, *self.run,
            *(path for path, _ in self.flags), *(path for moment in self.times for path in moment.paths),
        ]  # fmt: skip
        listed += [path for path in (self.aspect, self.type, *(path for path, _ in self._only)) if path is not None]
        if self.rerun:
            listed.append(self.rerun)
        if self._images and self.type:
            listed += [Path(self._record, self.value[0].field, part) for part in (3, 5)]
        return tuple(dict.fromkeys(path for path in listed if path.record in (self._record, "@", *COMMENTS) or path.name))

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
        codes = self._first(self.code, rows, lambda path: "")
        field = self.value[0].field
        formats = rows.columns[Path(self._record, field, 3)]
        data = rows.columns[Path(self._record, field, 5)]
        images = tuple(Image(codes[at], formats[at], _decoded_size(data[at]), rows.spans[at]) for at in pictures)
        return _kept(rows, keep), images

    def _column(self, path: Path, rows: Rows, lookup: Lookup) -> list[str]:
        column = rows.columns.get(path)
        return column if column is not None else [lookup(path)] * rows.size

    def _first(self, choice: Sequence[Path], rows: Rows, lookup: Lookup) -> list[str]:
        """The first of several places that is not empty, row by row."""
        if not choice:
            return [""] * rows.size
        column = self._column(choice[0], rows, lookup)
        for path in choice[1:]:
            if "" not in column:
                break
            column = [one or other for one, other in zip(column, self._column(path, rows, lookup), strict=True)]
        return column

    def _build(self, rows: Rows, lookup: Lookup) -> tuple[Observation, ...]:
        size = rows.size
        codes = self._first(self.code, rows, lookup)
        if self._code_memo is not None:
            memo = self._code_memo
            codes = [memo[code] for code in codes]
        names = self._first(self.name, rows, lookup)
        units = self._first(self.unit, rows, lookup)
        mapped = self._codes.mapped(*self._of_material(codes, names, lookup), units)
        problems = mapped.problems
        values, raws, numbers, comparators = self._values(rows, lookup, mapped)
        if any(mapped.unit_problems):
            problems = tuple(
                problem or (of_unit if number is not None else None)
                for problem, of_unit, number in zip(problems, mapped.unit_problems, numbers, strict=True)
            )
        aspects = self._aspect_column(rows, lookup)
        tests = mapped.tests
        if aspects is not None and not SIGNALS.isdisjoint(aspects):
            tests = tuple(None if aspect in SIGNALS else test for test, aspect in zip(tests, aspects, strict=True))
            problems = tuple(None if aspect in SIGNALS else problem for problem, aspect in zip(problems, aspects, strict=True))
        lows, highs = self._ranges(rows, lookup)
        flags = self._flags(rows, lookup, numbers)
        reruns = self._reruns(rows, lookup)
        occurrences, superseded = self._repeats(codes, aspects, size)
        return tuple(
            map(
                Observation, codes, tests, values, raws, numbers, comparators, mapped.units, mapped.ucums, mapped.factors,
                lows, highs, flags,
                self._abnormals(flags, numbers, lows, highs), self._statuses(rows, lookup), self._observed(rows, lookup),
                self._first(self.run, rows, lookup) if self.run else repeat(""), reruns, repeat("") if aspects is None else aspects,
                superseded, names if self.name else repeat(None), problems, repeat(None), rows.spans,
                occurrences,
            )
        )  # fmt: skip

    def _of_material(self, codes: list[str], names: list[str], lookup: Lookup) -> tuple[list[str], list[str]]:
        """Codes and names as they are looked up: with ``@material`` behind them where the specimen is not of the usual kind."""
        if self._material is None:
            return codes, names
        path, usual = self._material
        material = lookup(path).strip()
        if not material or material in usual:
            return codes, names
        return [f"{code}@{material}" for code in codes], [f"{name}@{material}" for name in names]

    def _values(self, rows: Rows, lookup: Lookup, mapped: MappedColumns) -> tuple[Any, list[str], Any, Any]:
        column = self._column(self.value[0], rows, lookup)
        numbers = numeric.plain_numbers(column, self._marks)
        if numbers is None:
            return self._mixed(rows, lookup, mapped)
        return column, rows.verbatim.get(self.value[0], column), numbers, repeat("")

    def _mixed(self, rows: Rows, lookup: Lookup, mapped: MappedColumns) -> tuple[Any, list[str], Any, Any]:
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
                    ignored = mapped.tests[at] is None and mapped.problems[at] is None
                    values[at] = verbatim[at].strip() if ignored and path not in _SCALED else text
                    raws[at] = verbatim[at].strip()
        numbers, comparators = zip(*map(numeric.number_of, values), strict=True)
        return values, raws, numbers, comparators

    def _ranges(self, rows: Rows, lookup: Lookup) -> tuple[Any, Any]:
        if self.range:
            column = self._first(self.range, rows, lookup)
            return self._low_limits.of(column), self._high_limits.of(column)
        if not self.low and not self.high:
            return [None] * rows.size, [None] * rows.size
        lows = [text.strip() or None for text in self._first(self.low, rows, lookup)]
        return lows, [text.strip() or None for text in self._first(self.high, rows, lookup)]

    def _flags(self, rows: Rows, lookup: Lookup, numbers: Sequence[Decimal | None]) -> Sequence[tuple[str, ...]]:
        total: list[tuple[str, ...]] | None = None
        for (path, source), memo in zip(self.flags, self._flag_memos, strict=True):
            column = self._column(path, rows, lookup)
            if not any(column):
                continue
            found: list[Any] = [memo[text] for text in column]
            if not any(found):
                continue
            if source.besides:
                found = [flag if number is not None else () for flag, number in zip(found, numbers, strict=True)]
            total = found if total is None else [(*one, *other) for one, other in zip(total, found, strict=True)]
        return total if total is not None else [()] * rows.size

    def _abnormals(self, flags: Sequence[tuple[str, ...]], numbers: Sequence[Decimal | None], lows: Any, highs: Any) -> Any:
        if self._abnormal is None:
            return [numeric.by_range(*row) for row in zip(numbers, lows, highs, strict=True)]
        memo = self._abnormal_memo
        try:
            return [memo[flag] for flag in flags]
        except KeyError:
            for flag in flags:
                memo[flag] = next(filter(None, map(self._abnormal, flag)), "")
            found = [memo[flag] for flag in flags]
            if len(memo) > 1000:
                memo.clear()
            return found

    def _statuses(self, rows: Rows, lookup: Lookup) -> Any:
        return self._status_memo.of(self._first(self.status, rows, lookup)) if self.status else repeat(None)

    def _observed(self, rows: Rows, lookup: Lookup) -> Any:
        if not self.times:
            return repeat(None)
        column: list[Any] = self.times[0].column(self, rows, lookup)
        for moment in self.times[1:]:
            if None not in column:
                break
            column = [one or other for one, other in zip(column, moment.column(self, rows, lookup), strict=True)]
        return column

    def _reruns(self, rows: Rows, lookup: Lookup) -> Any:
        if self.rerun is None:
            return repeat(None)
        return self._rerun_memo.of(self._column(self.rerun, rows, lookup))

    def _aspect_column(self, rows: Rows, lookup: Lookup) -> list[str] | None:
        if self.aspect is None:
            return None
        memo = self._aspect_memo
        return [memo[text] for text in self._column(self.aspect, rows, lookup)]

    def _repeats(self, codes: list[str], aspects: list[str] | None, size: int) -> tuple[Any, Any]:
        """Ordinals among rows of the same code and aspect, and which rows a later one of the message replaces."""
        keys: list[Any] = codes if aspects is None else list(zip(codes, aspects, strict=True))
        if len(set(keys)) == size:
            return repeat(0), repeat(False)
        seen: dict[Any, int] = {}
        ordinals = []
        for key in keys:
            ordinals.append(seen.get(key, 0))
            seen[key] = ordinals[-1] + 1
        if not self._last_wins:
            return ordinals, repeat(False)
        return ordinals, [ordinal < seen[key] - 1 for ordinal, key in zip(ordinals, keys, strict=True)]


SIGNALS = frozenset({"P", "G"})
"""Raw signals and graphics settings: kept as information, never results."""

_SCALED = frozenset({Path("", name="value")})
"""Text dialects keep a scaled value apart from its digits; there ``verbatim`` is never the value."""


class _Moment:
    """One way to find the time of a row."""

    def __init__(self, spec: str | MomentSpec, zone: tzinfo) -> None:
        texts = (spec,) if isinstance(spec, str) else tuple(filter(None, (spec.date, spec.time)))
        self.paths = tuple(paths.parse(text) for text in texts)
        self._memo = Memo(moment_reader(spec, zone))

    def column(self, mapper: Mapper, rows: Rows, lookup: Lookup) -> list[Any]:
        columns = [rows.columns.get(path) for path in self.paths]
        if columns == [None] * len(columns):
            return [self._memo[" ".join(map(lookup, self.paths)).strip()]] * rows.size
        memo = self._memo
        if len(columns) == 1 and columns[0] is not None:
            return [memo[text] for text in columns[0]]
        full = [mapper._column(path, rows, lookup) for path in self.paths]
        return [memo[" ".join(parts).strip()] for parts in zip(*full, strict=True)]


def _flag_reader(source: FlagSource) -> Callable[[str], tuple[str, ...]]:
    def read(text: str) -> tuple[str, ...]:
        parts = text.split(source.split) if source.split else [text]
        return tuple(source.map.get(part, part) for part in map(str.strip, parts) if part and part not in source.drop)

    return read


def _kept(rows: Rows, keep: list[int]) -> Rows:
    """The rows at these places."""
    if len(keep) == rows.size:
        return rows
    columns: Columns = {path: [column[at] for at in keep] for path, column in rows.columns.items()}
    verbatim: Columns = {path: [column[at] for at in keep] for path, column in rows.verbatim.items()}
    return Rows(columns, len(keep), [rows.spans[at] for at in keep], verbatim)


def _fits(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text.strip()) is not None


def _code_reader(pattern: str) -> Callable[[str], str]:
    """The groups of a code's pattern, joined by ``/``; a code that does not fit stays whole."""
    compiled = re.compile(pattern)

    def read(text: str) -> str:
        found = compiled.match(text)
        return "/".join(filter(None, found.groups())) if found is not None else text

    return read


def _aspect_reader(pattern: str | None, aspects: Mapping[str, str]) -> Callable[[str], str]:
    """What the device's word means; with a pattern, the word is its first group."""
    compiled = re.compile(pattern) if pattern else None

    def read(text: str) -> str:
        if compiled is not None:
            found = compiled.match(text)
            text = found[1] if found is not None else ""
        return aspects.get(text, "")

    return read


def _rerun_reader(spec: RerunSpec) -> Callable[[str], bool | None]:
    def read(text: str) -> bool | None:
        text = text.strip()
        if text in spec.again:
            return True
        return False if text in spec.first else None

    return read


def _decoded_size(data: str) -> int:
    """Bytes of a base64 text (RFC 4648)."""
    return len(data) * 3 // 4 - data[-2:].count("=")
