"""A table of a manifest, compiled: columns of a dialect in, observations out.

Every step works on whole columns. What repeats from tube to tube is looked up, as a menu or by its raw text (times, flags); values never are.
The order of ``Observation``'s fields is the order of the columns in ``_build``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import tzinfo
from decimal import Decimal
from itertools import repeat
from typing import Any

from lis_bridge.catalogue import readers
from lis_bridge.catalogue import values as numeric
from lis_bridge.catalogue.codes import CodeBook, Memo
from lis_bridge.catalogue.heads import Asked, Texts, moment_paths
from lis_bridge.catalogue.manifest.moments import MomentSpec
from lis_bridge.catalogue.manifest.results import Table
from lis_bridge.catalogue.menus import Menu, Menus
from lis_bridge.catalogue.moments import moment_reader
from lis_bridge.catalogue.sources import Source, Sources, column, first_of, image_paths
from lis_bridge.core.results import Image, Observation
from lis_bridge.dialects.paths import Path
from lis_bridge.dialects.records import Rows


class Mapper:
    """One table of a driver with its code book, ready to map rows."""

    def __init__(
        self,
        table: Table,
        codes: CodeBook,
        asked: Asked,
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
        sources = Sources(table, record, asked)
        self.selection = sources.selection
        self._missing = numeric.whole(missing)
        self._marks = numeric.marks(missing)
        self._abnormal = abnormal
        self._menus = Menus(table, codes, sources, last_wins=last_wins, doubted=doubted)
        self._value, self._run, self._marked = map(sources.all, (table.value, table.run, table.abnormal))
        scaled = sources.of(_SCALED)
        self._scaled = tuple(one == scaled for one in self._value)
        self._flag_sources = tuple((sources.said(one.path), Memo(readers.flags(one)), one.besides) for one in table.flags)
        self._times = tuple(_Moment(spec, zone, sources) for spec in table.observed_at)
        self._only = tuple((sources.said(path), Memo(readers.fits(pattern))) for path, pattern in table.only.items())
        self._type = sources.all([table.type] if table.type else [])
        self._images = frozenset(table.images)
        self._image = tuple(map(sources.of, image_paths(table, record))) if table.images else ()
        self._abnormal_memo: dict[tuple[str, ...], str] = {}
        asked_later = [*self._value, *self._run, *self._marked, *(source for source, _, _ in self._flag_sources)]
        asked_later += [source for moment in self._times for source in moment.sources]
        self._menu_only = frozenset(self._menus.fields) - frozenset(sources.fields_of(asked_later))

    def map(self, rows: Rows, texts: Texts) -> tuple[tuple[Observation, ...], tuple[Image, ...]]:
        """The observations and images of ``rows``; ``texts`` stand above them."""
        for source, fits in self._only:
            rows = _kept(rows, [at for at, text in enumerate(column(source, rows, texts)) if fits[text]])
        images: tuple[Image, ...] = ()
        if self._image and self._type:
            types = column(self._type[0], rows, texts)
            if not self._images.isdisjoint(types):
                rows, images = self._take_images(rows, types, texts)
        if not rows.size:
            return (), images
        return self._build(rows, texts), images

    def _take_images(self, rows: Rows, types: Sequence[str], texts: Texts) -> tuple[Rows, tuple[Image, ...]]:
        pictures = [index for index, kind in enumerate(types) if kind in self._images]
        keep = [index for index, kind in enumerate(types) if kind not in self._images]
        codes = first_of(self._menus.code, rows, texts)
        bare, formats, data = (column(one, rows, texts) for one in self._image)
        images = tuple(
            Image(codes[at], formats[at], _decoded_size(data[at]), rows.spans[at], data[at], "base64")
            if data[at]
            else Image(codes[at], _bare_format(bare[at]), _decoded_size(bare[at]), rows.spans[at], *_bare_data(bare[at]))
            for at in pictures
        )
        return _kept(rows, keep), images

    def _build(self, rows: Rows, texts: Texts) -> tuple[Observation, ...]:
        menu = self._menus.of(rows, texts)
        for number in self._menu_only:
            rows.columns[number] = None  # nobody asks for their texts any more
        values, raws, numbers, comparators = self._values(rows, texts, menu)
        flags = self._flags(rows, texts, numbers)
        return tuple(
            map(
                Observation, menu.codes, menu.tests, values, raws, numbers, comparators, menu.units, menu.ucums, menu.factors,
                menu.lows, menu.highs, flags, self._abnormals(flags, numbers, menu, rows, texts), menu.statuses,
                self._observed(rows, texts), first_of(self._run, rows, texts) if self._run else repeat(""), menu.reruns,
                menu.aspects, menu.superseded, menu.names, _problems(menu, numbers), repeat(None), rows.spans, menu.occurrences,
                menu.doubted, menu.materials,
            )
        )  # fmt: skip

    def _values(self, rows: Rows, texts: Texts, menu: Menu) -> tuple[Any, Sequence[str], Any, Any]:
        source = self._value[0]
        found = column(source, rows, texts)
        numbers = numeric.plain_numbers(found, self._marks)
        if numbers is None:
            return self._mixed(rows, texts, menu)
        return found, _as_sent(source, rows, found), numbers, repeat("")

    def _mixed(self, rows: Rows, texts: Texts, menu: Menu) -> tuple[Any, Sequence[str], Any, Any]:
        """Values of which some are text, empty or marked as "no result": those are looked at row by row."""
        found = [column(source, rows, texts) for source in self._value]
        sent = [_as_sent(source, rows, one) for source, one in zip(self._value, found, strict=True)]
        places = tuple(zip(found, sent, self._scaled, strict=True))
        values: list[str | None] = list(found[0])
        raws, comparators = list(sent[0]), [""] * rows.size
        is_digits = self._marks is None and sent[0] is found[0]
        numbers: list[Decimal | None] = numeric.digits(found[0]) if is_digits else [None] * rows.size
        for at in [at for at, number in enumerate(numbers) if number is None]:
            values[at], raws[at] = self._value_at(at, places, menu.ignored[at])
            numbers[at], comparators[at] = numeric.number_of(values[at])
        return values, raws, numbers, comparators

    def _value_at(self, at: int, places: Iterable[tuple[list[str], list[str], bool]], ignored: bool) -> tuple[str | None, str]:
        """The value of a row, and what was sent: the first place counts that holds one which is no mark."""
        missing, raw = self._missing, ""
        for found, sent, scaled in places:
            text, said = found[at].strip(), sent[at].strip()
            if text and not (missing is not None and missing.fullmatch(text)):
                return said if ignored and not scaled else text, said
            raw = raw or said
        return None, raw

    def _flags(self, rows: Rows, texts: Texts, numbers: Sequence[Decimal | None]) -> Sequence[tuple[str, ...]]:
        total: Sequence[tuple[str, ...]] | None = None
        for source, memo, besides in self._flag_sources:
            said = column(source, rows, texts)
            if not any(said):
                continue
            found: Sequence[Any] = memo.of(said)
            if not any(found):
                continue
            if besides:
                found = [flag if number is not None else () for flag, number in zip(found, numbers, strict=True)]
            total = found if total is None else [(*one, *other) for one, other in zip(total, found, strict=True)]
        return total if total is not None else [()] * rows.size

    def _abnormals(
        self, flags: Sequence[tuple[str, ...]], numbers: Sequence[Decimal | None], menu: Menu, rows: Rows, texts: Texts
    ) -> Sequence[str]:
        if self._abnormal is None:
            return [numeric.by_range(*row) for row in zip(numbers, menu.lows, menu.highs, strict=True)]
        found = self._by_flags(flags, self._abnormal)
        if not self._marked:
            return found
        marks = map(str.strip, first_of(self._marked, rows, texts))
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

    def _observed(self, rows: Rows, texts: Texts) -> Any:
        if not self._times:
            return repeat(None)
        found = self._times[0].column(rows, texts)
        for moment in self._times[1:]:
            if None not in found:
                break
            found = [one or other for one, other in zip(found, moment.column(rows, texts), strict=True)]
        return found


def _problems(menu: Menu, numbers: Sequence[Decimal | None]) -> Sequence[str | None]:
    """Why rows must be held; a unit only matters to a number."""
    if not menu.unit_problems:
        return menu.problems
    rows = zip(menu.problems, menu.unit_problems, numbers, strict=True)
    return [problem or (of_unit if number is not None else None) for problem, of_unit, number in rows]


_SCALED = Path("", name="value")
"""Text dialects keep a scaled value apart from its digits; there what was sent is never the value."""


def _as_sent(source: Source, rows: Rows, found: list[str]) -> list[str]:
    """The texts of a column as they stood in the message."""
    if not rows.sent and not rows.verbatim:
        return found
    sent = rows.as_sent(source.number) if source.number >= 0 else None
    return sent if sent is not None else found


class _Moment:
    """One way to find the time of a row."""

    def __init__(self, spec: str | MomentSpec, zone: tzinfo, sources: Sources) -> None:
        self.sources = tuple(map(sources.of, moment_paths(spec)))
        self._memo = Memo(moment_reader(spec, zone))

    def column(self, rows: Rows, texts: Texts) -> Sequence[Any]:
        """The moment of every row; None where there is none."""
        found = [column(source, rows, texts) for source in self.sources]
        return self._memo.of(found[0] if len(found) == 1 else [" ".join(parts).strip() for parts in zip(*found, strict=True)])


def _kept(rows: Rows, keep: list[int]) -> Rows:
    """The rows at these places."""
    if len(keep) == rows.size:
        return rows

    def kept(columns: Sequence[list[str] | None]) -> list[list[str] | None]:
        return [found and [found[at] for at in keep] for found in columns]

    verbatim = {number: [found[at] for at in keep] for number, found in rows.verbatim.items()}
    spans = [rows.spans[at] for at in keep]
    return Rows(kept(rows.columns), len(keep), spans, rows.selection, rows.grammar, kept(rows.sent), verbatim)


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
