"""Units by (spelling, test), case-sensitively: what an analyzer writes, and by which exact factor it becomes the laboratory's unit.

``units.tsv`` has a row for every meaning of a spelling. ``canonical`` and ``factor`` say how much one of it is; ``scales.tsv`` ties
canonical units of one dimension together by powers of ten. What the kind of a row allows:

===================== ================================================================================
respell, pure         any test whose unit has the same dimension; mass to amount by the test's own molar factor
pure-rounded          the same, with a factor that is not an exact decimal in nature (kPa to mm[Hg])
context, trap         only tests measured in exactly the canonical unit, and only those in ``tests`` where it names some
analyte-dependent     only the tests in ``tests``, by the row's own factor
kit-dependent         nothing: the unit stays unknown and the result is held
empty                 only tests without a dimension
===================== ================================================================================

Rounding is nobody's business here: a factor is either an exact decimal or there is none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from lis_bridge.catalogue import tables
from lis_bridge.core.faults import ConfigError

DIMENSIONLESS = frozenset({"", "1", "{ratio}", "{index}", "{INR}", "{titer}", "[pH]"})
"""Units that analyzers rightly leave out. Cut-off ratios are not among them: without a unit they may be PEIU/mL as well."""
_EXACT = Context(prec=40, traps=[Inexact])


@dataclass(frozen=True, slots=True)
class Unit:
    """What a device's figure is in (UCUM), and the exact decimal that multiplies it into the test's unit; None: it is in that unit."""

    ucum: str
    factor: str | None = None


class Measured(Protocol):
    """What is asked of a test: its own unit, and how a mass becomes an amount of it."""

    @property
    def code(self) -> str: ...
    @property
    def ucum(self) -> str: ...
    @property
    def molar_factor(self) -> str | None: ...
    @property
    def molar_from(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Row:
    """One meaning of a spelling."""

    ucum: str
    canonical: str
    factor: Fraction | None
    kind: str
    tests: frozenset[str]


class Units:
    """The tables of spellings and scales."""

    def __init__(self, rows: dict[str, list[Row]], scales: dict[str, tuple[str, Fraction]]) -> None:
        self._rows = rows
        self._scales = scales
        self._sizes = {
            row.ucum: self._size(row) for found in rows.values() for row in found if row.kind in _PLAIN and row.factor is not None
        }

    @classmethod
    def load(cls, folder: Path) -> Units:
        """``units.tsv`` and ``scales.tsv`` of a folder. Raises ConfigError naming the line."""
        rows: dict[str, list[Row]] = {}
        for where, cells in tables.read(folder / "units.tsv"):
            if cells["kind"] not in _KINDS:
                raise ConfigError(f"unknown kind {cells['kind']!r}", where=where, hint=f"Write one of {', '.join(_KINDS)}")
            factor = _fraction(cells["factor"], where) if cells["factor"] else None
            row = Row(cells["ucum"], cells["canonical"], factor, cells["kind"], frozenset(cells["tests"].split()))
            rows.setdefault(cells["spelling"], []).append(row)
        scales = {
            cells["canonical"]: (cells["base"], _fraction(cells["factor"], where))
            for where, cells in tables.read(folder / "scales.tsv")
        }
        return cls(rows, scales)

    @property
    def spellings(self) -> tuple[str, ...]:
        """Every known spelling."""
        return tuple(self._rows)

    def unit(self, spelling: str | None, test: Measured) -> Unit | None:
        """What ``spelling`` means for ``test``; None where it means nothing that is certain."""
        if spelling and spelling == test.ucum:
            return Unit(test.ucum)
        return next((unit for row in self.meanings(spelling or "") if (unit := self.applied(row, test)) is not None), None)

    def meanings(self, spelling: str) -> tuple[Row, ...]:
        """The rows of a spelling; at most one of them applies to a test."""
        return tuple(self._rows.get(spelling, ()))

    def applied(self, row: Row, test: Measured) -> Unit | None:
        """What one meaning makes of a test's figures."""
        factor = _KINDS[row.kind](self, row, test)
        if factor is None:
            return None
        if row.kind == "empty" or (factor == 1 and row.ucum == test.ucum):
            return Unit(test.ucum)
        text = _decimal_text(factor)
        return None if text is None else Unit(row.ucum, text)

    def base(self, ucum: str) -> str:
        """The unit that stands for the dimension of ``ucum``."""
        return self._sizes[ucum][0] if ucum in self._sizes else self._scales.get(ucum, (ucum, Fraction(1)))[0]

    def _size(self, row: Row) -> tuple[str, Fraction]:
        base, scale = self._scales.get(row.canonical, (row.canonical, Fraction(1)))
        return base, scale * (row.factor or 1)

    def _plain(self, row: Row, test: Measured) -> Fraction | None:
        base, size = self._size(row)
        own = self._sizes.get(test.ucum)
        if own is not None and own[0] == base:
            return size / own[1]
        return self._molar(base, size, test)

    def _molar(self, base: str, size: Fraction, test: Measured) -> Fraction | None:
        """By the test's molar factor, from any unit of the dimension that the factor starts from."""
        if test.molar_factor is None or test.molar_from is None:
            return None
        for row in self._rows.get(test.molar_from, ()):
            start, unit = self._size(row)
            if row.kind in _PLAIN and start == base:
                return size / unit * Fraction(test.molar_factor)
        return None

    def _context(self, row: Row, test: Measured) -> Fraction | None:
        named = not row.tests or test.code in row.tests
        return row.factor if named and test.ucum == row.canonical else None

    def _analyte(self, row: Row, test: Measured) -> Fraction | None:
        return row.factor if test.code in row.tests else None

    def _kit(self, row: Row, test: Measured) -> Fraction | None:
        return None

    def _empty(self, row: Row, test: Measured) -> Fraction | None:
        return Fraction(1) if test.ucum in DIMENSIONLESS else None


_KINDS: dict[str, Callable[[Units, Row, Measured], Fraction | None]] = {
    "respell": Units._plain,
    "pure": Units._plain,
    "pure-rounded": Units._plain,
    "context": Units._context,
    "trap": Units._context,
    "analyte-dependent": Units._analyte,
    "kit-dependent": Units._kit,
    "empty": Units._empty,
}
_PLAIN = frozenset(kind for kind, rule in _KINDS.items() if rule is Units._plain)


def _fraction(text: str, where: str) -> Fraction:
    try:
        return Fraction(Decimal(text))
    except (ArithmeticError, ValueError) as error:
        raise ConfigError(f"{text!r} is no decimal", where=where, hint="Write the factor as a plain decimal") from error


def _decimal_text(factor: Fraction) -> str | None:
    """The factor as a plain decimal, or None where it has no end."""
    try:
        exact = _EXACT.divide(Decimal(factor.numerator), Decimal(factor.denominator))
    except Inexact:
        return None
    return format(exact.normalize(), "f")
