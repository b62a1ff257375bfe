"""However an analyzer splits, repeats and shuffles what it has to say, a tube ends with the same results and the LIS with the same view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lis_bridge.core.reports import Report
from lis_bridge.core.results import Message, Observation
from lis_bridge.tubes.assembly import Context, file
from lis_bridge.tubes.events import Outcome
from lis_bridge.tubes.state import ENDED, HELD, REPORTED, SUPERSEDED, TubeState
from tests.tubes.samples import LINE, message, refolded, row, snapshot, tube, values

TIMES = ("09:45:42", "09:45", "10:00:00", "11:30:10")
_MOMENTS = {"09:45": "09:45:00"}  # minutes are older than the same minute with seconds

truths = st.dictionaries(
    st.tuples(st.sampled_from(["K", "NA", "CL", "GLU"]), st.sampled_from(TIMES)),
    st.sampled_from(["4.1", "4.2", "<0.5", "POS"]),
    min_size=1,
).map(lambda found: [row(code, value, time) for (code, time), value in found.items()])
"""What an analyzer measured: one value for each test and time."""


@st.composite
def stories(draw: st.DrawFn, rows: Sequence[Observation]) -> list[Message]:
    """The rows in any order, split anywhere, with any of them sent again."""
    again = draw(st.lists(st.sampled_from(rows), max_size=6))
    order = draw(st.permutations([*rows, *again]))
    sizes = draw(st.lists(st.integers(1, 4), min_size=1))
    found, start = [], 0
    while start < len(order):
        size = sizes[len(found) % len(sizes)]
        found.append(message(*order[start : start + size]))
        start += size
    return found


@st.composite
def told_stories(draw: st.DrawFn) -> tuple[list[Observation], list[Message]]:
    rows = draw(truths)
    return rows, draw(stories(rows))


def newest(rows: Sequence[Observation], policy: str = "last") -> dict[str, str | None]:
    pick = max if policy == "last" else min
    by_test: dict[str, list[Observation]] = {}
    for one in rows:
        by_test.setdefault(one.code, []).append(one)
    return {code: pick(runs, key=lambda run: _padded(run.observed_at or "")).value for code, runs in by_test.items()}


def _padded(moment: str) -> str:
    return moment if moment.count(":") == 3 else moment.replace("+", ":00+")


class Lis:
    """What a LIS knows after the reports so far; ``open`` waits for the window to close."""

    def __init__(self) -> None:
        self.known: dict[Any, str | None] = {}
        self.open: dict[Any, Report] = {}

    def owe(self, reports: Sequence[Report]) -> None:
        for report in reports:
            self.open[report.identity] = report

    def seal(self, state: TubeState) -> None:
        """Deliver what waits; a result must be new to the LIS, or a correction of one that it has."""
        for identity, report in self.open.items():
            assert (report.status == "C") == (identity in self.known), report
            self.known[identity] = report.observation.value
        self.open.clear()
        state.sealed = state.version


@settings(max_examples=150, deadline=None)
@given(told_stories(), st.sampled_from(["last", "first"]))
def test_order_splitting_and_repetition_never_change_what_is_reported(
    told: tuple[list[Observation], list[Message]], policy: Any
) -> None:
    rows, story = told
    state = tube()
    for one in story:
        file(state, one, Context("line-1", policy))
    assert values(state) == newest(rows, policy)


@settings(max_examples=150, deadline=None)
@given(told_stories())
def test_every_result_is_stored_exactly_once(told: tuple[list[Observation], list[Message]]) -> None:
    rows, story = told
    state = tube()
    for one in story:
        file(state, one, LINE)
    kept = [run.row for runs in state.slots.values() for run in runs]
    assert sorted(kept, key=repr) == sorted(rows, key=repr)
    assert all(sum(run.standing is REPORTED for run in runs) == 1 for runs in state.slots.values())


@settings(max_examples=150, deadline=None)
@given(told_stories(), st.lists(st.booleans(), min_size=1))
def test_the_lis_ends_with_the_tubes_view_whenever_deliveries_leave(
    told: tuple[list[Observation], list[Message]], leaves: list[bool]
) -> None:
    rows, story = told
    state, lis = tube(), Lis()
    for number, one in enumerate(story):
        lis.owe(file(state, one, LINE).reports)
        if leaves[number % len(leaves)]:
            lis.seal(state)
    lis.seal(state)
    assert lis.known == {key: found.value for key, found in state.reported().items()}
    assert len(lis.known) == len(newest(rows))


@settings(max_examples=100, deadline=None)
@given(told_stories(), st.booleans())
def test_sending_everything_again_adds_nothing(told: tuple[list[Observation], list[Message]], sealed: bool) -> None:
    _, story = told
    state = tube()
    for one in story:
        file(state, one, LINE)
    state.sealed = state.version if sealed else 0
    before = snapshot(state)
    for one in story:
        again = file(state, one, LINE)
        assert (again.event, again.reports, set(again.outcomes)) == (None, [], {Outcome.REPEAT})
    assert snapshot(state) == before


wild_rows = st.builds(
    row,
    st.sampled_from(["K", "NA", "X"]),
    st.sampled_from(["4.1", "4.2", None]),
    st.sampled_from([None, "09:45:42", "10:00:00"]),
    status=st.sampled_from(["F", "P", "C", "D", None]),
    rerun=st.sampled_from([None, True, False]),
    superseded=st.booleans(),
    occurrence=st.integers(0, 1),
    test=st.sampled_from(["K", "NA", None]),
    problem=st.sampled_from([None, None, "unknown code", "unknown unit"]),
    derived=st.sampled_from([None, None, "formula"]),
    doubted=st.sampled_from([False, False, True]),
    material=st.sampled_from(["", "", "urine", "csf"]),
)
wild_messages = st.builds(
    lambda rows, name, complete: replace(message(*rows, name=name), complete=complete),
    st.lists(wild_rows, min_size=1, max_size=4),
    st.sampled_from([None, None, "张三", "李四"]),
    st.booleans(),
)
wild_stories = st.lists(wild_messages, min_size=1, max_size=8)


@settings(max_examples=200, deadline=None)
@given(wild_stories, st.booleans(), st.sampled_from(["last", "first", "marked"]))
def test_folding_what_was_stored_gives_the_same_state_for_any_story(story: list[Message], numbered: bool, policy: Any) -> None:
    state = tube(numbered=numbered)
    filings = [file(state, one, Context("line-1", policy)) for one in story]
    assert snapshot(refolded(state, filings)) == snapshot(state)


@settings(max_examples=200, deadline=None)
@given(wild_stories, st.booleans(), st.lists(st.booleans(), min_size=1))
def test_whatever_comes_every_value_is_reported_kept_or_held(story: list[Message], numbered: bool, leaves: list[bool]) -> None:
    state, lis = tube(numbered=numbered), LooseLis()
    for number, one in enumerate(story):
        filing = file(state, one, LINE)
        assert len(filing.outcomes) == len(one.observations)
        lis.owe(filing.reports)
        if leaves[number % len(leaves)]:
            lis.seal(state)
    lis.seal(state)
    check_invariants(state)
    assert lis.known == {key: found.value for key, found in state.reported().items()}
    said = {(one.code, one.value) for each in story for one in each.observations if one.is_result}
    known = {(run.row.code, run.row.value) for runs in state.slots.values() for run in runs}
    assert said <= known


class LooseLis(Lis):
    """Takes results back as well: of a wild story, a code may change its test."""

    def seal(self, state: TubeState) -> None:
        for identity, report in self.open.items():
            if report.status == "W":
                self.known.pop(identity, None)
            else:
                self.known[identity] = report.observation.value
        self.open.clear()
        state.sealed = state.version


def check_invariants(state: TubeState) -> None:
    """At most one reported run for a slot and a test; ``told``, the holds and the count of held runs agree with the runs."""
    everything = [(slot, run) for slot, runs in state.slots.items() for run in runs]
    reported = [(slot, run) for slot, run in everything if run.standing is REPORTED]
    assert {key: one.run for key, one in state.told.items()} == {(slot[0], run.row.test, slot[2]): run for slot, run in reported}
    assert len(state.told) == len(reported)
    held = [run for _, run in everything if run.standing is HELD]
    assert state.held == len(held) == sum(len(hold.runs) for hold in state.holds.values())
    assert all(run.row.problem is None and run.row.value is not None for _, run in reported)
    assert all(run.standing in (REPORTED, SUPERSEDED, HELD, ENDED) for _, run in everything if run.row.is_result)


@settings(max_examples=100, deadline=None)
@given(told_stories(), st.data())
def test_cut_off_transmissions_before_the_whole_one_leave_no_trace_in_what_is_reported(
    told: tuple[list[Observation], list[Message]], data: st.DataObject
) -> None:
    rows, story = told
    state = tube()
    for one in story:
        part = data.draw(st.integers(0, len(one.observations)))
        cut = replace(one, observations=one.observations[:part], complete=False)
        assert file(state, cut, LINE).reports == []
        file(state, one, LINE)
    assert values(state) == newest(rows)
    assert (state.holds, state.held) == ({}, 0)


def test_a_tube_of_220_tests_is_the_same_in_one_message_or_in_220() -> None:
    rows = [row(f"T{number}", f"{number}.10", f"09:{number // 60:02}:{number % 60:02}") for number in range(220)]
    one, many = tube(), tube()
    file(one, message(*rows), LINE)
    for each in rows:
        file(many, message(each), LINE)
    assert one.reported() == many.reported()
    assert len(one.told) == 220
