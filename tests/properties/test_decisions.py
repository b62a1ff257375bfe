"""Whatever a person decides in whatever order, beside whatever comes, the stored events tell the same state and the LIS knows what is reported."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lis_bridge.core.faults import BridgeError
from lis_bridge.core.holds import Reason
from lis_bridge.core.results import Message
from lis_bridge.tubes import decisions
from lis_bridge.tubes.assembly import file
from lis_bridge.tubes.decisions import Decided
from lis_bridge.tubes.events import Event, HoldOpened, decode, encode
from lis_bridge.tubes.state import HELD, REPORTED, TubeState, fold, handle_of
from tests.tubes.samples import LINE, snapshot, tube

from .test_assembly import LooseLis, wild_messages

steps = st.lists(
    st.tuples(wild_messages, st.sampled_from(["", "release", "discard", "withhold"]), st.integers(0, 3)), min_size=1, max_size=8
)


class Desk:
    """A tube with a person beside it; numbers its holds as the database does."""

    def __init__(self) -> None:
        self.state, self.lis = tube(), LooseLis()
        self.events: list[bytes] = []
        self._ids = count(1)

    def receive(self, one: Message) -> None:
        filing = file(self.state, one, LINE)
        if filing.event is not None:
            self._store(filing.event, filing.event.holds, filing.reports)

    def decide(self, what: str, choice: int) -> None:
        decided = self._decided(what, choice)
        if decided is not None:
            self._store(decided.event, getattr(decided.event, "holds", ()), decided.reports)

    def _decided(self, what: str, choice: int) -> Decided | None:
        if what == "withhold":
            slots = list(self.state.slots)[choice : choice + 2]
            if any(run.standing is REPORTED for slot in slots for run in self.state.slots[slot]):
                return decisions.withhold(self.state, slots, "last", Reason.UNDER_REVIEW, "", "jiang")
            return None
        holds = list(self.state.holds.values())
        if not what or not holds:
            return None
        try:
            return getattr(decisions, what)(self.state, holds[choice % len(holds)].id, "jiang")
        except BridgeError:
            return None  # a hold that cannot be released

    def _store(self, event: Event, holds: Sequence[HoldOpened], reports: Any) -> None:
        for place, opened in enumerate(holds):
            opened.id = next(self._ids)
            hold = self.state.holds.get(handle_of(self.state.version, place))
            if hold is not None:
                hold.id = opened.id
        self.state.touched.clear()
        self.events.append(encode(event))
        self.lis.owe(reports)
        self.lis.seal(self.state)


@settings(max_examples=200, deadline=None)
@given(steps)
def test_decisions_in_any_order_leave_what_the_events_tell_and_the_lis_with_what_is_reported(
    story: list[tuple[Message, str, int]],
) -> None:
    desk = Desk()
    for one, what, choice in story:
        desk.receive(one)
        desk.decide(what, choice)
        held = [run for runs in desk.state.slots.values() for run in runs if run.standing is HELD]
        assert desk.state.held == len(held) == sum(len(hold.runs) for hold in desk.state.holds.values())
        assert desk.lis.known == {key: found.value for key, found in desk.state.reported().items()}
    fresh = TubeState(desk.state.tube_id, desk.state.key)
    for content in desk.events:
        fold(fresh, decode(content))
        fresh.sealed = fresh.version
    assert snapshot(fresh) == snapshot(desk.state)
