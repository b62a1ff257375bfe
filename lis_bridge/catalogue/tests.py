"""The laboratory's tests: what every device code is mapped to, and how a figure is written in the laboratory's unit.

The catalogue is a folder of tables: ``tests.tsv``, ``panels.tsv`` (English names of the panels), ``loinc_used.tsv`` (each LOINC code with
its display name, which the licence wants beside it), ``units.tsv`` and ``scales.tsv`` (see ``units.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from pathlib import Path

from lis_bridge.catalogue import tables
from lis_bridge.catalogue.units import Unit, Units
from lis_bridge.catalogue.values import number_of
from lis_bridge.core import resources
from lis_bridge.core.faults import ConfigError
from lis_bridge.core.results import Observation


@dataclass(frozen=True, slots=True)
class Test:
    """One test of the laboratory.

    ``ucum`` is empty for ordinal and text results, ``loinc``, ``long_name`` and ``property`` where LOINC has no certain term. Limits
    are texts in ``ucum``, for men (``_m``) and women (``_f``). ``molar_factor`` multiplies a figure in ``molar_from`` into ``ucum``.
    """

    code: str
    name_zh: str
    name_en: str
    class_: str
    panel: str
    panel_en: str
    specimen: str
    result_type: str
    loinc: str
    long_name: str
    property: str
    ucum: str
    decimals: int
    low_m: str | None = None
    high_m: str | None = None
    low_f: str | None = None
    high_f: str | None = None
    crit_low: str | None = None
    crit_high: str | None = None
    molar_factor: str | None = None
    molar_from: str | None = None


class TestCatalogue:
    """The tests by code, with the units that analyzers write."""

    def __init__(self, tests: Mapping[str, Test], units: Units) -> None:
        self._tests = dict(tests)
        self.units = units

    @classmethod
    def load(cls, path: Path | None = None) -> TestCatalogue:
        """The tables of a folder (None: the catalogue that comes with the bridge). Raises ConfigError naming the line."""
        folder = path or resources.catalogue()
        panels = {cells["panel"]: cells["panel_en"] for _, cells in tables.read(folder / "panels.tsv")}
        names = {cells["LOINC_NUM"]: cells["LONG_COMMON_NAME"] for _, cells in tables.read(folder / "loinc_used.tsv")}
        tests: dict[str, Test] = {}
        for where, cells in tables.read(folder / "tests.tsv"):
            test = _test(where, cells, panels, names)
            if test.code in tests:
                raise ConfigError(f"{test.code} stands twice", where=where, hint="Give every test a code of its own")
            tests[test.code] = test
        return cls(tests, Units.load(folder))

    @property
    def tests(self) -> tuple[Test, ...]:
        """All tests, in the catalogue's order."""
        return tuple(self._tests.values())

    def test(self, code: str) -> Test | None:
        """The test with this code."""
        return self._tests.get(code)

    def unit(self, spelling: str | None, test: Test) -> Unit | None:
        """What an analyzer's spelling means for ``test``; None where that is not certain, and the result must be held."""
        return self.units.unit(spelling, test)

    def find(self, text: str) -> tuple[Test, ...]:
        """Tests whose code, names, panel or LOINC code hold ``text`` in any case, the nearest codes first."""
        wanted = text.strip().casefold()
        ranked = [(rank, test) for test in self._tests.values() if (rank := _rank(test, wanted)) is not None]
        return tuple(test for _, test in sorted(ranked, key=lambda found: found[0]))


def _rank(test: Test, wanted: str) -> int | None:
    code = test.code.casefold()
    if wanted in (code, test.loinc):
        return 0
    if code.startswith(wanted):
        return 1
    places = (code, test.name_zh, test.name_en, test.panel, test.panel_en)
    return 2 if any(wanted in place.casefold() for place in places) else None


def _test(where: str, cells: dict[str, str], panels: Mapping[str, str], names: Mapping[str, str]) -> Test:
    loinc, panel = cells["loinc"], cells["panel"]
    if loinc and loinc not in names:
        raise ConfigError(f"LOINC {loinc} has no display name", where=where, hint="Add it to loinc_used.tsv, as the licence asks")
    if panel not in panels:
        raise ConfigError(f"panel {panel} has no English name", where=where, hint="Add it to panels.tsv")
    if not cells["decimals"].isdecimal():
        raise ConfigError(f"decimals {cells['decimals']!r}", where=where, hint="Write a whole number")
    return Test(
        code=cells["code"],
        name_zh=cells["name_zh"],
        name_en=cells["name_en"],
        class_=cells["class"],
        panel=panel,
        panel_en=panels[panel],
        specimen=cells["specimen"],
        result_type=cells["result_type"],
        loinc=loinc,
        long_name=names[loinc] if loinc else "",
        property=cells["property"],
        ucum=cells["ucum"],
        decimals=int(cells["decimals"]),
        low_m=cells["low_m"] or None,
        high_m=cells["high_m"] or None,
        low_f=cells["low_f"] or None,
        high_f=cells["high_f"] or None,
        crit_low=cells["crit_low"] or None,
        crit_high=cells["crit_high"] or None,
        molar_factor=cells["molar_factor"] or None,
        molar_from=cells["molar_from_unit"] or None,
    )


def reported(observation: Observation, test: Test) -> tuple[str, str | None, str | None, str | None]:
    """Value, UCUM unit and range as the laboratory reports them.

    Where the unit was converted: number times factor, rounded half-up to the test's decimals, the range alike, the comparator kept; a limit
    that is no number is left out. Otherwise everything as sent, in the catalogue's unit. A unit that the catalogue does not know stays the device's own.
    """
    text = observation.value or ""
    if observation.ucum is None:
        return text, observation.unit, observation.low, observation.high
    factor = observation.factor
    unit = test.ucum or None
    if factor is None or factor == "1":
        return text, unit, observation.low, observation.high
    if observation.number is not None:
        text = _converted_value(observation, factor, test.decimals)
    low, high = (_converted_limit(limit, factor, test.decimals) for limit in (observation.low, observation.high))
    return text, unit, low, high


def _converted_value(observation: Observation, factor: str, decimals: int) -> str:
    """``< 0.004`` must not become ``< 0``, which no result can be: a bound that rounds to nothing keeps its exact figure."""
    product = _product(observation.number or Decimal(0), factor)
    rounded = _rounded(product, decimals)
    if observation.comparator and product and not rounded:
        rounded = product
    return observation.comparator + format(rounded, "f")


def _converted_limit(limit: str | None, factor: str, decimals: int) -> str | None:
    number, comparator = number_of(limit)
    return None if number is None else comparator + format(_rounded(_product(number, factor), decimals), "f")


def _product(number: Decimal, factor: str) -> Decimal:
    return _exact(number).multiply(number, Decimal(factor))


def _rounded(number: Decimal, decimals: int) -> Decimal:
    """Half-up, and never a negative nought."""
    rounded = number.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP, _exact(number))
    return rounded or abs(rounded)


def _exact(number: Decimal) -> Context:
    """Room for every digit of ``number`` and of a factor, so that rounding happens once, at the catalogue's decimals."""
    return Context(prec=len(number.as_tuple().digits) + abs(number.adjusted()) + 40)
