"""Kept figures: what counts as worse, and for which machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benches import results
from benches.race import Figure, Outcome


def asked(value: float, *, guarded: bool = True, at_most: float | None = None) -> list[Outcome]:
    return [Outcome("How much?", {"ours": 1.0}, [Figure("ours / floor", value, "×", at_most=at_most, guarded=guarded)])]


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    results.keep(tmp_path, asked(2.0))
    return tmp_path


@pytest.mark.parametrize(("value", "held"), [(1.0, True), (2.29, True), (2.31, False)])
def test_a_guarded_figure_may_be_15_percent_worse_than_the_kept_one(kept: Path, value: float, held: bool) -> None:
    assert (results.broken(asked(value), results.load(kept)) == []) is held


def test_a_figure_that_is_not_guarded_may_be_anything(kept: Path) -> None:
    assert results.broken(asked(9.0, guarded=False), results.load(kept)) == []


def test_a_limit_holds_without_kept_figures(tmp_path: Path) -> None:
    assert results.broken(asked(1.7, at_most=1.6), results.load(tmp_path)) == ["How much?: ours / floor"]


def test_figures_of_another_machine_are_not_compared(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "machine", lambda: {"cpu": "another", "python": "CPython 3.11.7"})
    assert results.broken(asked(9.0), results.load(kept)) == []


def test_keeping_one_question_keeps_the_others(kept: Path) -> None:
    results.keep(kept, [Outcome("What else?")])
    content = json.loads(results.file_of(kept).read_text(encoding="utf-8"))
    assert list(content["questions"]) == ["How much?", "What else?"]


def test_the_table_says_what_is_worse_and_which_goal_is_not_reached(kept: Path) -> None:
    asking = [Outcome("How much?", {}, [Figure("ours / floor", 3.0, "×", goal=2.5, guarded=True)])]
    shown = "\n".join(results.table(asking, results.load(kept)))
    assert "WORSE" in shown
    assert "goal 2.5: not reached" in shown
