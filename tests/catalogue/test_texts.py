"""The words by which a manifest says delimited text, and tells several dialects of one family apart."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from lis_bridge.catalogue.manifest.driver import Manifest
from lis_bridge.catalogue.plan import Decoded, Plan
from lis_bridge.catalogue.tests import TestCatalogue as Catalogue
from lis_bridge.core import resources

TESTS = Catalogue.load(resources.catalogue())
WHOLE = {"framing": [{"kind": "whole"}]}
RESULTS = [{"code": ["code"], "value": ["value"], "unit": ["unit"]}]
ACROSS = {"head": "^ID", "across": {"info": ["Note"]}}
WIDE = {"kind": "csv", **WHOLE, "message": {"specimen": ["ID"], "dated": [{"date": "Day"}]}, "results": RESULTS, "csv": ACROSS}
LINE = {"delimiter": " ", "columns": ["no", "code", "value"], "least": 2, "down": {"sample": ["no"]}}
LINES = {"kind": "csv", "framing": [{"kind": "lines"}], "gathered": True, "message": {"specimen": ["no"]}, "csv": LINE}


def plan(dialects: dict[str, Any], **said: Any) -> Plan:
    base = {"id": "device", "name": "Device", "manufacturer": "Maker", "models": ["1"], "class": "chemistry", "revision": 1}
    manifest = Manifest.model_validate({**base, "codes": {"HGB": "HGB"}, "units": {"HGB": "g/L"}, "dialect": dialects, **said})
    return Plan(manifest, TESTS, zone=ZoneInfo("Asia/Shanghai"))


def values(found: Decoded) -> list[tuple[str | None, list[tuple[str, str | None]]]]:
    return [(message.specimen, [(row.code, row.value) for row in message.observations]) for message in found.messages]


def test_a_file_of_samples_with_the_names_of_its_columns() -> None:
    found = plan({"csv": WIDE}).decode(b"ID,Day,Note,HGB\r\n7,2024-5-14,2,146\r\n8,2024-5-14,3,\r\n")
    assert values(found) == [("7", [("HGB", "146")]), ("8", [("HGB", None)])]
    assert found.messages[0].dated == "2024-05-14"
    (row,) = found.messages[0].observations
    assert (row.test, row.ucum, row.span) == ("HGB", "g/L", (17, 34))


def test_a_damaged_row_is_a_fault_that_names_its_line_and_nothing_of_the_text_is_a_message() -> None:
    found = plan({"csv": WIDE}).decode(b"ID,Day,Note,HGB\n7,2024-5-14,2,146\n8,2024-5-14,a,b,150\n")
    assert found.messages == ()
    assert [(fault.kind, fault.where) for fault in found.faults] == [("row damaged", "line 3: 5 cells, but 4 columns")]


def test_a_sample_that_was_cut_off_is_evidence_only() -> None:
    found = plan({"csv": WIDE}).decode(b"ID,Day,Note,HGB\n7,2024-5-14,2,146\n8,2024-5-14,3,1")
    assert [(message.specimen, message.complete, message.closed) for message in found.messages] == [
        ("7", True, True),
        ("8", False, False),
    ]


def test_names_without_samples_are_no_patient_message() -> None:
    assert [message.kind for message in plan({"csv": WIDE}).decode(b"ID,Day,Note,HGB\n").messages] == ["other"]


def test_lines_that_name_one_specimen_are_one_message_of_a_capture_in_the_order_of_the_first() -> None:
    found = plan({"text": {**LINES, "results": [{"code": ["code"], "value": ["value"]}]}}).decode(b"1 A 1\n2 A 3\n1 B 2\n3 A 12")
    assert values(found) == [("1", [("A", "1"), ("B", "2")]), ("2", [("A", "3")])]
    assert [fault.kind for fault in found.faults] == ["line damaged"]


def test_a_line_of_its_own_is_read_like_the_same_line_of_a_capture() -> None:
    one = plan({"text": {**LINES, "results": [{"code": ["code"], "value": ["value"]}]}}).decode(b"1 B 2\r\n")
    assert values(one) == [("1", [("B", "2")])]


def test_match_decides_among_dialects_that_could_all_read_a_text() -> None:
    def named(separator: str) -> dict[str, Any]:
        return {
            "kind": "pairs",
            **WHOLE,
            "match": f"^ID{separator}",
            "message": {"specimen": ["ID"]},
            "results": RESULTS,
            "pairs": {"separator": separator},
        }

    both = plan({"colons": named(":"), "signs": named("=")})
    assert values(both.decode(b"ID:7\nHGB:146\n")) == [("7", [("HGB", "146")])]
    assert values(both.decode(b"X\nID=8\nHGB=147\n")) == [("8", [("HGB", "147")])]
    assert [fault.kind for fault in both.decode(b"ID;9\nHGB;148\n").faults] == ["no dialect"]


def test_speaks_leaves_out_the_dialects_of_the_driver_below() -> None:
    both = {"a": {**LINES, "results": RESULTS}, "b": WIDE}
    assert [dialect.name for dialect in plan(both, speaks=["b"]).dialects] == ["b"]
    assert [profile.kind for profile in plan(both, speaks=["b"]).profiles] == ["whole"]
    with pytest.raises(ValueError, match="has no dialect c; it has a, b"):
        plan(both, speaks=["c"])


def test_the_time_that_one_result_carries_is_that_of_all() -> None:
    table = {"code": ["R-3.4"], "value": ["R-4"], "observed_at": ["R-12"], "observed_once": True}
    astm = {"kind": "lis2", "framing": [{"kind": "bare-lis2"}], "message": {"specimen": ["O-3"]}, "results": [table]}
    rows = b"R|1|^^^T|37.0|Cel|||F||X|20240614080951\rR|2|^^^pH|7.38\r"
    (message,) = plan({"astm": astm}).decode(b"H|\\^&|||D\rP|1\rO|1|7\r" + rows.replace(b"||X|", b"||X||") + b"L|1|N\r").messages
    assert [row.observed_at for row in message.observations] == ["2024-06-14T08:09:51+08:00"] * 2


@pytest.mark.parametrize(
    ("csv", "what"),
    [
        ({"columns": ["a"]}, "one of across, down and records"),
        ({**LINE, "across": {}}, "one of across, down and records"),
        ({"down": {"sample": ["a"]}}, "either head or columns"),
        ({**LINE, "head": "^a"}, "either head or columns"),
        ({**LINE, "delimiter": "||"}, "at most 1 character"),
    ],
)
def test_rows_that_are_said_in_two_ways_or_none_are_refused(csv: dict[str, Any], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        plan({"text": {**LINES, "results": RESULTS, "csv": csv}})


def test_rows_that_two_tables_map_keep_their_places_in_the_bytes() -> None:
    tables = [{"code": ["code"], "value": ["value"], "only": {"code": code}} for code in ("A", "B")]
    block = {**LINES, "framing": [{"kind": "block", "start": "02", "end": "03"}], "results": tables}
    raw = b"\r\n\x021 A 1\r\n1 B 2\r\n\x03"
    (message,) = plan({"text": block}).decode(raw).messages
    assert [raw[slice(*row.span)] for row in message.observations] == [b"1 A 1", b"1 B 2"]
