from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from lis_bridge.outbox import Agenda


def taken(agenda: Agenda, now: float = 0.0) -> list[int]:
    ids = []
    while (id := agenda.take(now)) is not None:
        ids.append(id)
    return ids


def test_a_tube_s_second_delivery_waits_for_the_verdict_on_its_first() -> None:
    agenda = Agenda()
    agenda.add(1, tube=7)
    agenda.add(2, tube=7)
    agenda.add(3, tube=8)
    assert taken(agenda) == [1, 3]
    agenda.gone(1)
    assert taken(agenda) == [2]


def test_stat_goes_first_among_tubes_and_never_before_its_own() -> None:
    agenda = Agenda()
    agenda.add(1, tube=7)
    agenda.add(2, tube=8)
    agenda.add(3, tube=9, stat=True)
    agenda.add(4, tube=7, stat=True)
    assert taken(agenda) == [3, 1, 2]


def test_a_dead_one_holds_its_tube_back_until_it_is_resent_or_dismissed() -> None:
    agenda = Agenda()
    for id, tube in ((1, 7), (2, 7), (3, 8), (4, 8)):
        agenda.add(id, tube)
    assert taken(agenda) == [1, 3]
    agenda.died(1)
    agenda.died(3)
    assert taken(agenda) == []
    assert agenda.dead() == [1, 3]
    agenda.again(1)
    agenda.gone(3)
    assert taken(agenda) == [1, 4]


def test_a_dead_one_that_was_loaded_after_what_waits_behind_it_holds_it_back() -> None:
    agenda = Agenda()
    agenda.add(2, tube=7)
    agenda.add_dead(1, tube=7)
    assert taken(agenda) == []
    agenda.gone(1)
    assert taken(agenda) == [2]


def test_a_retry_waits_for_its_time_and_others_go_meanwhile() -> None:
    agenda = Agenda()
    agenda.add(1, tube=7)
    agenda.add(2, tube=8)
    assert agenda.take(0.0) == 1
    agenda.again(1, due=5.0)
    assert taken(agenda, 4.9) == [2]
    assert agenda.next_due() == 5.0
    assert taken(agenda, 5.0) == [1]


def test_the_same_delivery_twice_is_refused() -> None:
    agenda = Agenda()
    agenda.add(1, tube=7)
    with pytest.raises(ValueError, match="already"):
        agenda.add(1, tube=7)


class Model(RuleBasedStateMachine):
    """Against the plainest reading of the two rules: search everything, every time."""

    def __init__(self) -> None:
        super().__init__()
        self.agenda = Agenda()
        self.entries: dict[int, dict[str, object]] = {}
        self.last = 0
        self.now = 0.0

    def expected(self) -> int | None:
        best = None
        for id, entry in sorted(self.entries.items()):
            is_first = not any(other < id and self.entries[other]["tube"] == entry["tube"] for other in self.entries)
            if is_first and entry["state"] == "waiting" and entry["due"] <= self.now:  # type: ignore[operator]
                key = (not entry["stat"], id)
                best = key if best is None else min(best, key)
        return best and best[1]

    def those(self, state: str) -> list[int]:
        return [id for id, entry in self.entries.items() if entry["state"] == state]

    @rule(tube=st.integers(1, 4), stat=st.booleans(), wait=st.sampled_from([0.0, 0.0, 3.0]))
    def add(self, tube: int, stat: bool, wait: float) -> None:
        self.last += 1
        due = self.now + wait
        self.entries[self.last] = {"tube": tube, "stat": stat, "due": due, "state": "waiting"}
        self.agenda.add(self.last, tube, stat=stat, due=due)

    @rule()
    def take(self) -> None:
        id = self.expected()
        assert self.agenda.take(self.now) == id
        if id is not None:
            self.entries[id]["state"] = "taken"

    @precondition(lambda self: self.those("taken"))
    @rule(data=st.data(), end=st.sampled_from(["delivered", "dead", "retry"]))
    def settle(self, data: st.DataObject, end: str) -> None:
        id = data.draw(st.sampled_from(self.those("taken")))
        if end == "delivered":
            del self.entries[id]
            self.agenda.gone(id)
        elif end == "dead":
            self.entries[id]["state"] = "dead"
            self.agenda.died(id)
        else:
            self.entries[id] |= {"state": "waiting", "due": self.now + 2.0}
            self.agenda.again(id, self.now + 2.0)

    @precondition(lambda self: self.those("dead"))
    @rule(data=st.data(), resend=st.booleans())
    def decide(self, data: st.DataObject, resend: bool) -> None:
        id = data.draw(st.sampled_from(self.those("dead")))
        if resend:
            self.entries[id] |= {"state": "waiting", "due": 0.0}
            self.agenda.again(id)
        else:
            del self.entries[id]
            self.agenda.gone(id)

    @rule(seconds=st.sampled_from([1.0, 2.5]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def nothing_is_forgotten(self) -> None:
        assert len(self.agenda) == len(self.entries)
        assert self.agenda.dead() == self.those("dead")
        if self.expected() is not None:
            due = self.agenda.next_due()
            assert due is not None
            assert due <= self.now


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


def test_a_hundred_thousand_waiting_are_searched_by_nobody() -> None:
    """Each takes a few steps of the heaps, whatever waits: counted, not timed."""
    agenda = Agenda()
    for id in range(1, 100_001):
        agenda.add(id, tube=id // 2, due=0.0 if id % 10 else 1e9)
    offers = len(agenda._later)
    assert agenda.take(0.0) is not None
    for _ in range(1000):
        id = agenda.take(0.0)
        assert id is not None
        agenda.gone(id)
    assert len(agenda._ready) + len(agenda._later) <= offers
