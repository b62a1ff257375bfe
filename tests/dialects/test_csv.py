"""Delimited text, in each of the three ways in which its rows may stand."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lis_bridge.dialects import csv_text, paths
from lis_bridge.dialects.csv_rows import WIDEST, DamagedRowError, Shape
from lis_bridge.dialects.csv_text import Across, Down, Reading, Records

HEADED = {"head": re.compile("^ID,")}
ACROSS = Across(
    re.compile(r"(?P<code>[^()]+)(?:\((?P<unit>10.*)\))?"), frozenset({"ID", "Name"}), "{code}/M", {"10/uL": 2, "PDW": 1}
)
LISTED = {"delimiter": "/", "quote": "", "columns": ("date", "no", "code", "value"), "rest": True, "closed": True}
DOWN = Down(("date", "no"), "code")
RECORDS = Records("0", "1", image="3", image_code=3, image_path=4, end="9")


def shape(**said: Any) -> Shape:
    plain = {
        "delimiter": ",",
        "quote": '"',
        "head": None,
        "columns": (),
        "skip": None,
        "least": 0,
        "rest": False,
        "closed": False,
    }
    return Shape(**{**plain, **said})


def read(text: str, way: csv_text.Way, *, parts: dict[str, str] | None = None, **said: Any) -> list[Reading]:
    cut = {name: re.compile(pattern) for name, pattern in (parts or {}).items()}
    found = csv_text.read(text, text.encode(), shape(**said), way, cut)
    assert found is not None
    return found


def column(reading: Reading, name: str) -> list[str]:
    return reading.rows.columns[paths.parse(name)]


def field(reading: Reading, name: str) -> str:
    return reading.lookup(paths.parse(name))


# One sample a row


def test_columns_are_found_by_their_names_wherever_they_stand() -> None:
    for text in ("ID,WBC(10/uL),WBC/M,PDW,PDW/M\n7,572,+,140,\n", "ID,PDW/M,PDW,WBC/M,WBC(10/uL)\n7,,140,+,572\n"):
        (reading,) = read(text, ACROSS, **HEADED)
        rows = zip(*(column(reading, name) for name in ("code", "value", "verbatim", "unit", "flag")), strict=True)
        assert sorted(rows) == [("PDW", "14.0", "140", "", ""), ("WBC", "5.72", "572", "10/uL", "+")]
        assert field(reading, "ID") == "7"


def test_a_column_is_a_result_by_its_unit_or_by_its_mark() -> None:
    (reading,) = read("ID,Name,WBC(10/uL),HGB,HGB/M,Note\n7,A,1,2,-,3\n", ACROSS, **HEADED)
    assert column(reading, "code") == ["WBC", "HGB"]
    assert column(reading, "flag") == ["", "-"]


def test_names_may_stand_again_in_another_order_where_a_file_was_added_to() -> None:
    readings = read("ID,WBC(10/uL)\n7,100\n\nID,PDW,PDW/M,WBC(10/uL)\n8,99,,200\n", ACROSS, **HEADED)
    assert [(field(one, "ID"), column(one, "value")) for one in readings] == [("7", ["1.00"]), ("8", ["9.9", "2.00"])]


def test_of_two_columns_with_one_name_the_first_is_the_field_and_both_are_results() -> None:
    (reading,) = read("ID,ID,HGB,HGB,HGB/M\n7,8,1,2,\n", ACROSS, **HEADED)
    assert field(reading, "ID") == "7"
    assert column(reading, "value") == ["1", "2"]


def test_a_quoted_cell_may_hold_the_delimiter() -> None:
    (reading,) = read('ID,Name,HGB,HGB/M\n7,"DOE, J ""Q""",146,+\n', ACROSS, **HEADED)
    assert field(reading, "Name") == 'DOE, J "Q"'
    assert column(reading, "value") == ["146"]


def test_empty_cells_behind_the_last_column_mean_nothing() -> None:
    (reading,) = read("ID,HGB,HGB/M\r\n7,146,,,\r\n", ACROSS, **HEADED)
    assert column(reading, "value") == ["146"]


@pytest.mark.parametrize(
    ("row", "what"),
    [("7,DOE,J,146,+", "5 cells, but 4 columns"), ("7,DOE,146", "3 cells instead of 4"), ('7,"DOE,146,+', "unexpected end")],
)
def test_a_row_that_does_not_fit_its_columns_damages_the_text_by_its_line(row: str, what: str) -> None:
    with pytest.raises(DamagedRowError) as wrong:
        read(f"ID,Name,HGB,HGB/M\n1,A,140,\n{row}\n2,B,150,\n", ACROSS, **HEADED)
    assert wrong.value.fault.kind == "row damaged"
    assert wrong.value.fault.where.startswith("line 3: ")
    assert what in wrong.value.fault.where


def test_the_last_cell_of_a_text_without_an_end_may_be_cut_off_and_is_not_counted() -> None:
    whole, torn = read("ID,HGB,HGB/M\n1,140,\n2,14", ACROSS, **HEADED)
    assert (whole.closed, torn.closed) == (True, False)
    assert column(torn, "value") == [""]
    (sound,) = read("ID,HGB,HGB/M\n1,140,+,", ACROSS, **HEADED)
    assert sound.closed
    assert column(sound, "value") == ["140"]


def test_a_last_column_that_is_no_result_may_be_cut_off() -> None:
    text = "ID,HGB,HGB/M,Note\n1,140,+,some"
    (sound,) = read(text, ACROSS, **HEADED)
    assert sound.closed
    assert column(sound, "value") == ["140"]
    (asked,) = read(text.replace("Note", "Name"), ACROSS, **HEADED)
    assert not asked.closed


def test_a_text_without_the_names_of_columns_is_not_read() -> None:
    assert csv_text.read("1,2,3\n", b"1,2,3\n", shape(**HEADED), ACROSS) is None


def test_a_row_above_the_names_of_the_columns_damages_the_text() -> None:
    with pytest.raises(DamagedRowError, match="above the names"):
        read("7,146,+\nID,HGB,HGB/M\n", ACROSS, **HEADED)
    readings = read("Report of today\nID,HGB,HGB/M\n7,146,+\n", ACROSS, skip=re.compile("^Report"), **HEADED)
    assert [field(one, "ID") for one in readings] == ["7"]


def test_names_without_a_sample_are_a_reading_without_results() -> None:
    (reading,) = read("ID,HGB,HGB/M\n", ACROSS, **HEADED)
    assert reading.rows.size == 0
    assert field(reading, "ID") == ""


def test_a_column_is_cut_into_parts() -> None:
    (reading,) = read("ID,HGB,HGB/M\nXT^70412,146,+\n", ACROSS, parts={"ID": r"(?P<model>[^^]*)\^(?P<serial>.*)"}, **HEADED)
    assert [field(reading, name) for name in ("ID", "model", "serial")] == ["XT^70412", "XT", "70412"]


# One result a row


def test_rows_of_one_sample_stand_one_behind_the_other() -> None:
    readings = read("d/1/1/17.98/\r\nd/1/5//\r\nd/2/1/25.30/\r\n", DOWN, **LISTED)
    assert [(field(one, "no"), column(one, "code"), column(one, "value")) for one in readings] == [
        ("1", ["1", "5"], ["17.98", ""]),
        ("2", ["1"], ["25.30"]),
    ]
    assert readings[0].rows.spans == [(0, 12), (14, 21)]


def test_a_code_that_comes_again_begins_a_sample() -> None:
    readings = read("d/1/1/17.98/\nd/1/2/8.46/\nd/1/1/18.01/\n", DOWN, **LISTED)
    assert [column(one, "value") for one in readings] == [["17.98", "8.46"], ["18.01"]]


def test_the_last_column_takes_in_what_follows_it() -> None:
    (reading,) = read("d/1/16/a/b/\nd/1/17/c:\\x.jpg/\n", DOWN, **LISTED)
    assert column(reading, "value") == ["a/b", "c:\\x.jpg"]


def test_a_row_that_does_not_end_with_its_delimiter_is_damaged_unless_the_text_ends_there() -> None:
    with pytest.raises(DamagedRowError, match="no / at its end"):
        read("d/1/1/17.98\nd/1/2/8.46/\n", DOWN, **LISTED)
    (torn,) = read("d/1/1/17.98/\nd/1/2/8.4", DOWN, **LISTED)
    assert not torn.closed
    assert column(torn, "value") == ["17.98", ""]
    (whole,) = read("d/1/1/17.98/\nd/1/2/8.46/", DOWN, **LISTED)
    assert whole.closed
    assert column(whole, "value") == ["17.98", "8.46"]


def test_a_row_torn_before_its_sample_is_said_belongs_to_none() -> None:
    (reading,) = read("d/1/1/17.98/\nd/2", DOWN, **LISTED)
    assert (field(reading, "no"), reading.closed) == ("1", True)


def test_blanks_count_once_and_a_short_row_has_no_value() -> None:
    blank = {"delimiter": " ", "columns": ("number", "test", "value"), "least": 2}
    parts = {"test": "[A-Z]+?(?P<unit>s|%)"}
    first, second = read("  5    PTs  10.6 \r\n5 PTINR 1.0\r\n\r\n6 PT%\r\n", Down(("number",), "test"), parts=parts, **blank)
    assert column(first, "unit") == ["s", ""]
    assert column(first, "value") == ["10.6", "1.0"]
    assert column(second, "value") == [""]


# Records


CDF = "0,2025-8-4,00:00:00,14,XS,70417,3\n00,2025-8-4 00:00:00\n1,HGB,1,125.00,,,H\n1,WBC,1,-----\n3,,HPLT,C:\\x\\14.gif,1\n9,3\n"


def test_the_first_cell_says_what_a_row_is() -> None:
    (reading,) = read(CDF, RECORDS)
    assert [field(reading, name) for name in ("0-4", "0-6", "00-2", "9-2", "00-9")] == [
        "14",
        "70417",
        "2025-8-4 00:00:00",
        "3",
        "",
    ]
    assert column(reading, "1-2") == ["HGB", "WBC"]
    assert column(reading, "1-7") == ["H", ""]
    assert [(image.code, image.format, image.size) for image in reading.images] == [("HPLT", "gif", 0)]
    assert reading.closed


def test_a_sample_without_its_last_row_is_open() -> None:
    cut, whole = read(CDF[:60] + "\n" + CDF, RECORDS)
    assert (cut.closed, whole.closed) == (False, True)
    (torn,) = read(CDF[:-1], RECORDS)
    assert torn.closed  # the last row is there, only its count may be cut off


def test_a_row_above_the_first_sample_damages_the_text() -> None:
    with pytest.raises(DamagedRowError, match="above the row that begins a sample"):
        read("1,HGB,1,125.00\n" + CDF, RECORDS)


def test_samples_without_a_last_row_end_where_the_next_begins() -> None:
    readings = read("0,a\n1,X,1\n0,b\n1,X,2\n", Records("0", "1"))
    assert [(field(one, "0-2"), column(one, "1-3"), one.closed) for one in readings] == [("a", ["1"], True), ("b", ["2"], True)]


# Any text


WAYS = [
    (ACROSS, HEADED),
    (DOWN, LISTED),
    (RECORDS, {}),
    (Down(("a",), "b"), {"columns": ("a", "b", "c"), "delimiter": " ", "least": 1}),
]


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='0139ID,/"\r\n \t白é\x00', max_size=80), st.sampled_from(WAYS), st.booleans())
@example('ID,"\n"', (ACROSS, HEADED), True)
@example("0\n0", (RECORDS, {}), True)
def test_any_text_is_read_refused_or_damaged_and_rows_have_equal_columns(text: str, way: tuple[Any, Any], complete: bool) -> None:
    try:
        found = csv_text.read(text, text.encode(), shape(**way[1]), way[0], complete=complete)
    except DamagedRowError:
        return
    for reading in found or ():
        rows = reading.rows
        assert all(len(texts) == rows.size for texts in rows.columns.values())
        assert len(rows.spans) == rows.size
        assert all(0 <= start <= end <= len(text.encode()) for start, end in rows.spans)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(st.from_regex(r"[0-9.]{1,4}", fullmatch=True), min_size=2, max_size=2), min_size=1, max_size=6), st.data()
)
def test_a_text_cut_anywhere_gives_no_value_that_the_whole_one_has_not(cells: list[list[str]], data: st.DataObject) -> None:
    text = "ID,HGB,HGB/M\n" + "".join(f"{number},{','.join(row)}\n" for number, row in enumerate(cells))
    stop = data.draw(st.integers(13, len(text)))
    known = {(field(one, "ID"), tuple(column(one, "value"))) for one in read(text, ACROSS, **HEADED)}
    for one in read(text[:stop], ACROSS, **HEADED):
        assert not one.closed or one.rows.size == 0 or (field(one, "ID"), tuple(column(one, "value"))) in known


def test_a_row_of_endless_cells_is_refused_before_it_can_make_others_as_wide() -> None:
    with pytest.raises(DamagedRowError, match=f"more than {WIDEST} cells"):
        read(f"0,a\n1{',' * 100_000}\n" + "1,b\n" * 50_000, RECORDS)
