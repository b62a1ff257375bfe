"""The catalogue that ships: complete, free of contradictions, and exact in what it makes of units."""

from __future__ import annotations

import shutil
from decimal import ROUND_HALF_UP, Context, Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lis_bridge.catalogue.tests import Test as LabTest
from lis_bridge.catalogue.tests import TestCatalogue as Catalogue
from lis_bridge.catalogue.tests import reported
from lis_bridge.catalogue.units import Unit
from lis_bridge.core import resources
from lis_bridge.core.faults import ConfigError
from lis_bridge.core.results import Observation

CATALOGUE = Catalogue.load()
UNITS = CATALOGUE.units
WITH_UNIT = [test for test in CATALOGUE.tests if test.ucum]

DIMENSIONS = {
    "ACnc": {"[IU]/L", "[arb'U]/L", "{S/CO}", "{index}"},
    "Angle": {"deg"},
    "ArVRat": {"mL/min/{1.73_m2}"},
    "CCnc": {"U/L"},
    "CCnt": {"U/g{Hb}"},
    "CFr": {"%"},
    "CRto": {"{ratio}"},
    "EntMass": {"pg"},
    "EntVol": {"fL"},
    "Len": {"mm"},
    "LsCnc": {"[pH]"},
    "MCnc": {"mg/L", "mg/L{FEU}", "ug/L{DDU}"},
    "MFr": {"%"},
    "MRat": {"mg/(24.h)"},
    "MRto": {"{ratio}", "mg/g{creat}"},
    "NCnc": {"10*9/L"},
    "NFr": {"%"},
    "Naric": {"/[HPF]", "/[LPF]"},
    "Osmol": {"mosm/kg"},
    "PPres": {"mm[Hg]"},
    "PrThr": {""},
    "Ratio": {"{ratio}", "%", "/100{WBCs}"},
    "Rden": {"1"},
    "RelACnc": {"%", "{S/CO}"},
    "RelCCnc": {"%"},
    "RelMCnc": {"%"},
    "RelTime": {"%", "{INR}", "{ratio}"},
    "SCnc": {"umol/L"},
    "SFr": {"%", "mmol/mol{Hb}"},
    "SRat": {"umol/(24.h)"},
    "SRto": {"{ratio}"},
    "Time": {"s", "min"},
    "Titr": {"{titer}"},
    "VFr": {"%"},
    "VRat": {"mL/min"},
    "Vel": {"mm/h"},
}
"""What a test with this LOINC property may be measured in, by the unit that stands for the dimension."""

EXCEPTIONS = {"P/F": "the Horowitz index divides a pressure by a fraction and is printed in mm[Hg]; LOINC calls it a ratio"}


def lab_test(code: str) -> LabTest:
    found = CATALOGUE.test(code)
    assert found is not None
    return found


def factor_of(spelling: str | None, code: str) -> str | None:
    """The factor of a unit that is known."""
    found = CATALOGUE.unit(spelling, lab_test(code))
    assert found is not None
    return found.factor


def by_code(test: LabTest) -> str:
    return test.code


@pytest.mark.parametrize("test", CATALOGUE.tests, ids=by_code)
def test_a_loinc_code_stands_with_its_display_name(test: LabTest) -> None:
    assert bool(test.loinc) == bool(test.long_name)
    assert test.panel_en
    assert test.name_zh
    assert test.name_en


@pytest.mark.parametrize("test", [test for test in CATALOGUE.tests if test.property], ids=by_code)
def test_the_unit_agrees_with_the_property_of_the_loinc_code(test: LabTest) -> None:
    agrees = UNITS.base(test.ucum) in DIMENSIONS[test.property]
    assert agrees == (test.code not in EXCEPTIONS)


@pytest.mark.parametrize("test", [test for test in CATALOGUE.tests if test.code.endswith(("#", "%"))], ids=by_code)
def test_a_count_never_carries_per_cent_nor_a_fraction_a_count(test: LabTest) -> None:
    of_count, of_fraction = CATALOGUE.unit("10^9/L", test), CATALOGUE.unit("%", test)
    assert (of_count is None, of_fraction is None) == ((False, True) if test.code.endswith("#") else (True, False))


@pytest.mark.parametrize("test", WITH_UNIT, ids=by_code)
def test_a_test_knows_its_own_unit_and_needs_no_conversion(test: LabTest) -> None:
    assert CATALOGUE.unit(test.ucum, test) == Unit(test.ucum)


@pytest.mark.parametrize("test", [test for test in CATALOGUE.tests if test.property], ids=by_code)
def test_no_spelling_brings_a_test_another_dimension(test: LabTest) -> None:
    allowed = {UNITS.base(test.ucum)}
    if test.molar_from is not None:
        allowed.add("mg/L")
    for spelling in UNITS.spellings:
        found = CATALOGUE.unit(spelling, test)
        if found is None or found.factor is None:
            continue
        named = any(test.code in row.tests or test.ucum == row.canonical for row in UNITS.meanings(spelling))
        assert named or UNITS.base(found.ucum) in allowed, spelling


@pytest.mark.parametrize("test", [test for test in CATALOGUE.tests if test.molar_from], ids=by_code)
def test_the_molar_factor_is_what_its_unit_converts_by(test: LabTest) -> None:
    found = CATALOGUE.unit(test.molar_from, test)
    assert found is not None
    assert test.molar_factor is not None
    assert Decimal(found.factor or 1) == Decimal(test.molar_factor)


@pytest.mark.parametrize("spelling", UNITS.spellings)
def test_two_meanings_of_a_spelling_never_meet_in_one_test(spelling: str) -> None:
    for test in CATALOGUE.tests:
        alone = {UNITS.applied(row, test) for row in UNITS.meanings(spelling)}
        assert len(alone - {None}) <= 1


@pytest.mark.parametrize(
    ("spelling", "code", "expected"),
    [
        ("U/L", "ALT", Unit("U/L")),
        ("IU/L", "ALT", Unit("[IU]/L", "1")),
        ("IU/L", "TRAb", Unit("[IU]/L")),
        ("kU/L", "CHE", Unit("kU/L", "1000")),
        ("ukat/L", "ALT", Unit("ukat/L", "60")),
        ("U/mL", "CA125", Unit("[arb'U]/mL")),
        ("mAU/mL", "PIVKA-II", Unit("[arb'U]/L")),
        ("μIU/mL", "TSH", Unit("u[IU]/mL", "1")),
        ("109/L", "WBC", Unit("10*9/L")),
        ("G/L", "PLT", Unit("10*9/L")),
        ("10*3/uL", "WBC", Unit("10*3/uL", "1")),
        ("10^4/uL", "RBC", Unit("10*4/uL", "0.01")),
        ("10^4/uL", "PLT", Unit("10*4/uL", "10")),
        ("10*6/uL", "RET#", Unit("10*6/uL", "1000")),
        ("/uL", "WBC", Unit("/uL", "0.001")),
        ("/uL", "UF-RBC", Unit("/uL")),
        ("g/dL", "HGB", Unit("g/dL", "10")),
        ("mmol/L(Fe)", "HGB", Unit("mmol/L", "16.114")),
        ("L/L", "HCT", Unit("L/L", "100")),
        ("L/L", "HCT-R", Unit("L/L", "100")),
        ("%", "NRBC%", Unit("%", "1")),
        ("mg/dL", "GLU", Unit("mg/dL", "0.0555074")),
        ("mg/dL", "CRP", Unit("mg/dL", "10")),
        ("mg/dL BUN", "UREA", Unit("mg/dL", "0.356964")),
        ("mg/dL urea", "UREA", Unit("mg/dL", "0.166511")),
        ("mEq/L", "Na", Unit("meq/L", "1")),
        ("pg/mL", "hs-cTnI", Unit("pg/mL", "1")),
        ("ng/mL", "β-CTX", Unit("ng/mL", "1000")),
        ("mmol/L", "GSP", Unit("mmol/L", "1000")),
        ("kPa", "pO2", Unit("kPa", "7.5006")),
        ("Mpa.s", "WBV200", Unit("mPa.s")),
        ("mm", "ESR", Unit("mm/h")),
        ("mm", "TEG-MA", Unit("mm")),
        ("mm/min", "ESR-MAX", Unit("mm/min", "60")),
        ("COI", "HBeAg", Unit("{COI}", "1")),
        ("ug/mL FEU", "D-D", Unit("mg/L{FEU}")),
        ("10^(-1)%", "HCT", Unit("10*-1.%", "0.1")),
        (None, "A/G", Unit("{ratio}")),
        ("--", "EAI", Unit("{index}")),
        ("", "ABO", Unit("")),
    ],
)
def test_a_spelling_means_what_the_test_makes_of_it(spelling: str | None, code: str, expected: Unit) -> None:
    assert CATALOGUE.unit(spelling, lab_test(code)) == expected


@pytest.mark.parametrize(
    ("spelling", "code", "why"),
    [
        ("109/L", "RBC", "a superscript lost: counts in 10*9/L only"),
        ("109/L", "UF-RBC", "the same"),
        ("G/L", "HGB", "giga per litre is no mass"),
        ("T/L", "PLT", "tera per litre is for erythrocytes"),
        ("m/ul", "PLT", "m may be a thousand"),
        ("Mpa.s", "ALT", "a viscosity"),
        ("IU/L", "TP", "activity, not mass"),
        ("kU/L", "ALT", "cholinesterase only"),
        ("U/mL", "TPOAb", "an arbitrary unit is no international one"),
        ("mg/dL", "UREA", "urea or urea nitrogen: a factor of 2.14"),
        ("mg/dL", "U-UREA", "the same"),
        ("mg/dL BUN", "GLU", "no nitrogen there"),
        ("mmol/L", "HGB", "monomer or tetramer"),
        ("mmol/L(Fe)", "TP", "haemoglobin only"),
        ("fmol", "MCH", "monomer or tetramer"),
        ("mEq/L", "Ca", "not the factor of a monovalent ion"),
        ("mg/L", "D-D", "FEU or DDU"),
        ("ng/mL DDU", "D-D", "FEU and DDU are two to one, by kit"),
        ("nmol/L", "Lp(a)", "depends on the isoform"),
        ("U/L", "Lp-PLA2", "activity, not mass"),
        ("mmol/mol", "HbA1c", "a line, not a factor"),
        ("RU/mL", "CMV-IgG", "depends on the kit"),
        ("copies/mL", "HBV-DNA", "depends on the assay"),
        ("S/N", "HBeAg", "signal to negative is not signal to cut-off"),
        ("?mol/L", "CREA", "a letter lost"),
        ("mmhg ", "pO2", "spellings are exact"),
        ("MMOL/l", "GLU", "spellings are exact"),
        ("Index", "HBeAg", "which index"),
        ("COI", "HAV-IgM", "a qualitative test has no unit"),
        (None, "GLU", "empty: never guessed"),
        ("", "HBeAg", "S/CO or PEIU/mL"),
        ("-", "HCT-R", "per cent or a fraction"),
    ],
)
def test_what_is_not_certain_is_no_unit(spelling: str | None, code: str, why: str) -> None:
    assert CATALOGUE.unit(spelling, lab_test(code)) is None, why


@pytest.mark.parametrize("spelling", ["mg/dL", "10^4/uL", "nkat/L", "pg/dL", "mval/L"])
def test_a_factor_is_a_plain_exact_decimal(spelling: str) -> None:
    factors = {found.factor for test in CATALOGUE.tests if (found := CATALOGUE.unit(spelling, test)) is not None}
    assert factors
    for factor in factors - {None}:
        assert "E" not in str(factor)
        assert Decimal(str(factor)) > 0


def observed(value: str, *, factor: str | None, low: str | None = None, high: str | None = None) -> Observation:
    bare = value.lstrip("<>=")
    number = Decimal(bare) if bare.replace(".", "").isdecimal() else None
    comparator = value[: len(value) - len(bare)]
    return Observation(
        "X",
        test="GLU",
        value=value,
        number=number,
        comparator=comparator,
        unit="sent",
        ucum="u",
        factor=factor,
        low=low,
        high=high,
    )


def test_a_figure_in_the_laboratorys_unit_stays_as_sent() -> None:
    sent = observed("4.10", factor=None, low="3.90", high="6.1000")
    assert reported(sent, lab_test("GLU")) == ("4.10", "mmol/L", "3.90", "6.1000")


def test_a_factor_of_one_leaves_the_text_and_names_the_laboratorys_unit() -> None:
    assert reported(observed("2.316000", factor="1"), lab_test("TSH")) == ("2.316000", "m[IU]/L", None, None)


def test_a_converted_figure_and_its_range_are_rounded_half_up() -> None:
    sent = observed("13.25", factor="10", low="11.55", high="<16.04")
    assert reported(sent, lab_test("HGB")) == ("133", "g/L", "116", "<160")


def test_a_comparator_stays_in_front_of_a_converted_figure() -> None:
    assert reported(observed("<=0.5", factor="10"), lab_test("HGB"))[0] == "<=5"


def test_a_bound_never_becomes_below_nothing() -> None:
    assert reported(observed("<0.004", factor="10"), lab_test("HGB"))[0] == "<0.040"


def test_a_word_is_reported_as_sent_beside_a_converted_range() -> None:
    sent = observed("Negative(-)", factor="10", low="none", high="1.5")
    assert reported(sent, lab_test("HGB")) == ("Negative(-)", "g/L", None, "15")


def test_a_released_result_in_an_unknown_unit_keeps_the_devices_own() -> None:
    sent = Observation("X", test="D-D", value="0.45", number=Decimal("0.45"), unit="mg/L", low="0", high="0.5")
    assert reported(sent, lab_test("D-D")) == ("0.45", "mg/L", "0", "0.5")


figures = st.decimals(min_value=0, max_value=10**12, places=6) | st.integers(0, 10**60).map(Decimal)


@settings(max_examples=150)
@given(figures, st.sampled_from(WITH_UNIT), st.sampled_from(["0.0555074", "10", "1000", "0.001", "7.5006"]))
def test_conversion_rounds_exactly_once(figure: Decimal, test: LabTest, factor: str) -> None:
    text, unit, *_ = reported(observed(format(figure, "f"), factor=factor), test)
    wide = Context(prec=120)
    exact = wide.multiply(figure, Decimal(factor))
    assert Decimal(text) == exact.quantize(Decimal(1).scaleb(-test.decimals), ROUND_HALF_UP, wide)
    assert len(text.partition(".")[2]) == test.decimals
    assert unit == test.ucum


def test_find_puts_the_nearest_code_first() -> None:
    assert CATALOGUE.find("crp")[0].code == "CRP"
    assert {test.code for test in CATALOGUE.find("糖化血红蛋白")} >= {"HbA1c", "HbA1c-IFCC"}
    assert CATALOGUE.find("6690-2")[0].code == "WBC"
    assert CATALOGUE.find("no such thing") == ()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "catalogue"
    shutil.copytree(resources.catalogue(), copy)
    return copy


@pytest.mark.parametrize(
    ("table", "line", "says"),
    [
        ("tests.tsv", "ALT", "cells"),
        ("units.tsv", "mg\tmg\tmg\t1\tguessed\t", "unknown kind"),
        ("units.tsv", "mg\tmg\tmg\tone\tpure\t", "no decimal"),
        ("scales.tsv", "mg/mL\tmg/L\tmany", "no decimal"),
    ],
)
def test_a_wrong_line_is_named_with_its_remedy(folder: Path, table: str, line: str, says: str) -> None:
    path = folder / table
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines, line]) + "\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        Catalogue.load(folder)
    assert caught.value.where == f"{path}:{len(lines) + 1}"
    assert says in caught.value.what
    assert caught.value.hint


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("\t1742-6\t", "\t1742-0\t", "display name"),
        ("\t肝功能\tserum\tnumeric\t1742-6", "\t肝\tserum\tnumeric\t1742-6", "English name"),
        ("AST\t天门冬氨酸氨基转移酶", "ALT\t天门冬氨酸氨基转移酶", "twice"),
        ("U/L\t0\t9\t50", "U/L\tnone\t9\t50", "decimals"),
    ],
)
def test_a_test_that_contradicts_the_other_tables_is_refused(folder: Path, old: str, new: str, says: str) -> None:
    path = folder / "tests.tsv"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError, match=says):
        Catalogue.load(folder)


def test_a_missing_table_is_named(folder: Path) -> None:
    (folder / "scales.tsv").unlink()
    with pytest.raises(ConfigError) as caught:
        Catalogue.load(folder)
    assert caught.value.where.endswith("scales.tsv")
