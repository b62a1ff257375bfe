"""What a person holds back stays back, whatever the analyzer says of the same run."""

from __future__ import annotations

import pytest

from lis_bridge.core.holds import Reason
from lis_bridge.tubes import decisions
from lis_bridge.tubes.assembly import Filing, file
from lis_bridge.tubes.judging import DISCARDED_BEFORE, HELD_BEFORE
from lis_bridge.tubes.state import TubeState
from tests.tubes.samples import LINE, message, owed, row, tube, values


def held_back(status: str) -> TubeState:
    state = tube()
    comes(state, "4.10", status=status)
    decisions.withhold(state, tuple(state.slots), "last", Reason.UNDER_REVIEW, "haemolysed", "jiang")
    return state


def comes(state: TubeState, value: str, time: str = "09:45:42", *, status: str) -> Filing:
    return file(state, message(row("K", value, time, status=status)), LINE)


@pytest.mark.parametrize(("first", "then"), [("P", "F"), ("F", "C"), ("P", "C")])
@pytest.mark.parametrize("value", ["4.10", "4.30"])
def test_run_that_a_person_holds_back_is_not_reported_when_its_final_or_corrected_value_comes(
    first: str, then: str, value: str
) -> None:
    state = held_back(first)
    assert owed(comes(state, value, status=then)) == []
    assert values(state) == {}
    assert {hold.detail for hold in state.holds.values()} == {"haemolysed", HELD_BEFORE}


def test_another_run_is_reported_although_a_person_holds_an_earlier_one_back() -> None:
    state = held_back("F")
    assert owed(comes(state, "4.30", "10:05:00", status="F")) == [("K", "4.30", "F")]


def test_value_that_a_person_discarded_is_not_reported_when_it_comes_again_as_final() -> None:
    state = held_back("P")
    (hold,) = state.holds.values()
    hold.id = 7
    decisions.discard(state, 7, "jiang")
    assert owed(comes(state, "4.10", status="F")) == []
    assert {hold.detail for hold in state.holds.values()} == {DISCARDED_BEFORE}
