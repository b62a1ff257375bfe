from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lis_bridge import outbox
from lis_bridge.core.faults import UsageError
from lis_bridge.outbox import Backoff, Policy
from lis_bridge.outbox.backoff import JITTER
from lis_bridge.storage import Store

from .samples import LATER, message, sealed, state

POLICY = Policy(retries=2, retry_on=("order not found",), backoff=Backoff(5.0, 300.0), chance=lambda: 0.5)


@pytest.mark.parametrize("verdict", ["AA", "CA"])
def test_accepted_is_delivered(store: Store, verdict: str) -> None:
    with store.write() as tx:
        id = sealed(tx, 1)
        assert outbox.settle(tx, id, verdict, "", LATER, POLICY).state == "delivered"
        assert state(tx, id) == "delivered"


@pytest.mark.parametrize("verdict", ["AE", "CE"])
def test_an_error_is_retried_as_often_as_configured_and_is_then_dead(store: Store, verdict: str) -> None:
    with store.write() as tx:
        id = sealed(tx, 1)
        settled = [outbox.settle(tx, id, verdict, "busy", LATER, POLICY) for _ in range(3)]
        assert [one.state for one in settled] == ["pending", "pending", "dead"]
        assert [one.wait for one in settled[:2]] == [5.0, 10.0]


@pytest.mark.parametrize("verdict", ["AR", "CR"])
def test_a_rejection_is_final_and_keeps_the_words_of_the_lis(store: Store, verdict: str) -> None:
    with store.write() as tx:
        id = sealed(tx, 1)
        assert outbox.settle(tx, id, verdict, "unknown test", LATER, POLICY).state == "dead"
        found = outbox.get(tx, id)
        assert found is not None
        assert (found.line.verdict, found.line.lis_text, found.line.attempts) == (verdict, "unknown test", 1)
        assert found.line.settled_at == LATER


def test_a_rejection_whose_words_can_heal_is_retried_as_an_error_is(store: Store) -> None:
    with store.write() as tx:
        id = sealed(tx, 1)
        states = [outbox.settle(tx, id, "AR", "ORDER NOT FOUND: 4711", LATER, POLICY).state for _ in range(3)]
        assert states == ["pending", "pending", "dead"]


@pytest.mark.parametrize("verdict", ["timeout", "closed", "malformed", "ZZ"])
def test_silence_never_kills_and_is_never_counted(store: Store, verdict: str) -> None:
    with store.write() as tx:
        id = sealed(tx, 1)
        for _ in range(50):
            assert outbox.settle(tx, id, verdict, "", LATER, POLICY).state == "pending"
        assert outbox.settle(tx, id, "AE", "", LATER, POLICY).state == "pending"


@pytest.mark.parametrize("final", ["AA", "AR"])
@pytest.mark.parametrize("late", ["AA", "AE", "AR", "timeout"])
def test_a_late_answer_changes_nothing(store: Store, final: str, late: str) -> None:
    with store.write() as tx:
        id = sealed(tx, 1)
        ended = outbox.settle(tx, id, final, "", LATER, POLICY)
        assert outbox.settle(tx, id, late, "late", LATER, POLICY).state == ended.state
        assert state(tx, id) == ended.state


def test_a_delivery_that_is_not_there_is_named(store: Store) -> None:
    with store.write() as tx, pytest.raises(UsageError, match="delivery 99"):
        outbox.settle(tx, 99, "AA", "", LATER, POLICY)


def test_a_resent_delivery_has_the_same_bytes_and_a_fresh_count(store: Store) -> None:
    with store.write() as tx:
        id = sealed(tx, 1)
        before = outbox.get(tx, id)
        outbox.settle(tx, id, "AR", "no", LATER, POLICY)
        outbox.resend(tx, id, LATER)
        after = outbox.get(tx, id)
        assert before is not None
        assert after is not None
        assert (after.message, after.line.control_id) == (before.message, before.line.control_id)
        assert (after.line.state, after.line.attempts, after.line.settled_at) == ("pending", 0, None)


@pytest.mark.parametrize("decide", [outbox.resend, outbox.dismiss])
def test_only_a_dead_delivery_is_decided_about(store: Store, decide: object) -> None:
    assert callable(decide)
    with store.write() as tx:
        id = sealed(tx, 1)
        with pytest.raises(UsageError, match="it is pending"):
            decide(tx, id, LATER)
        with pytest.raises(UsageError, match="no such delivery"):
            decide(tx, id + 1, LATER)


def test_every_decision_changes_the_mark_that_a_sender_looks_at(store: Store) -> None:
    with store.write() as tx:
        seen = {outbox.glance(tx, "lis", LATER).decided}
        for tube, decide in ((1, outbox.resend), (2, outbox.dismiss)):
            id = sealed(tx, tube)
            outbox.settle(tx, id, "AR", "", LATER, POLICY)
            decide(tx, id, LATER)
            seen.add(outbox.glance(tx, "lis", LATER).decided)
        assert len(seen) == 3
        assert outbox.glance(tx, "other", LATER).decided == ""


def test_a_dismissed_delivery_keeps_its_message(store: Store) -> None:
    with store.write() as tx:
        id = sealed(tx, 1)
        before = message(tx, id)
        outbox.settle(tx, id, "AR", "", LATER, POLICY)
        outbox.dismiss(tx, id, LATER)
        assert (state(tx, id), message(tx, id)) == ("dismissed", before)


@given(st.integers(1, 5000), st.floats(0, 1))
def test_waits_grow_stay_bounded_and_never_vanish(failures: int, chance: float) -> None:
    wait = Backoff(0.5, 30.0).after(failures, chance)
    assert 0.5 * (1 - JITTER) <= wait <= 30.0 * (1 + JITTER) + 1e-9
    assert Backoff(0.5, 30.0).after(failures + 1, chance) >= wait


def test_times_must_be_aware(store: Store) -> None:
    with store.write() as tx:
        id = sealed(tx, 1)
        with pytest.raises(ValueError, match="aware"):
            outbox.settle(tx, id, "AA", "", (LATER + timedelta(0)).replace(tzinfo=None), POLICY)
