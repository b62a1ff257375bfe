"""Derived hemorheology values: the analyzer's own formulas, only where it sent nothing, never from figures that cannot be."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from decimal import Decimal, localcontext
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lis_bridge.catalogue.derive import NEVER, Formulas
from lis_bridge.catalogue.tests import TestCatalogue as Catalogue
from lis_bridge.core import resources
from lis_bridge.core.faults import ConfigError
from lis_bridge.core.results import Observation

CATALOGUE = Catalogue.load()
FORMULAS = Formulas.load()
ZONCI = "zonci-zl"
CAPTURED = {"WBV1": "18.84", "WBV5": "8.75", "WBV30": "5.27", "WBV200": "4.07", "PV": "1.42", "HCT-R": "0.44", "ESR-R": "8.00"}
"""Measured figures as a ZL sends them, the haematocrit as a fraction."""


@dataclass(frozen=True)
class Record:
    """A tube of the made-up ZL captures: what was measured, and what the analyzer derived from it."""

    measured: dict[str, str]
    sent: dict[str, str]


def record(measured: str, sent: str) -> Record:
    return Record(*(dict(pair.split("=") for pair in text.split()) for text in (measured, sent)))


RECORDS = {
    "man-56": record(
        "WBV1=18.84 WBV5=8.75 WBV30=5.27 WBV200=4.07 PV=1.42 HCT-R=0.44 ESR-R=8.00",
        "WBRI-H=2.87 WBRI-L=13.27 ESR-K=30.65 EAI=4.63 WBRV-L=39.59 WBRV-H=6.02 EDI-TK=0.78 ERI=4.24",
    ),
    "woman-34": record(
        "WBV1=15.52 WBV5=7.54 WBV30=4.73 WBV100=3.98 WBV200=3.74 PV=1.36 HCT-R=0.39",
        "WBRI-H=2.75 WBRI-M=3.48 WBRI-L=11.41 WBRV-H=6.10 WBRV-M=8.64 WBRV-L=36.31 EAI=4.15 EAC=2.85 EDI-TK=0.85 ERI=4.49 "
        "EEI=10.64 CAS-V=3.17 CAS-Y=4.66 FR-L=46.34 FR-M=33.08 FR-H=26.12",
    ),
    "woman-47": record(
        "WBV1=16.32 WBV5=7.85 WBV30=4.88 WBV200=3.84 PV=1.39 HCT-R=0.40 ESR-R=11.00",
        "WBRI-H=2.76 WBRI-L=11.74 ESR-K=34.78 EAI=4.25 WBRV-L=37.32 WBRV-H=6.13 EDI-TK=0.84 ERI=4.41",
    ),
    "man-68": record(
        "WBV1=27.04 WBV5=11.96 WBV30=6.89 WBV200=5.17 PV=1.88 HCT-R=0.53 ESR-R=21.00",
        "WBRI-H=2.75 WBRI-L=14.38 ESR-K=127.37 EAI=5.23 WBRV-L=47.47 WBRV-H=6.21 EDI-TK=0.63 ERI=3.30",
    ),
    "woman-41": record(
        "WBV1=9.24 WBV5=5.09 WBV30=3.53 WBV200=2.96 PV=1.29 HCT-R=0.29 ESR-R=46.00",
        "WBRI-H=2.29 WBRI-L=7.16 ESR-K=87.14 EAI=3.12 WBRV-L=27.41 WBRV-H=5.76 EDI-TK=0.97 ERI=4.46",
    ),
}


TIES = {("woman-47", "WBRV-L"): "37.33"}
"""37.325 exactly: the analyzer's binary figures fall down to 37.32, half-up says 37.33."""


def observation(test: str, value: str, **more: object) -> Observation:
    plain = Observation(code=test, test=test, value=value, number=Decimal(value), factor="100" if test == "HCT-R" else None)
    return msgspec.structs.replace(plain, **more)


def measured(figures: dict[str, str], **changed: str | None) -> tuple[Observation, ...]:
    """Observations of the figures; a keyword replaces one of them (``HCT_R`` for HCT-R) or, as None, takes it out."""
    whole = figures | {name.replace("_", "-"): value for name, value in changed.items()}
    return tuple(observation(test, value) for test, value in whole.items() if value is not None)


def derived(observations: tuple[Observation, ...], variant: str = ZONCI) -> dict[str, str | None]:
    return {found.test or "": found.value for found in FORMULAS.derive(observations, variant, CATALOGUE)}


@pytest.mark.parametrize("name", RECORDS)
def test_formulas_give_what_the_analyzer_itself_derived(name: str) -> None:
    found = derived(measured(RECORDS[name].measured))
    assert set(found) >= set(RECORDS[name].sent)
    for test, sent in RECORDS[name].sent.items():
        assert found[test] == TIES.get((name, test), sent), test


def test_what_the_analyzer_sent_is_never_derived_again() -> None:
    sent = observation("EAI", "4.99")
    assert "EAI" in derived(measured(CAPTURED))
    assert "EAI" not in derived((*measured(CAPTURED), sent))


def test_a_result_that_the_analyzer_could_not_give_is_not_made_up() -> None:
    refused = Observation(code="EAI", test="EAI", value=None, raw="---")
    assert "EAI" not in derived((*measured(CAPTURED), refused))


def test_a_derived_value_is_marked_with_its_formula() -> None:
    found = {one.test: one for one in FORMULAS.derive(measured(CAPTURED), ZONCI, CATALOGUE)}
    low = found["WBRV-L"]
    assert low.derived == "zonci-zl reduced viscosity low: (ηb(1)−ηp)/H"
    assert (low.value, low.number, low.ucum, low.factor) == ("39.59", Decimal("39.59"), "mPa.s", None)


def test_a_derived_value_points_at_the_bytes_and_the_time_of_its_inputs() -> None:
    inputs = [
        msgspec.structs.replace(one, span=(at * 10, at * 10 + 9), observed_at="2024-03-18T10:12:36+08:00")
        for at, one in enumerate(measured(CAPTURED))
    ]
    found = {one.test: one for one in FORMULAS.derive(inputs, ZONCI, CATALOGUE)}
    assert found["EAI"].span == (0, 39)
    assert found["EAI"].observed_at == "2024-03-18T10:12:36+08:00"


@pytest.mark.parametrize("variant", FORMULAS.variants)
def test_every_formula_is_of_known_tests_and_none_guesses_a_measurement(variant: str) -> None:
    for formula in FORMULAS.of(variant):
        assert formula.test not in NEVER
        for code in (formula.test, *formula.inputs):
            assert CATALOGUE.test(code) is not None, code


@pytest.mark.parametrize("test", sorted(NEVER))
def test_a_table_that_derives_a_measurement_is_refused(test: str, tmp_path: Path) -> None:
    path = add_line(tmp_path, f"x\t{test}\tguess\t0.4·ηp\tmultiple\tPV\t0.4")
    with pytest.raises(ConfigError, match="never derived") as caught:
        Formulas.load(path.parent)
    assert caught.value.where.startswith(f"{path}:")


def test_an_unknown_formula_is_named_with_those_that_are_known(tmp_path: Path) -> None:
    path = add_line(tmp_path, "x\tEAI\tguess\t?\tguess\tPV\t1")
    with pytest.raises(ConfigError) as caught:
        Formulas.load(path.parent)
    assert "esr equation" in caught.value.hint


def add_line(folder: Path, line: str) -> Path:
    path = folder / "hemorheology.tsv"
    shutil.copyfile(resources.catalogue() / "hemorheology.tsv", path)
    with path.open("a", encoding="utf-8") as table:
        table.write(line + "\n")
    return path


BY_HAEMATOCRIT = {"WBRV-L", "WBRV-M", "WBRV-H", "ERI", "EDI-TK", "EEI", "ESR-K"}
BY_PLASMA = {"WBRI-L", "WBRI-M", "WBRI-H", "WBRV-L", "WBRV-M", "WBRV-H", "ERI", "EDI-TK"}


@pytest.mark.parametrize("haematocrit", ["0", "0.0044", "0.81", "1", "44", "-0.44"])
def test_a_haematocrit_that_cannot_be_derives_nothing(haematocrit: str) -> None:
    found = derived(measured(CAPTURED, HCT_R=haematocrit))
    assert not BY_HAEMATOCRIT & set(found)
    assert "WBRI-L" in found


def test_a_haematocrit_in_per_cent_is_the_same_as_a_fraction() -> None:
    percent = msgspec.structs.replace(observation("HCT-R", "44"), factor=None)
    assert derived((*measured(CAPTURED, HCT_R=None), percent)) == derived(measured(CAPTURED))


@pytest.mark.parametrize("plasma", ["0", "-1.42", "4.07", "4.08", "19"])
def test_plasma_as_thick_as_blood_or_without_viscosity_derives_nothing(plasma: str) -> None:
    found = derived(measured(CAPTURED, PV=plasma))
    assert not BY_PLASMA & set(found)
    assert "EAI" in found


@pytest.mark.parametrize("rising", ["3.79", "4.07"])
def test_viscosity_that_does_not_fall_with_shear_derives_nothing(rising: str) -> None:
    assert derived(measured(CAPTURED, WBV30=rising)) == {}


@pytest.mark.parametrize("test", CAPTURED)
def test_a_missing_figure_derives_nothing_that_needs_it(test: str) -> None:
    found = derived(measured(CAPTURED, **{test.replace("-", "_"): None}))
    needing = {formula.test for formula in FORMULAS.of(ZONCI) if test in formula.inputs}
    assert set(found) == {formula.test for formula in FORMULAS.of(ZONCI)} - needing


@pytest.mark.parametrize(
    "doubt",
    [
        {"superseded": True},
        {"problem": "unknown unit"},
        {"comparator": ">"},
        {"aspect": "P"},
        {"derived": "by someone"},
        {"doubted": True},
        {"number": None},
    ],
    ids=str,
)
def test_a_doubtful_figure_derives_nothing(doubt: dict[str, object]) -> None:
    doubtful = observation("PV", "1.42", **doubt)
    assert not BY_PLASMA & set(derived((*measured(CAPTURED, PV=None), doubtful)))


def test_a_test_with_two_figures_derives_nothing_and_with_equal_ones_all() -> None:
    assert not BY_PLASMA & set(derived((*measured(CAPTURED), observation("PV", "1.43"))))
    assert derived((*measured(CAPTURED), observation("PV", "1.420"))) == derived(measured(CAPTURED))


def test_three_rates_have_their_own_variant() -> None:
    found = derived(
        measured({"WBV10": "9.00", "WBV60": "5.00", "WBV150": "4.50", "PV": "1.50", "HCT-R": "0.45"}), "three-rates-10-60-150"
    )
    assert (found["WBRI-L"], found["WBRI-M"], found["WBRI-H"]) == ("6.00", "3.33", "3.00")
    assert (found["WBRV-H"], found["EAI"], found["ERI"], found["EDI-TK"]) == ("6.67", "2.00", "4.44", "0.79")
    assert "EAC" not in found


figures = st.decimals(min_value="-1e3", max_value="1e12", places=4).map(str) | st.sampled_from(["0", "1", "1e-30", "1e40"])


@settings(max_examples=150)
@given(st.dictionaries(st.sampled_from(sorted(CAPTURED)), figures))
def test_no_figures_make_it_stumble_or_give_a_value_that_is_not_positive(given_figures: dict[str, str]) -> None:
    for found in FORMULAS.derive(measured(given_figures), ZONCI, CATALOGUE):
        assert found.number is not None
        assert found.number > 0
        assert found.value == str(found.number)


def test_the_arithmetic_does_not_depend_on_the_threads_own_context() -> None:
    expected = derived(measured(CAPTURED))
    with localcontext() as context:
        context.prec = 3
        assert derived(measured(CAPTURED)) == expected
