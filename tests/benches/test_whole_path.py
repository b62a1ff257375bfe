"""The bench of the whole path measures nothing that is wrong: each shape arrives whole through a real bridge, and whatever is amiss is seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benches.whole_path import trials
from benches.whole_path.lis import Heard
from benches.whole_path.shapes import SHAPES, expected, mark

TUBES = 4


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_arrives_whole(shape: str, tmp_path: Path) -> None:
    measured = trials.whole_path(trials.Plan(SHAPES[shape], TUBES), tmp_path)
    assert len(measured.latencies) == TUBES
    assert measured.cpu > 0


def test_the_floor_passes_everything_on(tmp_path: Path) -> None:
    for shape in ("one", "lis1a"):
        assert len(trials.the_floor(trials.Plan(SHAPES[shape], TUBES), tmp_path).taken) == TUBES


def test_a_queue_drains_once_the_lis_is_back(tmp_path: Path) -> None:
    assert len(trials.whole_path(trials.Plan(SHAPES["one"], TUBES, away=True), tmp_path).taken) == TUBES


def _lose(heard: Heard) -> None:
    heard.marks.popitem()


def _misfile(heard: Heard) -> None:
    one, other = list(heard.marks)[:2]
    heard.marks[one], heard.marks[other] = heard.marks[other], heard.marks[one]


def _repeat(heard: Heard) -> None:
    heard.repeated = 1


def _invent(heard: Heard) -> None:
    heard.marks["T-unknown"] = mark(["GLU=4.1"])


@pytest.mark.parametrize("wrong", [_lose, _misfile, _repeat, _invent])
def test_a_wrong_result_fails_the_trial(wrong: Callable[[Heard], None]) -> None:
    plan = trials.Plan(SHAPES["one"], TUBES)
    heard = Heard(marks=expected(plan.tubes_sent()))
    trials.check(plan, heard)
    wrong(heard)
    with pytest.raises(AssertionError):
        trials.check(plan, heard)


@pytest.mark.parametrize("results", [["K=4.1"], ["K=4.1", "Na=140", "Na=140"], ["K=4.2", "Na=140"], ["K=140", "Na=4.1"]])
def test_a_mark_tells_lost_doubled_changed_and_exchanged_results(results: list[str]) -> None:
    assert mark(results) != mark(["Na=140", "K=4.1"])
    assert mark(["K=4.1", "Na=140"]) == mark(["Na=140", "K=4.1"])
