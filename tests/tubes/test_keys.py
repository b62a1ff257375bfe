"""Which tube a message belongs to (DESIGN section 3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from lis_bridge.core.holds import Reason
from lis_bridge.tubes.keys import Key, SpecimenRules, key_of, named
from tests.tubes.samples import NOW, message, row

RULES = SpecimenRules(re.compile(r"[A-Za-z0-9-]{8,}"), 24, ZoneInfo("Asia/Shanghai"))


def key(specimen: str | None, *, rules: SpecimenRules = RULES, now: datetime = NOW, space: str = "line-1", **more: Any) -> Key:
    more.setdefault("dated", "2026-03-17")
    return key_of(message(row("K", "4.1"), specimen=specimen, **more), space, rules, now)


@pytest.mark.parametrize("specimen", ["26031700881", "NLAB25-00417", " 0417070033 "])
def test_a_barcode_is_the_key_itself(specimen: str) -> None:
    found = key(specimen)
    assert (found.key, found.numbered, found.doubt) == (specimen.strip(), False, None)


def test_a_running_number_is_keyed_by_date_space_and_number() -> None:
    found = key("7")
    assert (found.key, found.specimen, found.numbered, found.doubt) == ("20260317-line-1-7", "7", True, None)


def test_leading_zeros_do_not_make_another_tube() -> None:
    assert key("0007").key == key("7").key
    assert key("000000000000846", rules=SpecimenRules(re.compile(r"\d{10}"), 24, RULES.zone)).key == "20260317-line-1-846"


def test_the_same_number_of_two_analyzers_is_two_tubes() -> None:
    assert key("7", space="line-1").key != key("7", space="blood-1").key


def test_the_same_number_of_two_days_is_two_tubes() -> None:
    assert key("7").key != key("7", dated="2026-03-16").key


def test_routine_and_stat_numbers_are_two_tubes() -> None:
    assert key("7", series="E").key == "20260317-line-1-E7"
    assert key("E007", series="E").key == "20260317-line-1-E7"
    assert key("7", series="E").key != key("7").key


@pytest.mark.parametrize(
    ("one", "other"),
    [(("1", "23"), ("12", "3")), (("", "17"), ("1", "7")), (("A1", "7"), ("A", "17")), (("2-1", "7"), ("2", "17"))],
)
def test_no_two_series_ever_make_one_key(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert key(one[1], series=one[0]).key != key(other[1], series=other[0]).key


def test_a_series_never_reaches_into_the_space() -> None:
    assert key("7", space="line", series="1").key != key("7", space="line-1").key


@pytest.mark.parametrize("specimen", [None, "", "  "])
def test_no_id_is_specimen_missing(specimen: str | None) -> None:
    assert key(specimen).doubt is Reason.SPECIMEN_MISSING


@pytest.mark.parametrize("specimen", ["E007", "0-007", "-3", "T31 20455", "70.5", "７", "0", "0000", "0000000000"])
def test_what_is_neither_barcode_nor_number_is_unmatched(specimen: str) -> None:
    found = key(specimen)
    assert (found.key, found.doubt) == ("", Reason.SPECIMEN_UNMATCHED)


def test_a_barcode_read_short_is_not_taken_for_a_number() -> None:
    rules = SpecimenRules(re.compile(r"\d{10}"), 24, RULES.zone)
    assert key("260318045", rules=rules).doubt is Reason.SPECIMEN_UNMATCHED


def test_a_number_without_any_date_is_doubtful() -> None:
    found = key_of(message(row("K", "4.1", time=None), specimen="7"), "line-1", RULES, NOW)
    assert found.doubt is Reason.IDENTITY_DOUBTFUL


def test_the_date_is_the_manifests_else_that_of_the_results() -> None:
    rows = message(row("K", "4.1"), specimen="7")
    assert key_of(rows, "line-1", RULES, NOW).key == "20260317-line-1-7"
    assert key("7", dated="2026-03-16").key == "20260316-line-1-7"


def test_a_number_of_an_analyzer_that_writes_another_zone_is_of_the_sites_day() -> None:
    evening, next_morning = (
        message(row(code, "4.1", observed_at=f"2026-03-16T{time}+00:00"), specimen="7")
        for code, time in (("K", "12:00:00"), ("NA", "23:00:00"))  # 20:00, and 07:00 of the next day, in Shanghai
    )
    found = [key_of(one, "line-1", RULES, NOW).key for one in (evening, next_morning)]
    assert found == ["20260316-line-1-7", "20260317-line-1-7"]


def test_a_message_that_speaks_of_the_day_of_reception_in_another_zone_is_dated_by_it() -> None:
    assert received(datetime(2026, 3, 16, 17, 0, tzinfo=UTC), sent_at="2026-03-16T16:59:58+00:00").key == "20260317-line-1-7"


def test_results_of_two_days_and_no_date_are_doubtful() -> None:
    rows = message(row("K", "4.1"), row("NA", "141", observed_at="2026-03-16T23:59:00+08:00"), specimen="7")
    assert key_of(rows, "line-1", RULES, NOW).doubt is Reason.IDENTITY_DOUBTFUL


@pytest.mark.parametrize(("dated", "doubt"), [("2026-03-16", None), ("2026-03-15", Reason.IDENTITY_DOUBTFUL)])
def test_a_date_further_than_the_window_from_reception_is_doubtful(dated: str, doubt: Reason | None) -> None:
    assert key("7", dated=dated).doubt is doubt


@pytest.mark.parametrize(("dated", "doubt"), [("2026-03-18", None), ("2026-03-19", Reason.IDENTITY_DOUBTFUL)])
def test_a_clock_that_runs_ahead_is_doubtful_too(dated: str, doubt: Reason | None) -> None:
    assert key("7", dated=dated).doubt is doubt


def test_the_day_is_the_sites_day() -> None:
    just_after_midnight = datetime(2026, 3, 16, 16, 5, tzinfo=UTC)
    rules = SpecimenRules(RULES.barcode, 1, RULES.zone)
    assert key("7", dated="2026-03-16", now=just_after_midnight, rules=rules).doubt is None
    assert key("7", dated="2026-03-15", now=just_after_midnight, rules=rules).doubt is Reason.IDENTITY_DOUBTFUL


def test_a_window_of_zero_accepts_any_date() -> None:
    assert key("7", dated="2019-01-01", rules=SpecimenRules(RULES.barcode, 0, RULES.zone)).key == "20190101-line-1-7"


def test_a_barcode_needs_no_date() -> None:
    assert key("26031700881", dated="2019-01-01").doubt is None


@pytest.mark.parametrize("specimen", ["7", "26031700881"])
def test_a_person_types_the_key_that_the_bridge_shows(specimen: str) -> None:
    shown = key(specimen)
    typed = named(f" {shown.key} ")
    assert (typed.key, typed.numbered) == (shown.key, shown.numbered)


def received(now: datetime = NOW, **more: Any) -> Key:
    """The key of a number without a date where the site says that the day of reception is its date."""
    return key_of(message(row("K", "4.1", time=None), specimen="7", **more), "line-1", RULES, now, dated_at_reception=True)


def test_where_the_site_says_so_a_number_without_a_date_is_of_the_day_of_reception() -> None:
    assert received().key == "20260317-line-1-7"
    assert received(datetime(2026, 3, 16, 15, 59, tzinfo=UTC)).key == "20260316-line-1-7"
    assert received(sent_at="2026-03-17T10:29:58+08:00").key == "20260317-line-1-7"


def test_a_date_of_the_message_stands_before_the_day_of_reception() -> None:
    assert received(dated="2026-03-16").key == "20260316-line-1-7"
    assert received(dated="2026-03-01").doubt is Reason.IDENTITY_DOUBTFUL


def test_a_message_that_speaks_of_another_day_is_not_dated_by_its_reception() -> None:
    late = received(sent_at="2026-03-16T23:59:58+08:00")
    assert (late.doubt, "in a message of 2026-03-16" in late.detail) == (Reason.IDENTITY_DOUBTFUL, True)
    rows = message(row("K", "4.1", time=None), row("NA", None, observed_at="2026-03-15T08:00:00+08:00"), specimen="7")
    assert key_of(rows, "line-1", RULES, NOW, dated_at_reception=True).doubt is Reason.IDENTITY_DOUBTFUL


def test_the_day_of_reception_helps_no_id_that_is_no_number() -> None:
    for specimen in (None, "000", "E007"):
        assert key_of(message(row("K", "4.1", time=None), specimen=specimen), "x", RULES, NOW, dated_at_reception=True).doubt
