"""The records of HL7 v2 and LIS2-A2 messages as columns: every text that ever stood at a place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from lis_bridge.dialects import hl7v2, lis2a2
from lis_bridge.dialects.grammar import Grammar
from lis_bridge.dialects.paths import Path

_LINE = re.compile(r"[^\r\n]+")


@dataclass(frozen=True, slots=True)
class Record:
    """One record; ``fields[n]`` is field n of the standard's count."""

    kind: str
    fields: tuple[str, ...]
    grammar: Grammar

    def at(self, path: Path) -> str:
        """The text at a place, of a field's first repeat; blanks around it aside."""
        if path.field >= len(self.fields):
            return ""
        text = self.fields[path.field]
        if path.component:
            parts = text.split(self.grammar.repeat)[0].split(self.grammar.component)
            text = parts[path.component - 1] if path.component <= len(parts) else ""
        return text.strip()

    def width(self, field: int) -> int:
        """How many components the field has."""
        return (
            self.fields[field].split(self.grammar.repeat)[0].count(self.grammar.component) + 1 if field < len(self.fields) else 0
        )


@dataclass(frozen=True, slots=True)
class Order:
    """One order with the records above it and its results."""

    above: dict[str, Record]
    results: tuple[Record, ...]

    def at(self, path: Path) -> str:
        record = self.above.get(path.record)
        return record.at(path) if record is not None else ""


@dataclass(frozen=True)
class Talk:
    """All messages of the captures, record by record."""

    kind: Literal["hl7", "lis2"]
    messages: tuple[tuple[Record, ...], ...]

    @cached_property
    def records(self) -> tuple[Record, ...]:
        return tuple(record for message in self.messages for record in message)

    @cached_property
    def results(self) -> tuple[Record, ...]:
        return self.of(RESULT[self.kind])

    def of(self, kind: str) -> tuple[Record, ...]:
        return tuple(record for record in self.records if record.kind == kind)

    def column(self, path: Path) -> list[str]:
        """The texts at a place of every record that has it."""
        return [record.at(path) for record in self.of(path.record)]

    def parts(self, kind: str, field: int) -> list[Path]:
        """The places inside a field: its components, or itself where it never has more than one."""
        widest = max((record.width(field) for record in self.of(kind)), default=0)
        return [Path(kind, field)] if widest < 2 else [Path(kind, field, number) for number in range(1, widest + 1)]

    @cached_property
    def orders(self) -> tuple[Order, ...]:
        """Every order that has results."""
        return tuple(order for message in self.messages for order in _orders(message, self.kind) if order.results)


RESULT = {"hl7": "OBX", "lis2": "R"}
ORDER = {"hl7": "OBR", "lis2": "O"}
_OPENS = frozenset({"PID", "P", "OBR", "O"})


def talk_of(kind: Literal["hl7", "lis2"], texts: Sequence[str]) -> Talk:
    """The records of messages whose grammar was recognised."""
    return Talk(kind, tuple(tuple(_records(text.lstrip(), kind)) for text in texts))


def _records(text: str, kind: str) -> Iterator[Record]:
    grammar = hl7v2.grammar_of(text) if kind == "hl7" else lis2a2.grammar_of(text)
    if grammar is None:
        return
    for line in _LINE.findall(text):
        fields = line.split(grammar.field)
        name = fields[0].strip().upper()
        # MSH-1 is the separator itself; LIS2-A2 counts the record letter as field 1.
        shifted = (name, grammar.field, *fields[1:]) if name == "MSH" else tuple(fields) if kind == "hl7" else ("", *fields)
        yield Record(name, shifted, grammar)


def _orders(message: Sequence[Record], kind: str) -> Iterator[Order]:
    above: dict[str, Record] = {}
    results: list[Record] = []
    for record in message:
        if record.kind in _OPENS and results:
            yield Order(dict(above), tuple(results))
            results = []
        if record.kind == RESULT[kind]:
            results.append(record)
        else:
            above[record.kind] = record
    yield Order(dict(above), tuple(results))
