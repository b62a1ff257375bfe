"""Texts without names for their parts: fixed widths, every part by its position, or parts that a regular expression finds.

Positions count from 0 in characters of the text between the frame's bytes. A form is chosen by what the text begins with, so that a driver can
hold several lengths or functions; the named groups of that expression are fields. Values may carry an implied decimal point; the digits as sent
stay beside the number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from lis_bridge.core.results import Curve, Image
from lis_bridge.dialects.drawn import curve_of, image_of
from lis_bridge.dialects.paths import Path
from lis_bridge.dialects.records import Columns, NamedRows, Places

CODE, VALUE, VERBATIM, FLAG = (Path("", name=name) for name in ("code", "value", "verbatim", "flag"))
_PARTS = (CODE, VALUE, VERBATIM, FLAG)


@dataclass(frozen=True, slots=True)
class Cell:
    """One result at a fixed place."""

    code: str
    at: int
    width: int
    decimals: int | None
    flag: int
    missing: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Cells:
    """Results repeating with a fixed width; parts as (offset in the cell, width)."""

    start: int
    width: int
    code: tuple[int, int]
    value: tuple[int, int]
    flag: tuple[int, int] | None
    end: int | None
    decimals: tuple[tuple[re.Pattern[str], int], ...] = ()

    def places(self, code: str) -> int | None:
        return next((places for pattern, places in self.decimals if pattern.fullmatch(code)), None)


@dataclass(frozen=True, slots=True)
class Found:
    """Results by the named groups of an expression; ``words`` translate what a group holds; ``units``: by code, what the form of a value tells.
    ``by_line``: a damaged line of a repaired log may be left out.
    """

    pattern: re.Pattern[str]
    words: Mapping[str, Mapping[str, str]]
    units: Mapping[str, tuple[tuple[re.Pattern[str], str], ...]] = field(default_factory=dict)
    by_line: bool = False

    def unit(self, code: str, value: str) -> str:
        """The unit that a value of this form is in; empty where its form tells none."""
        return next((unit for form, unit in self.units.get(code, ()) if form.fullmatch(value)), "")


@dataclass(frozen=True, slots=True)
class Lists:
    """Results whose parts stand in lists of ``count`` places, list after list: parts as (start of the list, width of a place).

    ``used`` names the field that says how many places count.
    """

    count: int
    parts: Mapping[str, tuple[int, int]]
    used: str | None = None


@dataclass(frozen=True, slots=True)
class Drawn:
    """A measured curve: points of ``width`` characters from ``at``, the figure of each as (offset, width) in ``base``; ``count`` names the
    field that says how many points there are.
    """

    code: str
    x: str
    y: str
    at: int
    width: int
    figure: tuple[int, int]
    base: int
    count: str


@dataclass(frozen=True, slots=True)
class Form:
    """One form of the text."""

    match: re.Pattern[str]
    fields: Mapping[str, tuple[int, int]]
    constants: Mapping[str, str]
    cell: tuple[Cell, ...]
    cells: Cells | None
    rows: Found | None = None
    lists: Lists | None = None
    curve: Drawn | None = None
    groups: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Reading:
    """One text, read by its form; ``damaged``: where the lines stand that were left out."""

    fields: dict[str, str]
    rows: NamedRows
    images: tuple[Image, ...] = ()
    curves: tuple[Curve, ...] = ()
    damaged: tuple[int, ...] = ()
    closed: bool = True

    def lookup(self, path: Path) -> str:
        return self.fields.get(path.name, "")

    def texts(self, places: Places) -> list[str]:
        """What ``lookup`` gives for each of the places, without the blanks around it."""
        return places.looked_up(self.lookup)


def read(text: str, forms: tuple[Form, ...], *, complete: bool = True, repair: bool = False) -> Reading | None:
    """The reading by the first form that fits; None where none does, or where its rows leave a rest that nobody understands,
    or where the curve is not there as announced.

    ``repair``: of a log, lines that the rows do not fit are left out and told, where the form allows it.
    """
    found = next(((form, match) for form in forms if (match := form.match.match(text))), None)
    if found is None:
        return None
    form, match = found
    fields = {name: (part or "").strip() for name, part in match.groupdict().items()}
    fields |= {name: text[at : at + width].strip() for name, (at, width) in form.fields.items()}
    collector = _Collector()
    for code, name in form.groups.items():
        collector.group(code, match, name)
    base = match.start("cells") if "cells" in form.match.groupindex else 0
    for cell in form.cell:
        collector.cell(text, base + cell.at, cell)
    if form.cells is not None:
        collector.cells(text, base, form.cells)
    if form.rows is not None and not collector.found(text, match.end(), form.rows, repair=repair):
        return None
    if form.lists is not None:
        collector.lists(text, form.lists, fields)
    if form.curve is not None and not collector.curve(text, form.curve, fields):
        return None
    return collector.reading({**fields, **form.constants}, complete)


def scaled(digits: str, decimals: int | None) -> str:
    """Digits with their implied decimal point: ``0123`` with 1 decimal is ``12.3``; anything but digits stays as it is."""
    if not decimals or not digits.isascii() or not digits.isdigit():
        return digits
    padded = digits.zfill(decimals + 1)
    return f"{padded[:-decimals].lstrip('0') or '0'}.{padded[-decimals:]}"


class _Collector:
    """Gathers rows cell by cell."""

    def __init__(self) -> None:
        self.columns: Columns = {path: [] for path in _PARTS}
        self.spans: list[tuple[int, int]] = []
        self.images: list[Image] = []
        self.curves: list[Curve] = []
        self.damaged: list[int] = []

    def group(self, code: str, match: re.Match[str], name: str) -> None:
        value = (match[name] or "").strip()
        if value:
            self._row(code, value, value, "", match.span(name))

    def cell(self, text: str, at: int, cell: Cell) -> None:
        end = at + cell.width
        if len(text) < end:
            return
        sent = text[at:end].strip()
        value = "" if cell.missing is not None and cell.missing.fullmatch(sent) else scaled(sent, cell.decimals)
        self._row(cell.code, value, sent, text[end : end + cell.flag], (at, end))

    def cells(self, text: str, base: int, cells: Cells) -> None:
        stop = base + cells.end if cells.end is not None else len(text)
        for at in range(base + cells.start, stop - cells.width + 1, cells.width):
            part = text[at : at + cells.width]
            code, value = _piece(part, cells.code), _piece(part, cells.value)
            if code:
                flag = _piece(part, cells.flag) if cells.flag else ""
                self._row(code, scaled(value, cells.places(code)), value, flag, (at, at + cells.width))

    def found(self, text: str, start: int, form: Found, *, repair: bool) -> bool:
        """NamedRows without a gap between them; False where the expression fits no more before the end."""
        for name in (*form.pattern.groupindex, *(("unit",) if form.units else ())):
            self.columns.setdefault(Path("", name=name), [])
        at = start
        while at < len(text):
            found = form.pattern.match(text, at)
            if found is not None and found.end() > at:
                at = found.end()
                self._found(found, form)
            elif not text[at:].strip():
                return True
            elif repair and form.by_line and (end := text.find("\n", at)) >= 0:
                self.damaged.append(at)
                at = end + 1
            else:
                return False
        return True

    def _found(self, found: re.Match[str], form: Found) -> None:
        image, curve = image_of(found), curve_of(found)
        self.images += [image] if image else []
        self.curves += [curve] if curve else []
        parts = {name: (part or "").strip() for name, part in found.groupdict().items()}
        if not parts.get("code"):
            return
        parts = {name: form.words.get(name, {}).get(part, part) for name, part in parts.items()}
        parts["verbatim"] = parts["value"]
        parts["unit"] = parts.get("unit") or form.unit(parts["code"], parts["value"])
        for path, column in self.columns.items():
            column.append(parts.get(path.name, ""))
        self.spans.append(found.span())

    def lists(self, text: str, form: Lists, fields: Mapping[str, str]) -> None:
        """A row for every place whose code is not blank, up to the number that the text itself says."""
        said = fields.get(form.used, "") if form.used else ""
        for name in form.parts:
            self.columns.setdefault(Path("", name=name), [])
        for number in range(min(form.count, int(said)) if said.isdecimal() else form.count):
            spans = {name: (at + number * width, at + (number + 1) * width) for name, (at, width) in form.parts.items()}
            parts = {name: text[begin:end].strip() for name, (begin, end) in spans.items()}
            if parts["code"]:
                parts["verbatim"] = parts["value"]
                for path, column in self.columns.items():
                    column.append(parts.get(path.name, ""))
                self.spans.append(spans["value"])

    def curve(self, text: str, form: Drawn, fields: Mapping[str, str]) -> bool:
        """The curve with its points numbered from 1; False where the text holds fewer points than it says, or no figures."""
        try:
            end = form.at + int(fields.get(form.count) or 0) * form.width
            places = range(form.at + form.figure[0], end, form.width)
            figures = [str(int(text[at : at + form.figure[1]], form.base)) for at in places]
        except ValueError:
            return False
        if figures:
            points = tuple((str(number), figure) for number, figure in enumerate(figures, 1))
            self.curves.append(Curve(form.code, form.x, form.y, points))
        return len(text) >= end

    def _row(self, code: str, value: str, verbatim: str, flag: str, span: tuple[int, int]) -> None:
        for path, part in zip(_PARTS, (code, value, verbatim, flag.strip()), strict=True):
            self.columns[path].append(part)
        self.spans.append(span)

    def reading(self, fields: dict[str, str], complete: bool) -> Reading:
        rows = NamedRows(self.columns, len(self.spans), self.spans, {VALUE: self.columns[VERBATIM]})
        return Reading(fields, rows, tuple(self.images), tuple(self.curves), tuple(self.damaged), complete)


def _piece(text: str, place: tuple[int, int]) -> str:
    at, width = place
    return text[at : at + width].strip()
