"""What a simulated analyzer can measure: the tests that its driver maps, with units that need no conversion, and plausible figures for them.

Figures are drawn around the catalogue's reference ranges with the catalogue's decimals. Texts are compared with what the LIS gets, so a test
whose unit would be converted on the way is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from lis_bridge.catalogue.manifest.driver import Manifest
from lis_bridge.catalogue.manifest.results import Table
from lis_bridge.catalogue.tests import Test, TestCatalogue
from lis_bridge.simulate.sample import Measured

MEASURED = ("numeric", "ratio")
_BELOW, _ABOVE = Decimal("0.15"), Decimal("0.25")
"""How far beyond the reference range a figure may lie, as a part of the range."""


@dataclass(frozen=True, slots=True)
class Item:
    """A test on the menu: the device's code and the unit as the wire spells it (empty where the wire has none)."""

    code: str
    test: Test
    unit: str


def menu(manifest: Manifest, table: Table, tests: TestCatalogue) -> tuple[Item, ...]:
    """Every measurable test once, by the first of its codes in the manifest."""
    found: dict[str, Item] = {}
    for code, name in manifest.codes.items():
        test = tests.test(name)
        if test is None or name in found or test.result_type not in MEASURED:
            continue
        unit = _unit(manifest, bool(table.unit), tests, code, test)
        if unit is not None:
            found[name] = Item(code, test, unit)
    return tuple(found.values())


def _unit(manifest: Manifest, on_wire: bool, tests: TestCatalogue, code: str, test: Test) -> str | None:
    """The unit's text for the wire, or None where the family's unit would be converted or held."""
    declared = manifest.units.get(code) or manifest.units.get(test.code)
    spellings = (test.ucum, declared) if on_wire else (declared,)
    for spelling in spellings:
        known = tests.unit(spelling or None, test)
        if known is not None and known.factor is None:
            return (spelling or "") if on_wire else ""
    return None


def measure(items: Iterable[Item], chance: Random, *, abnormal: dict[str, str]) -> tuple[Measured, ...]:
    """A figure for each item; ``abnormal`` are the family's flags with what they mean (``[abnormal_flags]``)."""
    flags = {meaning: flag for flag, meaning in reversed(abnormal.items())}
    return tuple(_measured(item, chance, flags) for item in items)


def _measured(item: Item, chance: Random, flags: dict[str, str]) -> Measured:
    low, high = _limits(item.test)
    number = figure(low, high, item.test.decimals, chance)
    meaning = "L" if low and number < Decimal(low) else "H" if high and number > Decimal(high) else "N"
    flag = flags.get(meaning, "")
    return Measured(
        item.code, str(number), unit=item.unit, low=low or "", high=high or "", flags=(flag,) if flag and meaning != "N" else ()
    )


def _limits(test: Test) -> tuple[str | None, str | None]:
    """The range for women where the catalogue tells the sexes apart; it is often the wider one at its lower end."""
    return test.low_f or test.low_m, test.high_f or test.high_m


def figure(low: str | None, high: str | None, decimals: int, chance: Random) -> Decimal:
    """A positive figure within or a little beyond a range, with so many decimals; some figure where there is no range."""
    step = Decimal(1).scaleb(-decimals)
    bottom = Decimal(low) if low else Decimal(0)
    top = Decimal(high) if high else max(bottom * 2, Decimal(100))
    span = top - bottom
    drawn = bottom - span * _BELOW + span * (1 + _BELOW + _ABOVE) * Decimal(str(chance.random()))
    return max(drawn, step).quantize(step, ROUND_HALF_UP)
