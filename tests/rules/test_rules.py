"""The site's own rules."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lis_bridge.core.results import Observation
from lis_bridge.rules.controls import is_control
from lis_bridge.rules.limits import Limits, critical

POTASSIUM = Limits(Decimal("2.5"), Decimal("6.5"))


@pytest.mark.parametrize("specimen", ["QC1", " QC1 ", "LOT-7781"])
def test_an_id_or_prefix_of_the_sites_list_is_a_control(specimen: str) -> None:
    assert is_control(specimen, {"QC1"}, ("LOT-",))


@pytest.mark.parametrize("specimen", [None, "", "  ", "QC12", "26031700881"])
def test_any_other_specimen_is_none(specimen: str | None) -> None:
    assert not is_control(specimen, {"QC1"}, ("LOT-",))
    assert not is_control(specimen, frozenset(), ())


@pytest.mark.parametrize(
    ("number", "comparator", "side"),
    [
        ("2.4", "", "low"),
        ("2.5", "", ""),
        ("2.5", "<", "low"),
        ("6.5", "", ""),
        ("6.51", "", "high"),
        ("6.5", ">", "high"),
        ("2.0", ">", ""),  # may be anything above
        ("7.0", "<", ""),
    ],
)
def test_a_value_beyond_a_limit_is_critical(number: str, comparator: str, side: str) -> None:
    row = Observation("K", "K", f"{comparator}{number}", number=Decimal(number), comparator=comparator)
    assert critical(row, POTASSIUM) == side


def test_limits_are_in_the_catalogues_unit() -> None:
    row = Observation("GLU", "GLU", "500", number=Decimal(500), factor="0.0555")
    assert critical(row, Limits(high=Decimal("25"))) == "high"
    assert critical(row, Limits(high=Decimal("30"))) == ""


@pytest.mark.parametrize(
    "row", [Observation("K", "K", "high"), Observation("K", "K", "9", number=Decimal(9), problem="unknown unit")]
)
def test_text_and_unknown_units_are_never_critical(row: Observation) -> None:
    assert critical(row, POTASSIUM) == ""


def test_a_test_without_limits_is_never_critical() -> None:
    assert critical(Observation("K", "K", "99", number=Decimal(99)), Limits()) == ""
