"""Numbers among texts; ranges and the judgement by them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lis_bridge.catalogue.values import by_range, digits, limits_of, number_of


@given(st.lists(st.text(alphabet="019._+-eE <nan１٣²", max_size=5), max_size=6))
def test_digits_among_other_texts_are_the_numbers_that_they_are_one_by_one(texts: list[str]) -> None:
    for text, number in zip(texts, digits(texts), strict=True):
        assert number is None or (number, "") == number_of(text)
        if text.isascii() and text.replace(".", "", 1).isdecimal():
            assert number is not None


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("3.89^5.83\\^", ("3.89", "5.83")),
        ("0^40\\5^90", ("0", "40")),
        ("4.00~10.00", ("4.00", "10.00")),
        ("7.310 to 7.410", ("7.310", "7.410")),
    ],
)
def test_the_first_of_repeated_ranges_is_the_reference_range(text: str, limits: tuple[str, str]) -> None:
    assert limits_of(text) == limits


@pytest.mark.parametrize(
    ("value", "low", "high", "word"),
    [
        ("3.5", "3.89", "5.83", "L"),
        ("6", "3.89", "5.83", "H"),
        ("4", "3.89", None, "N"),
        ("4", None, "5.83", "N"),
        ("4", None, None, ""),
    ],
)
def test_a_value_is_judged_by_the_limits_that_stand_beside_it(value: str, low: str | None, high: str | None, word: str) -> None:
    assert by_range(Decimal(value), low, high) == word


@pytest.mark.parametrize("limit", ["negative", "5.83\\", "1_0", "nan"])
def test_a_limit_that_is_no_number_judges_nothing(limit: str) -> None:
    assert by_range(Decimal(4), "1", limit) == ""
    assert by_range(Decimal(4), limit, "9") == ""


@pytest.mark.parametrize("text", [" 110. to   160.", "110.-160."])
def test_a_limit_may_end_with_its_decimal_point(text: str) -> None:
    assert limits_of(text) == ("110.", "160.")
    assert by_range(Decimal(69), *limits_of(text)) == "L"


@pytest.mark.parametrize("text", ["40^7", "7^40", "40 - 7"])
def test_the_upper_limit_may_stand_first(text: str) -> None:
    assert limits_of(text) == ("7", "40")
