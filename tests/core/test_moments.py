"""Moments as text: precision kept, offsets kept, nothing invented."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from lis_bridge.core import moments

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        ("20260317", "2026-03-17"),
        ("202603170945", "2026-03-17T09:45+08:00"),
        ("20260317094542", "2026-03-17T09:45:42+08:00"),
        ("20260317094542.123", "2026-03-17T09:45:42+08:00"),
        ("20260317094542-0500", "2026-03-17T09:45:42-05:00"),
        ("20260317094542+9999", None),
        ("20260317094542+2500", None),
        ("20260317094542-0060", None),
        ("00010101000000", None),
        ("99991231235959-0800", None),
        ("99991231", None),
        ("20260230", None),
        ("20261317094542", None),
        ("20260317250000", None),
        ("2026031", None),
        ("", None),
        ("20260317094542x", None),
    ],
)
def test_digits_keep_their_precision_or_are_no_moment(wire: str, text: str | None) -> None:
    assert moments.from_digits(wire, SHANGHAI) == text


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("2026-03-17", "20260317"),
        ("2026-03-17T09:45+08:00", "202603170945+0800"),
        ("2026-03-17T09:45-05:00", "202603170945-0500"),
        ("2026-03-17T09:45:42+08:00", "20260317094542+0800"),
    ],
)
def test_hl7_says_the_same_moment_with_its_offset(text: str, wire: str) -> None:
    assert moments.hl7(text) == wire


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-03-17", "2026-03-17"),
        ("2026-03-17T09:45+08:00", "2026-03-17T09:45:00"),
        ("2026-03-17T09:45:42-05:00", "2026-03-17T09:45:42"),
    ],
)
def test_local_fills_in_seconds_and_drops_the_offset(text: str, told: str) -> None:
    assert moments.local(text) == told


def test_an_instant_is_aware_and_a_bare_date_is_none() -> None:
    assert moments.instant("2026-03-17T09:45:42+08:00") == datetime(2026, 3, 17, 1, 45, 42, tzinfo=UTC)
    assert moments.instant("2026-03-17") is None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-17", "2026-03-17"),
        ("2026-03-17T23:59:59+08:00", "2026-03-17"),
        ("2026-03-17T16:00:00+00:00", "2026-03-18"),
        ("2026-03-18T00:30+09:00", "2026-03-17"),
    ],
)
def test_the_day_of_a_moment_is_the_sites_whatever_its_own_offset(text: str, day: str) -> None:
    assert moments.day_at(text, SHANGHAI) == day
