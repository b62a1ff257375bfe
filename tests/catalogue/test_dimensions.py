"""A unit is of the kind that the LOINC property says: a count never carries a percent sign, a fraction never a volume."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lis_bridge.catalogue.dimensions import FITTING, contradiction
from lis_bridge.catalogue.tests import TestCatalogue

TESTS = TestCatalogue.load()


def test_no_test_of_the_catalogue_contradicts_its_property() -> None:
    assert [(test.code, wrong) for test in TESTS.tests if (wrong := contradiction(test))] == []


def test_every_property_of_the_catalogue_is_known_or_says_nothing_of_a_unit() -> None:
    said = {test.property for test in TESTS.tests if test.property}
    assert said - set(FITTING) == {"Ratio", "RelACnc", "RelTime", "RelCCnc", "RelMCnc"}


@pytest.mark.parametrize(
    ("code", "property", "ucum"),
    [
        ("NEU#", "NCnc", "%"),
        ("NEU%", "NFr", "10*9/L"),
        ("GLU", "SCnc", "mg/dL"),
        ("CRP", "MCnc", "mmol/L"),
        ("ALT", "CCnc", "g/L"),
        ("PT", "Time", "%"),
        ("MCV", "EntVol", "pg"),
        ("HBsAg", "PrThr", "[IU]/mL"),
        ("MID#", "", "%"),
        ("MID%", "", "10*9/L"),
    ],
)
def test_a_unit_of_another_kind_is_a_contradiction(code: str, property: str, ucum: str) -> None:
    assert contradiction(replace(TESTS.tests[0], code=code, property=property, ucum=ucum)) is not None


@pytest.mark.parametrize(("unit", "count"), [("%", "NEU#"), ("10*9/L", "NEU%"), ("%", "WBC"), ("10*9/L", "HCT")])
def test_no_spelling_turns_a_percentage_into_a_count_or_back(unit: str, count: str) -> None:
    test = TESTS.test(count)
    assert test is not None
    assert TESTS.unit(unit, test) is None
