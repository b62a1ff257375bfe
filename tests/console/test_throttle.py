"""The brake on guessing, without a clock."""

from __future__ import annotations

from lis_bridge.console.accounts.throttle import FIRST_SECONDS, FREE, FREE_OF_ADDRESS, LONGEST_SECONDS, REMEMBERED, Throttle


def test_waits_double_up_to_the_longest() -> None:
    brake = Throttle()
    waits = []
    for _ in range(FREE + 12):
        brake.failed("lin", "a", 0.0)
        waits.append(brake.wait("lin", "a", 0.0))
    assert waits[: FREE - 1] == [0.0] * (FREE - 1)
    assert waits[FREE - 1 : FREE + 2] == [FIRST_SECONDS, 2 * FIRST_SECONDS, 4 * FIRST_SECONDS]
    assert waits[-1] == LONGEST_SECONDS


def test_a_wait_is_over_when_it_is_over() -> None:
    brake = Throttle()
    for _ in range(FREE):
        brake.failed("lin", "a", 0.0)
    assert brake.wait("lin", "a", FIRST_SECONDS + 0.1) == 0.0


def test_an_address_that_tries_many_names_waits_too_and_others_do_not() -> None:
    brake = Throttle()
    for number in range(FREE_OF_ADDRESS):
        brake.failed(f"user{number}", "a", 0.0)
    assert brake.wait("new", "a", 0.0) > 0
    assert brake.wait("new", "b", 0.0) == 0


def test_the_right_password_forgives_the_user_and_not_the_address() -> None:
    brake = Throttle()
    for _ in range(FREE - 1):
        brake.failed("lin", "a", 0.0)
    brake.passed("lin", "a")
    brake.failed("lin", "a", 0.0)
    assert brake.wait("lin", "a", 0.0) == 0


def test_memory_is_bounded() -> None:
    brake = Throttle()
    for number in range(REMEMBERED * 2):
        brake.failed(f"user{number}", "a", 0.0)
    assert len(brake._records) <= REMEMBERED + 1
