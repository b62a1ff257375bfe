from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lis_bridge.forward.health import PATIENCE, Health

START = datetime(2026, 3, 17, 9, 0, tzinfo=UTC)


def at(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


def parked() -> Health:
    health = Health().reached(at(0))
    for second in range(PATIENCE):
        health = health.unheard(at(second + 1), "no acknowledgement")
    return health


def test_a_destination_is_parked_after_five_unanswered_and_not_before() -> None:
    health = Health().reached(at(0))
    states = []
    for second in range(PATIENCE):
        health = health.unheard(at(second + 1), "")
        states.append(health.state)
    assert states == ["connected"] * 4 + ["parked"]
    assert health.since == at(5)


def test_an_answer_in_between_begins_the_count_anew() -> None:
    health = Health().reached(at(0))
    for _ in range(3 * PATIENCE):
        health = health.unheard(at(1), "").answered(at(2), "AE busy")
    assert (health.state, health.unanswered, health.words) == ("connected", 0, "AE busy")


def test_a_new_connection_alone_does_not_end_parking() -> None:
    assert parked().reached(at(9)).state == "parked"
    assert parked().missed(at(8), "refused").reached(at(9)).state == "parked"
    assert parked().answered(at(9), "AA").state == "connected"


def test_an_absent_lis_is_away_since_the_first_try_and_counts_nothing_against_messages() -> None:
    health = Health().reached(at(0))
    for second in range(1, 20):
        health = health.missed(at(second), "connection refused")
    assert (health.state, health.since, health.words) == ("away", at(1), "connection refused")
    assert (health.unreachable, health.unanswered) == (19, 0)
    assert health.reached(at(30)).unreachable == 0
