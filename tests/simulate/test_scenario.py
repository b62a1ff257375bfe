"""The demo's morning holds what it promises to show, and nothing that would fool its tally."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

import pytest

from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.tests import TestCatalogue as Catalogue
from lis_bridge.core import resources
from lis_bridge.simulate.compose import table_for
from lis_bridge.simulate.menu import figure, measure
from lis_bridge.simulate.sample import Sample
from lis_bridge.simulate.scenario import OBX_A_MESSAGE, UNKNOWN_CODE, Morning, Station, morning, station

LIBRARY = Library.load(resources.drivers())
TESTS = Catalogue.load(resources.catalogue())
NOW = datetime(2026, 3, 17, 11, 30, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture(scope="module")
def stations() -> tuple[Station, ...]:
    ids = {"line-1": "mindray-bs", "hematology-1": "sysmex-xn", "hemorheology-1": "zonci-zl"}
    return tuple(station(analyzer, LIBRARY.driver(id).manifest, TESTS) for analyzer, id in ids.items())


@pytest.fixture(scope="module")
def plan(stations: tuple[Station, ...]) -> Morning:
    return morning(stations, 20, NOW, seed=7)


def everything(plan: Morning, analyzer: str) -> list[Sample]:
    return plan.samples[analyzer] + plan.late[analyzer]


def test_a_whole_menu_of_the_line_is_more_than_200_tests_of_one_barcode(plan: Morning) -> None:
    tests = Counter(place.tube for place in plan.expected if place.analyzer == "line-1")
    assert max(tests.values()) >= 200


def test_no_message_of_the_line_has_more_results_than_the_vendor_sends(plan: Morning) -> None:
    assert max(len(sample.results) for sample in plan.samples["line-1"]) == OBX_A_MESSAGE


def test_the_same_seed_is_the_same_morning(stations: tuple[Station, ...], plan: Morning) -> None:
    assert morning(stations, 20, NOW, seed=7) == plan
    assert morning(stations, 20, NOW, seed=8) != plan


@pytest.mark.parametrize("tubes", [1, 2, 3, 20])
def test_every_special_tube_is_there_however_few_tubes_there_are(stations: tuple[Station, ...], tubes: int) -> None:
    plan = morning(stations, tubes, NOW, seed=1)
    line = plan.samples["line-1"]
    assert len(plan.tubes) == tubes
    assert any(sample.stat for sample in line)
    assert {sample.kind for sample in line} == {"patient", "qc"}
    assert any(measured.rerun for sample in line for measured in sample.results)
    assert sum(measured.code == UNKNOWN_CODE for sample in line for measured in sample.results) == plan.held == 1


def test_a_rerun_has_another_value_and_a_later_time(plan: Morning) -> None:
    runs = {place: values for place, values in plan.expected.items() if len(values) > 1}
    late = [measured for sample in plan.late["line-1"] for measured in sample.results]
    assert len(late) == 3
    assert len(runs) == 6
    assert all(first != second for first, second in runs.values())


def test_control_ids_of_an_analyzer_are_its_own_sequence(plan: Morning) -> None:
    for analyzer in plan.samples:
        samples = everything(plan, analyzer)
        assert [sample.control_id for sample in samples] == [str(number) for number in range(1, len(samples) + 1)]


def test_no_two_tubes_share_analyzer_code_and_second(plan: Morning) -> None:
    seen: dict[tuple[object, ...], str] = {}
    for analyzer in plan.samples:
        for sample in everything(plan, analyzer):
            for measured in sample.results:
                key = (analyzer, measured.code, measured.observed_at or sample.at)
                assert seen.setdefault(key, sample.id) == sample.id


def test_every_expected_result_was_sent_once_for_each_run(stations: tuple[Station, ...], plan: Morning) -> None:
    tests = {one.analyzer: {item.code: item.test.code for item in one.items} for one in stations}
    sent = Counter(
        (sample.id, analyzer, tests[analyzer][measured.code], measured.value)
        for analyzer in plan.samples
        for sample in everything(plan, analyzer)
        if sample.kind == "patient"
        for measured in sample.results
        if measured.code != UNKNOWN_CODE
    )
    assert sent == Counter((*place, value) for place, values in plan.expected.items() for value in values)


def test_a_menu_names_every_test_once_and_none_that_would_be_converted(stations: tuple[Station, ...]) -> None:
    for one in stations:
        assert one.items
        assert len({item.test.code for item in one.items}) == len(one.items)
        table = table_for(one.composer.dialect, "patient")
        for item in one.items:
            spelling = item.unit if table.unit else one.manifest.units.get(item.code) or one.manifest.units.get(item.test.code)
            unit = TESTS.unit(spelling or None, item.test)
            assert unit is not None
            assert unit.factor is None


def test_figures_have_the_decimals_of_the_catalogue(stations: tuple[Station, ...]) -> None:
    items = [item for one in stations for item in one.items]
    for item, measured in zip(items, measure(items, Random(3), abnormal={"H": "H"}), strict=True):
        assert -int(Decimal(measured.value).as_tuple().exponent) == item.test.decimals
        assert Decimal(measured.value) > 0


def test_figures_go_a_little_beyond_the_range_and_no_further() -> None:
    chance = Random(5)
    drawn = [figure("3.5", "5.1", 2, chance) for _ in range(300)]
    assert min(drawn) < Decimal("3.5") < Decimal("5.1") < max(drawn)
    assert Decimal("3.26") <= min(drawn) <= max(drawn) <= Decimal("5.5")
