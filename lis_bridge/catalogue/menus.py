"""What a table's rows say besides their values: codes, units, ranges, statuses. It repeats from tube to tube and is found whole.

A menu is kept by the texts that it was read from; values, flags and times are never part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import chain, repeat
from typing import Any, NamedTuple

from lis_bridge.catalogue import readers
from lis_bridge.catalogue import values as numeric
from lis_bridge.catalogue.codes import CodeBook, Memo
from lis_bridge.catalogue.heads import Texts
from lis_bridge.catalogue.manifest.results import Table
from lis_bridge.catalogue.sources import Source, Sources, column, first_of
from lis_bridge.core.results import of_material
from lis_bridge.dialects.records import Rows

MENUS = 256
LONGEST = 200_000
"""Bounds on what is remembered (menus, characters of one): hostile input must not grow memory."""

SIGNALS = frozenset({"P", "G"})
"""Raw signals and graphics settings: kept as information, never results."""


class Menu(NamedTuple):
    """Columns of one length. ``unit_problems`` count only where the value is a number, and are empty where there are none;
    ``ignored`` rows are no results by the manifest; ``superseded`` ones are replaced by a later row of the message; ``materials`` are the unusual.
    """

    codes: Sequence[str]
    names: Sequence[str | None]
    tests: Sequence[str | None]
    units: Sequence[str | None]
    ucums: Sequence[str | None]
    factors: Sequence[str | None]
    problems: Sequence[str | None]
    unit_problems: Sequence[str | None]
    ignored: Sequence[bool]
    lows: Sequence[str | None]
    highs: Sequence[str | None]
    statuses: Sequence[str | None]
    reruns: Sequence[bool | None]
    aspects: Sequence[str]
    occurrences: Sequence[int]
    superseded: Sequence[bool]
    doubted: Sequence[bool]
    materials: Sequence[str]


class Menus:
    """The menus of one table of a driver."""

    def __init__(
        self, table: Table, codes: CodeBook, sources: Sources, *, last_wins: bool, doubted: Collection[str] = ()
    ) -> None:
        self._codes = codes
        self._last_wins = last_wins
        self.code, self._name, self._unit = map(sources.all, (table.code, table.name, table.unit))
        self._range, self._low, self._high = map(sources.all, (table.range, table.low, table.high))
        self._status = sources.all(table.status)
        self._doubted = frozenset(doubted if table.doubted is None else table.doubted)
        self._rerun = sources.all([table.rerun.path] if table.rerun else [])
        self._aspect = sources.all([table.aspect] if table.aspect else [])
        self._material = sources.all([table.material.path] if table.material else [])
        self._usual = frozenset(table.material.usual if table.material else ())
        self._code_of = readers.code(table.code_pattern) if table.code_pattern else None
        self._rerun_of = Memo(readers.rerun(table.rerun) if table.rerun else bool)
        self._aspect_of = Memo(readers.aspect(table.aspect_pattern, table.aspects))
        self._limits = Memo(numeric.limits_of)
        self._kept: dict[str, Menu] = {}
        own = chain(
            self.code, self._name, self._unit, self._range, self._low, self._high, self._status, self._rerun, self._aspect, self._material
        )  # fmt: skip
        every, parts = tuple(dict.fromkeys(own)), sources.selection.parts
        self.fields = sources.fields_of(every)
        self._columns = tuple(one for one in every if one.number >= 0)
        self._beside = tuple(one for one in self._columns if one.number not in parts and one.number not in self.fields)
        self._above = tuple(one.above for one in every if one.number < 0)

    def of(self, rows: Rows, texts: Texts) -> Menu:
        """The menu of some rows, whose columns are only cut for a new one; ``texts`` stand above them.

        Only menus without a line end inside a text are kept: no other menu of their length has the same joined text.
        """
        if rows.grammar is not None:
            fields, marks = rows.fields, rows.grammar.marks
            columns = [*[fields[number] for number in self.fields], *[column(one, rows, texts) for one in self._beside]]
        else:
            columns, marks = [column(one, rows, texts) for one in self._columns], ""
        above = [texts[number] for number in self._above]
        key = "\r".join((marks, *above, *map("\n".join, columns)))
        found = self._kept.get(key)
        if found is not None and len(found.codes) == rows.size:
            return found
        found = self._read(rows, texts)
        if (
            key.count("\n") == (rows.size - 1) * len(columns)
            and key.count("\r") == len(above) + len(columns)
            and len(key) <= LONGEST
        ):
            if len(self._kept) >= MENUS:
                self._kept.clear()
            self._kept[key] = found
        return found

    def _read(self, rows: Rows, texts: Texts) -> Menu:
        def first(choice: Sequence[Source]) -> list[str]:
            return first_of(choice, rows, texts)

        size = rows.size
        codes, names = first(self.code), first(self._name)
        if self._code_of is not None:
            codes = [self._code_of(code) for code in codes]
        materials = ["" if (text := sent.strip()) in self._usual else text for sent in first(self._material)]
        asked = [list(map(of_material, one, materials)) if any(materials) else one for one in (codes, names)]
        mapped = [self._codes.mapped(*key) for key in zip(*asked, first(self._unit), strict=True)]
        aspects = [self._aspect_of[text] for text in first(self._aspect)] if self._aspect else [""] * size
        results = [one._replace(test=None, problem=None, unit_problem=None) if aspect in SIGNALS else one
                   for one, aspect in zip(mapped, aspects, strict=True)]  # fmt: skip
        tests, units, ucums, factors, problems, unit_problems = zip(*results, strict=True)
        lows, highs = self._ranges(first)
        statuses = first(self._status)
        occurrences, superseded = self._repeats(list(zip(codes, aspects, strict=True)))
        return Menu(
            codes=codes,
            names=names if self._name else [None] * size,
            tests=tests,
            units=units,
            ucums=ucums,
            factors=factors,
            problems=problems,
            unit_problems=unit_problems if any(unit_problems) else (),
            ignored=[
                one.test is None and one.problem is None and not self._codes.is_dismissed(code)
                for one, code in zip(mapped, asked[0], strict=True)
            ],
            lows=lows,
            highs=highs,
            statuses=[text or None for text in statuses],
            reruns=[self._rerun_of[text] for text in first(self._rerun)] if self._rerun else [None] * size,
            aspects=aspects,
            occurrences=occurrences,
            superseded=superseded,
            doubted=[text in self._doubted for text in statuses],
            materials=materials,
        )

    def _ranges(self, first: Callable[[Sequence[Source]], list[str]]) -> tuple[Sequence[Any], Sequence[Any]]:
        if self._range:
            lows, highs = zip(*(self._limits[text] for text in first(self._range)), strict=True)
            return lows, highs
        return tuple([text.strip() or None for text in first(choice)] for choice in (self._low, self._high))  # type: ignore[return-value]

    def _repeats(self, keys: Sequence[tuple[str, str]]) -> tuple[Sequence[int], Sequence[bool]]:
        """Ordinals among rows of the same code and aspect, and which rows a later one of the message replaces."""
        seen: dict[tuple[str, str], int] = {}
        ordinals = []
        for key in keys:
            ordinals.append(seen.get(key, 0))
            seen[key] = ordinals[-1] + 1
        last = repeat(True) if self._last_wins else repeat(False)
        return ordinals, [wins and ordinal < seen[key] - 1 for ordinal, key, wins in zip(ordinals, keys, last, strict=False)]
