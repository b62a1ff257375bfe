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


def test_the_form_of_a_value_tells_its_unit_where_the_wire_names_none() -> None:
    forms = ((re.compile(r"0?\.\d+"), "L/L"), (re.compile(r"\d\d\.\d"), "%"))
    pattern = re.compile(r"(?P<code>\w+) (?P<value>[^ ;]+)(?: (?P<unit>\w+))?;")
    rows = fixed.Found(pattern, {}, {"HCT": forms})
    reading = fixed.read("HCT .514;HCT 40.6;HCT 40;HCT .5 x;MCV .5;", (_form("", rows=rows),))
    assert reading is not None
    assert _column(reading, "unit") == ["L/L", "%", "", "x", ""]
    plain = fixed.read("MCV .5;", (_form("", rows=fixed.Found(re.compile(r"(?P<code>\w+) (?P<value>[^;]+);"), {})),))
    assert plain is not None
    assert Path("", name="unit") not in plain.rows.columns


def test_pictures_and_curves_are_named_by_their_groups_and_measured_by_how_they_are_written() -> None:
    pattern = re.compile(
        r"(?P<image>[A-Z])(?:h(?P<hex>\w+)|d(?P<digits>\w+)|b(?P<bytes>...)|n(?P<numbers>[\d :]+));|(?P<code>\d)=(?P<value>\d);"
    )
    reading = fixed.read("Ah00FF10;Bd0312;Cb \r\x01;Dn: 1: 22:3;1=2;", (_form("", rows=fixed.Found(pattern, {})),))
    assert reading is not None
    assert [(image.code, image.format, image.size) for image in reading.images] == [
        ("A", "hex", 3), ("B", "digits", 4), ("C", "bytes", 3), ("D", "numbers", 3),
    ]  # fmt: skip
    assert reading.images[1].span == (9, 16)
    assert _column(reading, "code") == ["1"]
    curve = fixed.read("COURBE 60 -1 7", (_form("", rows=fixed.Found(re.compile(r"(?P<curve>\w+)(?P<numbers>[ \d-]+)"), {})),))
    assert curve is not None
    assert [(found.code, found.points) for found in curve.curves] == [("COURBE", (("1", "60"), ("2", "-1"), ("3", "7")))]


def test_a_damaged_line_is_left_out_of_a_repair_only_and_only_where_the_form_allows_it() -> None:
    pattern, text = re.compile(r"(?P<code>\w)=(?P<value>\d)\n"), "A=1\nB=\xe01\nC=3\n"
    for by_line in (False, True):
        forms = (_form("", rows=fixed.Found(pattern, {}, {}, by_line)),)
        assert fixed.read(text, forms) is None
        reading = fixed.read(text, forms, repair=True)
        assert (reading is not None) == by_line
        if reading is not None:
            assert _column(reading, "code") == ["A", "C"]
            assert reading.damaged == (4,)


def test_a_result_may_be_a_group_of_the_match_and_an_empty_one_is_none() -> None:
    form = _form(r">(?P<number>\d+),(?P<esr>[^,]*),(?P<hct>[^,]*),", groups={"ESR": "esr", "HCT": "hct"})
    reading = fixed.read(">28,14,,", (form,))
    assert reading is not None
    assert (_column(reading, "code"), _column(reading, "value")) == (["ESR"], ["14"])
    assert reading.rows.spans == [(4, 6)]


LISTS = fixed.Lists(3, {"code": (2, 4), "value": (14, 5)}, "used")


def test_results_in_lists_are_joined_place_by_place_and_a_place_without_a_name_is_left_out() -> None:
    form = _form(r"(?P<used>\d\d)", lists=LISTS)
    reading = fixed.read("03Alb     Gam 060.4000.0014.8", (form,))
    assert reading is not None
    assert _column(reading, "code") == ["Alb", "Gam"]
    assert _column(reading, "value") == ["060.4", "014.8"]
    assert reading.rows.spans == [(14, 19), (24, 29)]


def test_only_as_many_places_of_a_list_count_as_the_text_says() -> None:
    form = _form(r"(?P<used>\d\d)", lists=LISTS)
    reading = fixed.read("01Alb Bet Gam 060.4012.3014.8", (form,))
    assert reading is not None
    assert _column(reading, "code") == ["Alb"]


def test_a_curve_is_read_by_its_number_of_points_or_the_text_is_not_read() -> None:
    curve = fixed.Drawn("curve", "point", "signal", 2, 4, (1, 3), 16, "points")
    forms = (_form(r"(?P<points>\d\d)", curve=curve),)
    reading = fixed.read("020001800A|", forms)
    assert reading is not None
    assert [curve.points for curve in reading.curves] == [(("1", "1"), ("2", "10"))]
    assert fixed.read("030001800A|", forms) is None
    assert fixed.read("0200018", forms) is None
