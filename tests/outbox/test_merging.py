from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lis_bridge.core.reports import Report
from lis_bridge.outbox.merging import merge

from .samples import report


def shown(reports: list[Report]) -> list[str]:
    return [f"{one.observation.test}={one.observation.value}/{one.status}" for one in reports]


def test_the_last_value_of_a_result_goes_in_the_place_of_the_first() -> None:
    assert shown(merge([report("GLU", "1"), report("ALT", "7"), report("GLU", "2")])) == ["GLU=2/F", "ALT=7/F"]


def test_two_instruments_are_two_results() -> None:
    assert len(merge([report(), report(analyzer="line-2")])) == 2
    assert len(merge([report(), msgspec.structs.replace(report(), source="SN-4711")])) == 2


def test_an_interpretation_does_not_replace_its_number() -> None:
    number = report()
    interpretation = msgspec.structs.replace(number, observation=msgspec.structs.replace(number.observation, aspect="I"))
    assert merge([number, interpretation]) == [number, interpretation]


@pytest.mark.parametrize(
    ("statuses", "told"),
    [
        ("F", "F"),
        ("FF", "F"),
        ("C", "C"),
        ("FC", "F"),  # another LIS had to be corrected; this one never had the first value
        ("CC", "C"),
        ("W", "W"),
        ("FW", ""),  # withdrawn before it was told
        ("FCW", ""),
        ("CW", "W"),
        ("CWF", "C"),
        ("WF", "C"),  # this LIS has the first value still
        ("WFC", "C"),
        ("WFW", "W"),
    ],
)
def test_the_status_says_what_changes_for_this_lis(statuses: str, told: str) -> None:
    collected = [report(value=str(place), status=status) for place, status in enumerate(statuses)]  # type: ignore[arg-type]
    merged = merge(collected)
    assert "".join(one.status for one in merged) == told
    assert all(one.observation.value == str(len(statuses) - 1) for one in merged)


def test_what_was_withdrawn_and_let_go_again_is_told_as_it_was() -> None:
    assert shown(merge([report(status="W"), report()])) == ["GLU=4.10/F"]


@given(st.lists(st.builds(report, st.sampled_from(["GLU", "ALT", "AST"]), st.sampled_from("123"))))
def test_every_result_goes_exactly_once_with_its_last_value(collected: list[Report]) -> None:
    merged = merge(collected)
    assert {one.identity: one for one in collected} == {one.identity: one for one in merged}
    assert len(merged) == len({one.identity for one in collected})
