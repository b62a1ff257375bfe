"""Every question of ``benches/`` leaves an ``Outcome``; they are shown side by side, kept, or held against the kept ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from benches import results
from benches.race import LAPS, Contestant, Figure, Outcome, Race

OUTCOMES = pytest.StashKey[list[Outcome]]()
KEPT = pytest.StashKey[dict[str, Any]]()
RESULTS = Path(__file__).parent / "results"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("lis-bridge")
    group.addoption("--keep", action="store_true", help="keep the figures as this machine's in benches/results")
    group.addoption("--hold", action="store_true", help="fail where a figure breaks its promise or is worse than the kept one")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[OUTCOMES] = []
    config.stash[KEPT] = results.load(RESULTS)


@pytest.fixture
def outcome(request: pytest.FixtureRequest) -> Outcome:
    """The sheet of the question that the test asks: the first line of its docstring."""
    sheet = Outcome((request.function.__doc__ or request.node.name).strip().splitlines()[0])
    request.config.stash[OUTCOMES].append(sheet)
    return sheet


@pytest.fixture
def race(benchmark: Any, outcome: Outcome) -> Callable[..., Race]:
    """Runs contestants in turns; ``goals`` say how many times another's cost ours should be at most, ``reference`` which ratio is guarded."""

    def run(contestants: Sequence[Contestant], *, goals: Mapping[str, float], reference: str, laps: int = LAPS) -> Race:
        race = Race(contestants)
        benchmark.pedantic(race.lap, rounds=laps, iterations=1)
        ours = contestants[0].name
        outcome.costs.update(race.costs())
        outcome.figures.extend(
            Figure(f"{ours} / {one.name}", race.ratio(ours, one.name), "×", goals.get(one.name), guarded=one.name == reference)
            for one in contestants[1:]
        )
        return race

    return run


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in results.table(config.stash[OUTCOMES], config.stash[KEPT]):
        terminalreporter.write_line(line)


def pytest_sessionfinish(session: pytest.Session) -> None:
    found = session.config.stash[OUTCOMES]
    if session.config.getoption("--keep") and session.exitstatus == 0:
        results.keep(RESULTS, found)
    if session.config.getoption("--hold") and results.broken(found, session.config.stash[KEPT]):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
