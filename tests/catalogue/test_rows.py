"""Which rows of a message are results, and what their codes and aspects are: the words of a manifest's ``results`` table."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from lis_bridge.catalogue.manifest.driver import Manifest
from lis_bridge.catalogue.plan import Plan
from lis_bridge.catalogue.tests import TestCatalogue as Catalogue
from lis_bridge.catalogue.values import limits_of
from lis_bridge.core import resources
from lis_bridge.core.results import Message, Observation

TESTS = Catalogue.load(resources.catalogue())
HEAD = "H|\\^&|||Device\rP|1\rO|1|240001187||^^^all\r"


def rows(*records: str, codes: dict[str, str] | None = None, **table: Any) -> list[Observation]:
    """The rows of one bare LIS2-A2 message by a manifest with one table of results."""
    return list(message(HEAD, *records, codes=codes, **table).observations)


def message(
    head: str,
    *records: str,
    codes: dict[str, str] | None = None,
    specimen: str | None = None,
    unread: tuple[str, ...] = (),
    **table: Any,
) -> Message:
    manifest = Manifest.model_validate(
        {
            "id": "device", "name": "Device", "manufacturer": "Maker", "models": ["1"], "class": "chemistry", "revision": 1,
            "codes": codes or {},
            "dialect": {
                "astm": {
                    "kind": "lis2",
                    "framing": [{"kind": "bare-lis2"}],
                    "message": {"specimen": ["O-3"], "specimen_pattern": specimen, "unread": unread},
                    "results": [{"code": ["R-3.4"], "value": ["R-4"], "unit": ["R-5"], **table}],
                }
            },
        }
    )  # fmt: skip
    raw = (head + "".join(f"{record}\r" for record in records) + "L|1|N\r").encode()
    (found,) = Plan(manifest, TESTS, zone=ZoneInfo("Asia/Shanghai")).decode(raw).messages
    return found


def test_rows_that_only_leaves_out_are_no_results() -> None:
    found = rows("R|1|^^^A1c^AREA|5.6|%", "R|2|^^^A1c^TIME|0.91|min", "R|3|^^^F^AREA|0.4|%", only={"R-3.5": "AREA"})
    assert [(row.code, row.value) for row in found] == [("A1c", "5.6"), ("F", "0.4")]


def test_only_looks_at_the_whole_text() -> None:
    assert rows("R|1|^^^A1c^AREA%|5.6|%", only={"R-3.5": "AREA"}) == []


def test_a_row_that_only_keeps_has_its_own_bytes() -> None:
    (row,) = rows("R|1|^^^A1c^TIME|0.91|min", "R|2|^^^A1c^AREA|5.6|%", only={"R-3.5": "AREA"})
    start = len(HEAD) + len("R|1|^^^A1c^TIME|0.91|min\r")
    assert row.span == (start, start + len("R|2|^^^A1c^AREA|5.6|%"))


@pytest.mark.parametrize(("name", "code"), [("^^^HIVVL^Assay^3^^LOG", "HIVVL/LOG"), ("^^^HIVVL^Assay^3^^", "HIVVL"), ("x", "x")])
def test_the_groups_of_a_code_pattern_are_joined(name: str, code: str) -> None:
    (row,) = rows(f"R|1|{name}|4.27|", code=["R-3"], code_pattern=r"\^\^\^([^^]*)\^[^^]*\^[^^]*\^[^^]*\^(LOG)?")
    assert row.code == code


@pytest.mark.parametrize("name", ["^^^106^HBsAg^UNDILUTED^^P", "^^^701^HBsAg^UNDILUTED^P^41207HN00^03115^^P"])
def test_the_aspect_is_found_by_its_pattern(name: str) -> None:
    table = {"aspect": "R-3", "aspect_pattern": r".*\^(\w+)$", "aspects": {"F": "", "I": "I", "P": "P"}}
    (signal,) = rows(f"R|1|{name}|547|RLU", codes={"106": "HBsAg", "701": "HBsAg"}, **table)
    assert (signal.aspect, signal.test, signal.problem) == ("P", None, None)


@pytest.mark.parametrize(
    ("text", "limits"),
    [("-0.05 TO 0.05", ("-0.05", "0.05")), ("40.00 to 10000000.00", ("40.00", "10000000.00")), ("high", (None, None))],
)
def test_ranges_in_words_have_two_limits(text: str, limits: tuple[str | None, str | None]) -> None:
    assert limits_of(text) == limits


@pytest.mark.parametrize(
    ("sent", "id"),
    [
        ("240001187-07-01-20240410-LAB02", "240001187"),
        ("24-0001187-07-01-20240410", "24-0001187"),
        ("240001187", "240001187"),
        ("", None),
    ],
)
def test_the_id_is_cut_out_of_a_composite_text(sent: str, id: str | None) -> None:
    pattern = r"(.+)-\d+-\d+-\d{8}(?:-[^-]*)?"
    assert message(f"H|\\^&|||Device\rP|1\rO|1|{sent}||^^^all\r", "R|1|^^^A1c|5.6|%", specimen=pattern).specimen == id


def test_an_id_that_means_that_none_was_read_names_no_tube() -> None:
    head = "H|\\^&|||Device\rP|1\rO|1|Invalid||^^^all\r"
    assert message(head, "R|1|^^^X|1", unread=("Invalid",)).specimen is None
    assert message(HEAD, "R|1|^^^X|1", unread=("Invalid",)).specimen == "240001187"
