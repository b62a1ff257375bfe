"""Texts at places: the writing side of ``dialects.paths``.

A sheet holds what stands at the paths of one message; ``line`` turns one record of it into the wire's text. Texts are escaped with the
grammar's own sequences; ``mark`` puts structure (``ORU^R01``, a mark that a kind rule asks for) as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from lis_bridge.catalogue.manifest.moments import MomentSpec
from lis_bridge.core.faults import DriverError
from lis_bridge.dialects.grammar import Grammar
from lis_bridge.dialects.paths import Path, parse

Part = tuple[int, int]


class Sheet:
    """The records of one message under construction, in the order in which they were first written."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self._escapes = _escapes(grammar)
        self._records: dict[str, dict[int, dict[Part, str]]] = {}

    def put(self, path: Path, text: str) -> None:
        """Writes a text at a place; an empty one leaves the place as it is."""
        if text:
            self.mark(path, text.translate(self._escapes))

    def mark(self, path: Path, text: str) -> None:
        """Writes structure, unescaped."""
        fields = self._records.setdefault(path.record, {})
        fields.setdefault(path.field, {})[(path.component or 1, path.sub or 1)] = text

    def at(self, path: Path) -> str:
        """What was written at a place."""
        return self._records.get(path.record, {}).get(path.field, {}).get((path.component or 1, path.sub or 1), "")

    def records(self) -> tuple[str, ...]:
        """The names of the records that hold something."""
        return tuple(self._records)

    def line(self, record: str, *, over: Sheet | None = None) -> str:
        """One record as text; ``over`` lies on top of this sheet's own fields."""
        fields = dict(self._records.get(record, {}))
        for number, parts in (over._records.get(record, {}) if over is not None else {}).items():
            fields[number] = {**fields.get(number, {}), **parts}
        places = {self.grammar.place(Path(record, number)): self._field(parts) for number, parts in fields.items()}
        return self.grammar.field.join((record, *(places.get(at, "") for at in range(1, max(places, default=0) + 1))))

    def _field(self, parts: dict[Part, str]) -> str:
        components = []
        for number in range(1, max(component for component, _ in parts) + 1):
            subs = {sub: text for (component, sub), text in parts.items() if component == number}
            components.append(self.grammar.sub.join(subs.get(sub, "") for sub in range(1, max(subs, default=0) + 1)))
        return self.grammar.component.join(components)


def _escapes(grammar: Grammar) -> dict[int, str]:
    """Characters that a text may not hold, with the sequence that stands for each."""
    found: dict[int, str] = {}
    for sequence, meaning in grammar.unescapes:
        if meaning:
            found.setdefault(ord(meaning), sequence)
    return found


def exemplar(pattern: str, preferred: str = "") -> str:
    """A text that a kind rule's regular expression matches in full: ``preferred`` if it does. Raises DriverError for an expression that is too clever."""
    literal = pattern.split("|")[0].replace(".*", "").replace(".+", "X")
    literal = re.sub(r"\[(.)[^]]*\]", r"\1", literal).replace("?", "")
    literal = re.sub(r"\\(.)", r"\1", literal)
    for text in (preferred or literal, literal, ""):
        if re.fullmatch(pattern, text):
            return text
    raise DriverError(f"no text can be made for {pattern!r}", hint="Simulating needs kind rules of plain words")


def moment_texts(specs: Iterable[str | MomentSpec], at: datetime, *, day_only: bool = False) -> list[tuple[Path, str]]:
    """The first of a manifest's moments with its texts by place; ``day_only`` leaves the time of a single free-form field out."""
    for spec in specs:
        if isinstance(spec, str):
            return [(parse(spec), at.strftime("%Y%m%d%H%M%S"))]
        day = "-".join(str({"y": at.year, "m": at.month, "d": at.day}[letter]) for letter in spec.order)
        time = at.strftime("%H:%M:%S")
        if spec.time is not None:
            return [(parse(spec.date), day), (parse(spec.time), time)]
        return [(parse(spec.date), day if day_only else f"{day} {time}")]
    return []
