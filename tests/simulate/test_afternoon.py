"""The afternoon goes on slowly, and every few tubes there is something to decide."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from itertools import islice
from zoneinfo import ZoneInfo

from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core import resources
from lis_bridge.simulate.afternoon import CRITICAL, EVERY, PARTS, TWICE, UNKNOWN, Pace, steps
from lis_bridge.simulate.scenario import UNKNOWN_CODE, Station, morning, station

NOW = datetime(2026, 3, 17, 13, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
TESTS = TestCatalogue.load()
PACE = Pace()


def line() -> Station:
    return station("line-1", Library.load(resources.drivers()).driver("mindray-bs").manifest, TESTS)


def tubes(number: int) -> list[list[tuple[str, str, str]]]:
    """Code, value and time of the first tubes' results."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for step in islice(steps(line(), 0, NOW, 1, PACE), number * PARTS):
        rows = [(one.code, one.value, str(one.observed_at)) for one in step.sample.results]
        found.setdefault(step.sample.id, []).extend(rows)
    return list(found.values())


def test_a_tube_fills_up_in_parts_at_the_line_s_pace() -> None:
    first = list(islice(steps(line(), 0, NOW, 1, PACE), PARTS))
    assert len({step.sample.id for step in first}) == 1
    assert sum(step.after for step in first) == PACE.tube


def test_a_critical_value_comes_early_and_seldom() -> None:
    known = {item.code: item.test for item in line().items}
    counts = [
        sum(
            (Decimal(value) > Decimal(known[code].crit_high or "Infinity"))
            + (Decimal(value) < Decimal(known[code].crit_low or "-Infinity"))
            for code, value, _ in tube
            if code in known
        )
        for tube in tubes(EVERY)
    ]
    assert counts == [int(number == CRITICAL) for number in range(EVERY)]


def test_a_code_that_nobody_knows_comes_early() -> None:
    assert UNKNOWN_CODE in [code for code, _, _ in tubes(UNKNOWN + 1)[UNKNOWN]]


def test_results_of_one_tube_come_once_more_under_another_specimen() -> None:
    found = tubes(TWICE + 1)
    assert found[TWICE][:3] == found[TWICE - 1][:3]
    assert not set(found[TWICE][3:]) & set(found[TWICE - 1])


def test_no_tube_is_one_of_the_morning_s() -> None:
    stations = [line()]
    plan = morning(stations, 9999, NOW, 1)
    named = {step.sample.id for step in islice(steps(stations[0], 0, NOW, 1, PACE), 300)}
    assert not named & set(plan.tubes)


def test_the_same_seed_measures_the_same() -> None:
    assert tubes(4) == tubes(4)
