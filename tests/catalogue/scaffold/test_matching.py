"""A code is matched only where nothing speaks for another test."""

from __future__ import annotations

import pytest

from lis_bridge.catalogue.scaffold.matching import Vocabulary, match, match_all
from lis_bridge.catalogue.scaffold.proposal import Match, Seen
from lis_bridge.catalogue.tests import TestCatalogue

TESTS = TestCatalogue.load()
WORDS = Vocabulary(TESTS, {"one": {"GRAN": "GRAN%", "7": "ALT", "X1": "CRP"}, "two": {"GRAN": "GRAN%", "X1": "hs-CRP"}})


def one(code: str, *values: str, unit: str = "", name: str = "") -> Match:
    return match(Seen(code, name, unit, values), WORDS)


@pytest.mark.parametrize(
    ("code", "name", "unit", "value", "test"),
    [
        ("ALT", "", "U/L", "33", "ALT"),
        ("alt", "", "U/L", "33", "ALT"),
        ("丙氨酸氨基转移酶", "", "U/L", "33", "ALT"),
        ("301", "丙氨酸氨基转移酶", "U/L", "33", "ALT"),
        ("1742-6", "", "U/L", "33", "ALT"),
        ("GRAN", "", "%", "60", "GRAN%"),
        ("WBC", "", "10^9/L", "6.4", "WBC"),
        ("HGB", "", "g/dL", "14.1", "HGB"),
    ],
)
def test_spelling_unit_and_range_together_make_a_match(code: str, name: str, unit: str, value: str, test: str) -> None:
    found = one(code, value, unit=unit, name=name)
    assert (found.test, found.certainty) == (test, "guessed")
    assert found.why


@pytest.mark.parametrize(
    ("code", "name", "unit", "value", "why"),
    [
        ("7", "", "U/L", "33", "no driver"),
        ("X1", "", "mg/L", "3.1", "several tests fit"),
        ("ALT", "天门冬氨酸氨基转移酶", "U/L", "33", "code and name say different tests"),
        ("ALT", "", "mmol/L", "33", "not measured in mmol/L"),
        ("ALT", "", "U/L", "negative", "it is a number, and none is sent"),
        ("K", "", "", "4.1", "too little without a unit"),
        ("ALB", "", "g/L", "4100", "far from its usual range"),
        ("ALT", "", "U/L", "-5", "below nought"),
    ],
)
def test_any_doubt_leaves_a_code_unknown(code: str, name: str, unit: str, value: str, why: str) -> None:
    found = one(code, value, unit=unit, name=name)
    assert (found.test, found.certainty) == (None, "unknown")
    assert why in found.why


def test_two_codes_of_one_message_for_one_test_are_both_unknown() -> None:
    both = [
        Seen("ALT", "", "U/L", ("33",), messages=frozenset({1})),
        Seen("丙氨酸氨基转移酶", "", "U/L", ("34",), messages=frozenset({1})),
    ]
    assert [found.test for found in match_all(both, WORDS)] == [None, None]
    apart = [both[0], Seen("丙氨酸氨基转移酶", "", "U/L", ("34",), messages=frozenset({2}))]
    assert [found.test for found in match_all(apart, WORDS)] == ["ALT", "ALT"]


def test_a_blood_gas_s_sodium_is_not_serum_sodium() -> None:
    gas = [Seen("pCO2", "", "mmHg", ("41",)), Seen("pO2", "", "mmHg", ("95",)), Seen("Na", "", "mmol/L", ("140",))]
    assert "Na" not in {found.test for found in match_all(gas, WORDS)}


def test_a_lone_test_of_other_work_without_a_unit_is_doubted() -> None:
    names = ("全血高切相对指数", "红细胞聚集指数", "红细胞刚性指数")
    estimated = [*(Seen(name, values=("3.1",)) for name in names), Seen("红细胞计数", values=("4.21",))]
    found = match_all(estimated, WORDS)
    assert [bool(one.test) for one in found] == [True, True, True, False]
    assert "among hemorheology" in found[3].why
