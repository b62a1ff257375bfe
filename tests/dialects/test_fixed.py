"""Texts by position and by expression."""

from __future__ import annotations

import re

from lis_bridge.dialects import fixed
from lis_bridge.dialects.paths import Path


def _form(match: str, **parts: object) -> fixed.Form:
    given = {"fields": {}, "constants": {}, "cell": (), "cells": None, **parts}
    return fixed.Form(re.compile(match), **given)  # type: ignore[arg-type]


def _column(reading: fixed.Reading, name: str) -> list[str]:
    return reading.rows.columns[Path("", name=name)]


def test_named_groups_of_the_match_are_fields_and_one_that_took_no_part_is_empty() -> None:
    reading = fixed.read("D1U000042", (_form(r"D1U0*(?P<number>\d+)(?P<name>[A-Z]+)?"),))
    assert reading is not None
    assert reading.lookup(Path("", name="number")) == "42"
    assert reading.lookup(Path("", name="name")) == ""


def test_the_first_form_that_fits_reads_and_none_is_no_reading() -> None:
    forms = (_form("A", constants={"is": "a"}), _form("", constants={"is": "any"}))
    readings = [fixed.read(text, forms) for text in ("A1", "B1")]
    assert [reading and reading.lookup(Path("", name="is")) for reading in readings] == ["a", "any"]
    assert fixed.read("B1", forms[:1]) is None


def test_rows_begin_behind_the_match_and_what_has_no_code_is_passed_over() -> None:
    rows = fixed.Found(re.compile(r"#\w+;|(?P<code>\w+)=(?P<value>[^,]*),(?P<unit>\d\d);"), {"unit": {"21": "mmHg"}})
    reading = fixed.read("X=0,00;pH= 7.40,20;#page2;pO2=93,21;", (_form(r"X=0,00;", rows=rows),))
    assert reading is not None
    assert _column(reading, "code") == ["pH", "pO2"]
    assert _column(reading, "value") == ["7.40", "93"]
    assert _column(reading, "unit") == ["20", "mmHg"]
    assert reading.rows.spans == [(7, 19), (26, 36)]


def test_a_rest_that_the_expression_does_not_fit_makes_the_text_unread() -> None:
    rows = fixed.Found(re.compile(r"(?P<code>\d\d)(?P<value>[ \d.]{6})"), {})
    forms = (_form("D", rows=rows),)
    assert fixed.read("D01  12.302   4.5", forms) is not None
    assert fixed.read("D01  12.3x02   4.5", forms) is None


def test_decimals_follow_the_code_and_the_digits_stay_beside_the_value() -> None:
    decimals = ((re.compile(r"\d\d1"), 1), (re.compile(r"\d\d4"), 2))
    cells = fixed.Cells(0, 9, (0, 3), (3, 5), (8, 1), None, decimals)
    reading = fixed.read("041  109 044   98*046   52 041-----*", (_form("0", cells=cells),))
    assert reading is not None
    assert _column(reading, "value") == ["10.9", "0.98", "52", "-----"]
    assert _column(reading, "verbatim") == ["109", "98", "52", "-----"]
    assert _column(reading, "flag") == ["", "*", "", "*"]


def test_an_implied_point_is_put_only_into_digits() -> None:
    assert [fixed.scaled(text, 2) for text in ("5", "123", "----", "*0000", "")] == ["0.05", "1.23", "----", "*0000", ""]


def test_cells_count_from_the_group_cells_and_those_left_blank_or_marked_have_no_value() -> None:
    none = re.compile("0+")
    cell = (
        fixed.Cell("WBC", 0, 3, 1, 1),
        fixed.Cell("RDW", 4, 3, 1, 1, none),
        fixed.Cell("PCT", 8, 3, 1, 1),
        fixed.Cell("MPV", 12, 3, 1, 1),
    )
    reading = fixed.read("any head;0000000 000", (_form(r"[^;]*;(?P<cells>)", cell=cell),))
    assert reading is not None
    assert _column(reading, "code") == ["WBC", "RDW", "PCT"]
    assert _column(reading, "value") == ["0.0", "", "0.0"]
    blank = fixed.read(";0841   0", (_form(r";(?P<cells>)", cell=cell),))
    assert blank is not None
    assert _column(blank, "value") == ["8.4", ""]
