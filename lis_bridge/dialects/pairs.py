"""Name:value lines, the dialect of hemorheology and ESR analyzers.

The names are the only key: users reorder, remove and add fields. What a driver does not name as header or information is a result when it
reads as a number. A field may hold points, ``(rate,value)(rate,value);(curve…)``: every reported point is a result of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lis_bridge.core.results import Curve
from lis_bridge.dialects.paths import Path
from lis_bridge.dialects.records import Columns, NamedRows, Places
from lis_bridge.dialects.sections import lines_of

CODE, VALUE, VERBATIM = Path("", name="code"), Path("", name="value"), Path("", name="verbatim")
UNIT, LOW, HIGH, FLAG = Path("", name="unit"), Path("", name="low"), Path("", name="high"), Path("", name="flag")
_PARTS = (CODE, VALUE, VERBATIM, UNIT, LOW, HIGH, FLAG)
_NUMBER = re.compile(r"[<>≤≥]?\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)")
_COMMA_NUMBER = re.compile(r"[<>≤≥]?\s*[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)")
_POINT = re.compile(r"\(([^(),;]*),([^(),;]*)\)")


@dataclass(frozen=True, slots=True)
class Points:
    """How a field of points is read: the code of a reported point, the axes, and the value that means "aborted"."""

    code: str
    x: str
    y: str
    missing: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Form:
    """What a driver says of its name:value text."""

    separator: str
    last: bool
    headers: frozenset[str]
    value: re.Pattern[str] | None
    points: Mapping[str, Points]
    numeric_only: bool
    comma: bool = False


@dataclass(slots=True)
class Reading:
    """One record: its header fields by name, its result rows, its curves."""

    fields: dict[str, str]
    rows: NamedRows
    curves: tuple[Curve, ...]
    closed: bool = True

    def lookup(self, path: Path) -> str:
        return self.fields.get(path.name, "")

    def texts(self, places: Places) -> list[str]:
        """What ``lookup`` gives for each of the places, without the blanks around it."""
        return places.looked_up(self.lookup)


def read(text: str, raw: bytes, form: Form, *, complete: bool = True) -> Reading:
    """The fields and result rows of one record of ``name<separator>value`` lines."""
    lines, spans = lines_of(text, raw, complete=complete)
    fields: dict[str, str] = {}
    collector = _Collector(form)
    for line, span in zip(lines, spans, strict=True):
        name, value = _cut(line, form)
        if name in form.headers:
            fields.setdefault(name, value)
        elif name in form.points:
            collector.points(name, value, form.points[name], span)
        elif name and value:
            collector.pair(name, value, span)
    return Reading(fields, collector.rows(), tuple(collector.curves), closed=complete)


def _cut(line: str, form: Form) -> tuple[str, str]:
    name, found, value = line.partition(form.separator)
    if form.last and name.strip() not in form.headers:
        name, found, value = line.rpartition(form.separator)
    return (name.strip(), value.strip()) if found else ("", "")


class _Collector:
    """Gathers result rows column by column."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.columns: Columns = {path: [] for path in _PARTS}
        self.spans: list[tuple[int, int]] = []
        self.curves: list[Curve] = []

    def pair(self, name: str, text: str, span: tuple[int, int]) -> None:
        if self.form.value is None:
            if self.form.numeric_only and not (_COMMA_NUMBER if self.form.comma else _NUMBER).fullmatch(text):
                return
            self._row(span, code=name, value=text, verbatim=text)
            return
        found = self.form.value.fullmatch(text)
        if found is not None:
            parts = {key: (part or "").strip() for key, part in found.groupdict().items()}
            self._row(span, code=name, verbatim=text, **parts)

    def points(self, name: str, text: str, points: Points, span: tuple[int, int]) -> None:
        reported, _, curve = text.partition(";")
        for x, y in _POINT.findall(reported):
            value = "" if points.missing is not None and points.missing.fullmatch(y) else y
            if y:
                self._row(span, code=points.code.format(name=name, x=x), value=value, verbatim=y)
        drawn = tuple(_POINT.findall(curve))
        if drawn:
            self.curves.append(Curve(name, points.x, points.y, drawn))

    def _row(self, span: tuple[int, int], **parts: str) -> None:
        for path in _PARTS:
            self.columns[path].append(parts.get(path.name, ""))
        self.spans.append(span)

    def rows(self) -> NamedRows:
        return NamedRows(self.columns, len(self.spans), self.spans, {VALUE: self.columns[VERBATIM]})
