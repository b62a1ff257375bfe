"""Device codes and units to the laboratory's catalogue: the part of a plan that is looked up, never computed twice.

The answer for a (code, name, unit) is kept: an analyzer repeats the same few hundred for every tube. Values are never kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core.holds import Reason

KEPT = 20_000
LONGEST = 1000
"""Bounds on what is remembered (answers, characters of one text): hostile input must not grow memory."""


class Mapped(NamedTuple):
    """What a (code, name, unit) means. ``unit_problem`` counts only where the value is a number."""

    test: str | None
    unit: str | None
    ucum: str | None
    factor: str | None
    problem: str | None
    unit_problem: str | None


class CodeBook:
    """A driver's codes, units and ignored rows over the laboratory's catalogue."""

    def __init__(
        self,
        codes: Mapping[str, str],
        units: Mapping[str, str],
        ignored: frozenset[str],
        ignored_patterns: tuple[re.Pattern[str], ...],
        tests: TestCatalogue,
        *,
        by_name: bool,
        dismissed: frozenset[str] = frozenset(),
    ) -> None:
        self._codes = codes
        self._units = units
        self._ignored = ignored
        self._ignored_patterns = ignored_patterns
        self._tests = tests
        self._by_name = by_name
        self._dismissed = dismissed
        self._kept: dict[tuple[str, str, str], Mapped] = {}

    def mapped(self, code: str, name: str, unit: str) -> Mapped:
        """What a row's texts mean."""
        key = (code, name, unit)
        found = self._kept.get(key)
        if found is None:
            found = self._map(*key)
            if sum(map(len, key)) <= LONGEST:
                if len(self._kept) >= KEPT:
                    self._kept.clear()
                self._kept[key] = found
        return found

    def _map(self, code: str, name: str, unit: str) -> Mapped:
        unit = unit.strip()
        sent = unit or None
        test = self._codes.get(code)
        if test is None and self._by_name:
            test = self._codes.get(name)
        if test is None:
            ignored = self.is_ignored(code) or self.is_dismissed(code)
            return Mapped(None, sent, None, None, None if ignored else Reason.UNKNOWN_CODE.value, None)
        known = self._tests.test(test)
        if known is None:
            return Mapped(None, sent, None, None, Reason.UNKNOWN_CODE.value, None)
        spelling = self._spelling(sent) or self._units.get(code) or self._units.get(test)
        found = self._tests.unit(spelling, known)
        if found is None:
            return Mapped(test, sent, None, None, None, Reason.UNKNOWN_UNIT.value)
        return Mapped(test, sent, found.ucum, found.factor, None, None)

    def _spelling(self, sent: str | None) -> str | None:
        """What the wire's unit means where ``[units]`` explains it (``"unit 15"``); the empty text: nothing."""
        return self._units.get(f"unit {sent}", sent) if sent else None

    def is_ignored(self, code: str) -> bool:
        """True for a code that the manifest declares to be no result."""
        return code in self._ignored or any(pattern.fullmatch(code) for pattern in self._ignored_patterns)

    def is_dismissed(self, code: str) -> bool:
        """True for a code whose results the site knowingly does not report; its values are read as results are."""
        return code in self._dismissed


class Memo(dict[str, Any]):
    """A bounded cache from raw text to what it means."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, text: str) -> Any:
        made = self._make(text)
        if len(text) <= LONGEST:
            if len(self) >= KEPT:
                self.clear()
            self[text] = made
        return made

    def of(self, column: Sequence[str]) -> tuple[Any, ...]:
        """What every text of a column means."""
        return itemgetter(*column)(self) if len(column) > 1 else tuple([self[text] for text in column])
