"""Whose turn it is: urgent first, nobody starved, order kept in each lane."""

from __future__ import annotations

from concurrent.futures import Future

from hypothesis import given, settings
from hypothesis import strategies as st

from lis_bridge.storage.jobs import Job, Lanes


def job(name: str) -> Job:
    return Job(lambda _tx: name, Future(), None, result=name)


def batch(lanes: Lanes, limit: int = 100) -> list[str]:
    lanes.begin_batch()
    taken: list[str] = []
    while len(taken) < limit and (one := lanes.take()):
        taken.append(one.result)
    return taken


def fill(lanes: Lanes, *names: str) -> None:
    for name in names:
        lanes.put(job(name), urgent=name.startswith("u"))


def test_a_batch_of_urgent_jobs_is_closed_before_waiting_ones() -> None:
    lanes = Lanes()
    fill(lanes, "w1", "w2", "u1", "u2")
    assert batch(lanes) == ["u1", "u2"]
    assert batch(lanes) == ["w1", "w2"]


def test_an_urgent_job_that_comes_during_a_batch_is_next_and_closes_it() -> None:
    lanes = Lanes()
    fill(lanes, "w1", "w2")
    lanes.begin_batch()
    first = lanes.take()
    assert first is not None
    assert first.result == "w1"
    fill(lanes, "u1")
    second = lanes.take()
    assert second is not None
    assert second.result == "u1"
    assert lanes.take() is None
    assert batch(lanes) == ["w2"]


def test_waiting_work_goes_on_under_a_load_that_is_always_urgent() -> None:
    lanes = Lanes()
    fill(lanes, *(f"w{n}" for n in range(5)))
    taken: list[str] = []
    for n in range(10):
        fill(lanes, f"u{n}")
        taken += batch(lanes)
    assert [name for name in taken if name[0] == "w"] == [f"w{n}" for n in range(5)]


@given(st.lists(st.tuples(st.lists(st.sampled_from("uw"), max_size=6), st.integers(1, 5)), max_size=20))
@settings(max_examples=150)
def test_every_job_is_taken_once_and_each_lane_keeps_its_order(rounds: list[tuple[list[str], int]]) -> None:
    lanes = Lanes()
    put: list[str] = []
    taken: list[str] = []
    for kinds, limit in rounds:
        fresh = [f"{kind}{len(put) + n}" for n, kind in enumerate(kinds)]
        fill(lanes, *fresh)
        put += fresh
        got = batch(lanes, limit)
        assert got or not put[len(taken) :]
        taken += got
    taken += [one.result for one in lanes.drain()]
    for lane in "uw":
        assert [name for name in taken if name[0] == lane] == [name for name in put if name[0] == lane]
    assert not lanes
