"""Derived hemorheology values, only where the analyzer sent none, by formulas that carry a name.

The same Chinese name stands for different definitions on different analyzers, so a formula belongs to a variant with its shear rates
(``hemorheology.tsv``) and every value says by which one it was made: ``zonci-zl reduced viscosity low: (ηb(1)−ηp)/H``.
ηb(x) is the whole-blood viscosity at x 1/s and ηp that of plasma, both in mPa.s; H is the haematocrit as a fraction; ESR is in mm/h.

Nothing is derived from figures that cannot be: a haematocrit outside 5-80 % (a fraction taken for per cent, or a failed run), plasma as thick
as blood, viscosity that rises with shear. Counts, haemoglobin, fibrinogen and inner viscosity are never derived: the known formulas for them are
guesses from haematocrit and plasma viscosity.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from itertools import pairwise
from pathlib import Path

from lis_bridge.catalogue import tables
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core import resources
from lis_bridge.core.faults import ConfigError
from lis_bridge.core.results import Observation

NEVER = frozenset({"RBC", "HGB", "FIB", "dFIB", "IEV"})
HAEMATOCRIT, PLASMA = "HCT-R", "PV"
BLOOD = re.compile(r"WBV(\d+)")
HAEMATOCRIT_PERCENT = (Decimal(5), Decimal(80))
FIGURES = (Decimal("0.001"), Decimal(10_000))
"""Viscosities, haematocrit and ESR that an analyzer can mean at all."""
_CONTEXT = Context(prec=28)
_TK_EXPONENT = Decimal("0.4")

Values = Sequence[Decimal]


@dataclass(frozen=True, slots=True)
class Formula:
    """One formula of a variant; ``inputs`` are catalogue codes, ``title`` is what a derived value is marked with."""

    test: str
    title: str
    compute: Callable[[Values, Values], Decimal | None]
    inputs: tuple[str, ...]
    constants: tuple[Decimal, ...]


class Formulas:
    """The variants by name."""

    def __init__(self, variants: Mapping[str, tuple[Formula, ...]]) -> None:
        self._variants = dict(variants)

    @classmethod
    def load(cls, path: Path | None = None) -> Formulas:
        """``hemorheology.tsv`` of a catalogue folder (None: the bridge's own). Raises ConfigError naming the line."""
        variants: dict[str, tuple[Formula, ...]] = {}
        for where, cells in tables.read((path or resources.catalogue()) / "hemorheology.tsv"):
            name = cells["variant"]
            variants[name] = (*variants.get(name, ()), _formula(where, cells))
        return cls(variants)

    @property
    def variants(self) -> tuple[str, ...]:
        """The names that a manifest's ``derive`` may say."""
        return tuple(self._variants)

    def of(self, variant: str) -> tuple[Formula, ...]:
        """The formulas of a variant, in the table's order; KeyError for a name that is not in ``variants``."""
        return self._variants[variant]

    def derive(self, observations: Sequence[Observation], variant: str, tests: TestCatalogue) -> tuple[Observation, ...]:
        """What can be derived for one specimen beside ``observations``; values are texts with the tests' decimals, in the tests' units."""
        present = {observation.test for observation in observations}
        given = _plausible(_given(observations))
        found = (
            _derived(formula, given, tests)
            for formula in self._variants[variant]
            if formula.test not in present and all(code in given for code in formula.inputs)
        )
        return tuple(observation for observation in found if observation is not None)


@dataclass(frozen=True, slots=True)
class _Input:
    number: Decimal
    source: Observation


def _given(observations: Iterable[Observation]) -> dict[str, _Input]:
    """Figures in the catalogue's units by test; a test that was measured twice with different figures gives none."""
    found: dict[str, _Input] = {}
    doubtful = set()
    for observation in observations:
        test = observation.test
        if test is None or not _usable(observation) or observation.number is None:
            continue
        number = _CONTEXT.multiply(observation.number, Decimal(observation.factor or 1))
        if test in found and found[test].number != number:
            doubtful.add(test)
        found[test] = _Input(number, observation)
    return {test: given for test, given in found.items() if test not in doubtful}


def _usable(observation: Observation) -> bool:
    return not (
        observation.superseded
        or observation.problem
        or observation.comparator
        or observation.aspect
        or observation.derived
        or observation.doubted
    )


def _plausible(given: dict[str, _Input]) -> dict[str, _Input]:
    """The figures without those that cannot be; the haematocrit as a fraction."""
    kept = {test: found for test, found in given.items() if FIGURES[0] <= found.number <= FIGURES[1]}
    bloods = sorted((int(rate[1]), found.number) for test, found in kept.items() if (rate := BLOOD.fullmatch(test)))
    if any(thinner >= thicker for (_, thicker), (_, thinner) in pairwise(bloods)):
        return {}
    if PLASMA in kept and bloods and kept[PLASMA].number >= bloods[-1][1]:
        del kept[PLASMA]
    percent = kept.pop(HAEMATOCRIT, None)
    if percent is not None and HAEMATOCRIT_PERCENT[0] <= percent.number <= HAEMATOCRIT_PERCENT[1]:
        kept[HAEMATOCRIT] = _Input(percent.number.scaleb(-2), percent.source)
    return kept


def _derived(formula: Formula, given: Mapping[str, _Input], tests: TestCatalogue) -> Observation | None:
    test = tests.test(formula.test)
    with localcontext(_CONTEXT):
        value = formula.compute([given[code].number for code in formula.inputs], formula.constants)
        if test is None or value is None:
            return None
        number = value.quantize(Decimal(1).scaleb(-test.decimals), ROUND_HALF_UP)
    if number <= 0:
        return None
    sources = [given[code].source for code in formula.inputs]
    first = sources[0]
    return Observation(
        code=f"={test.code}",
        test=test.code,
        value=str(number),
        raw=str(number),
        number=number,
        unit=test.ucum,
        ucum=test.ucum,
        status=first.status,
        observed_at=first.observed_at,
        run=first.run,
        rerun=first.rerun,
        derived=formula.title,
        span=(min(source.span[0] for source in sources), max(source.span[1] for source in sources)),
    )


def _ratio(values: Values, constants: Values) -> Decimal:
    return constants[0] * values[0] / values[1]


def _ratio_by_haematocrit(values: Values, constants: Values) -> Decimal:
    return values[0] / values[1] / values[2]


def _multiple(values: Values, constants: Values) -> Decimal:
    return constants[0] * values[0]


def _reduced(values: Values, constants: Values) -> Decimal:
    blood, plasma, haematocrit = values
    return (blood - plasma) / haematocrit


def _rigidity(values: Values, constants: Values) -> Decimal:
    blood, plasma, haematocrit = values
    return (blood - plasma) / (plasma * haematocrit)


def _taylor(values: Values, constants: Values) -> Decimal:
    blood, plasma, haematocrit = values
    raised = (blood / plasma) ** _TK_EXPONENT
    return (raised - 1) / (raised * haematocrit)


def _esr_equation(values: Values, constants: Values) -> Decimal:
    esr, haematocrit = values
    return esr / -(1 - haematocrit + haematocrit.ln())


def _casson(values: Values, rates: Values) -> tuple[Decimal, Decimal]:
    """a and b of √η = a + b/√x through two points."""
    (one, other), (low, high) = (values[0].sqrt(), values[1].sqrt()), (rates[0].sqrt(), rates[1].sqrt())
    b = (one - other) / (1 / low - 1 / high)
    return one - b / low, b


def _casson_viscosity(values: Values, constants: Values) -> Decimal | None:
    """None where viscosity falls faster than such a curve can."""
    a, _ = _casson(values, constants)
    return a * a if a > 0 else None


def _casson_yield_stress(values: Values, constants: Values) -> Decimal | None:
    a, b = _casson(values, constants)
    return b * b if a > 0 else None


_FORMULAS: dict[str, Callable[[Values, Values], Decimal | None]] = {
    "ratio": _ratio,
    "ratio by haematocrit": _ratio_by_haematocrit,
    "multiple": _multiple,
    "reduced": _reduced,
    "rigidity": _rigidity,
    "taylor": _taylor,
    "esr equation": _esr_equation,
    "casson viscosity": _casson_viscosity,
    "casson yield stress": _casson_yield_stress,
}


def _formula(where: str, cells: Mapping[str, str]) -> Formula:
    if cells["test"] in NEVER:
        raise ConfigError(
            f"{cells['test']} is never derived", where=where, hint="Take the line out: such a figure would be a guess"
        )
    compute = _FORMULAS.get(cells["formula"])
    if compute is None:
        raise ConfigError(f"unknown formula {cells['formula']!r}", where=where, hint=f"Write one of {', '.join(_FORMULAS)}")
    title = f"{cells['variant']} {cells['name']}: {cells['expression']}"
    constants = tuple(Decimal(text) for text in cells["constants"].split())
    return Formula(cells["test"], title, compute, tuple(cells["inputs"].split()), constants)
