"""Moments as manifests describe them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from lis_bridge.catalogue.manifest.moments import MomentSpec
from lis_bridge.catalogue.moments import moment_reader

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("said", "text", "moment"),
    [
        ({"order": "dmy"}, "09FEB24  15:22", "2024-02-09T15:22+08:00"),
        ({"order": "dmy"}, "27 MAY 24 08:41", "2024-05-27T08:41+08:00"),
        ({"order": "dmy"}, "17 Juin 2024", "2024-06-17"),
        ({"order": "dmy"}, "1er août 2024", "2024-08-01"),
        ({"order": "dmy"}, "3 FEVRIER 2024", "2024-02-03"),
        ({"order": "dmy"}, "3 mai 2024", "2024-05-03"),
        ({"order": "dmy"}, "31 Mars 2024", "2024-03-31"),
        ({"order": "dmy"}, "14 Juillet 2024", "2024-07-14"),
        ({"order": "mdy"}, "Apr 11/26 09:12", "2026-04-11T09:12+08:00"),
        ({"order": "dmy", "clock": "smh"}, "30426 313411", "2026-04-03T11:34:31+08:00"),
        ({"order": "dmy", "clock": "smh"}, "030426  53411", "2026-04-03T11:34:05+08:00"),
        ({"order": "ymd"}, "260317 1038", "2026-03-17T10:38+08:00"),
        ({"order": "ymd"}, "250230", None),
        ({"order": "ymd"}, "60317", None),
        ({"order": "mdy"}, "250718", None),
    ],
)
def test_a_moment_is_read_by_its_order_or_not_at_all(said: dict[str, str], text: str, moment: str | None) -> None:
    read = moment_reader(MomentSpec.model_validate({"date": "date", **said}), ZONE)
    assert read(text) == moment
