"""A message whose results stand in one stretch is read by one flat split; the rows are those of the record by record way."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lis_bridge.dialects import hl7v2, lis2a2
from lis_bridge.dialects.columns import Fields, ragged_fields
from lis_bridge.dialects.paths import Path
from lis_bridge.dialects.records import Section, Selection, rows_of

HEADER = "H|\\^&|||A\rP|1\rO|1||26\r"
FIELD = st.text(alphabet="R1.^\\&白 L", max_size=3)
ROWS = st.lists(st.lists(FIELD, min_size=1, max_size=4), min_size=1, max_size=6)
BELOW = st.sampled_from(["L|1|N\r", "L|1|N", "", "L\r", "C|1||x\rL|1\r", "M|1|a|b|c\rL|1|N\r", "O|2||27\rL|1|N\r", "\r\rL|1\r"])
FIELDS = range(1, 7)


def section_of(text: str, *, at: int = 0) -> Section:
    sections = lis2a2.read(text, text.encode(), starts=((0, at),))
    assert sections is not None
    return next(section for section in sections if section.size)


@settings(max_examples=200, deadline=None)
@given(ROWS, BELOW)
def test_a_stretch_gives_what_its_records_give_one_by_one(rows: list[list[str]], below: str) -> None:
    lines = ["|".join(["R", *row]) for row in rows]
    text = HEADER + "\r".join(lines) + "\r" + below
    section = section_of(text)
    assert section.stretch is not None
    assert section.lines == lines
    read = rows_of(section, Selection([Path("R", number) for number in FIELDS], "R"))
    assert [read.as_sent(at) for at in range(len(FIELDS))] == ragged_fields(lines, Fields(FIELDS), section.grammar)
    raw = text.encode()
    assert [raw[start:end].decode() for start, end in read.spans] == lines


@pytest.mark.parametrize("rows", [["R|1", "R|2", "R|3|x"], ["R|1|x", "R|2", "R|3"], ["R|1|a|b", "R|2", "R|3|c"]])
def test_records_whose_widths_make_up_for_each_other_lend_each_other_nothing(rows: list[str]) -> None:
    section = section_of(HEADER + "\r".join(rows) + "\rL|1|N\r")
    third = [(*row.split("|"), "", "")[2] for row in rows]
    assert rows_of(section, Selection([Path("R", 3)], "R")).columns == [third]


@pytest.mark.parametrize("text", [HEADER + "R|1|a\rL|1\r", HEADER + "R|1|a\rC|1||x\rR|2|b\rL|1\r", HEADER + "R|1|a\nL|1\n"])
def test_spans_count_from_where_the_text_begins(text: str) -> None:
    here, there = section_of(text), section_of(text, at=100)
    assert there.spans == [(start + 100, end + 100) for start, end in here.spans]


@pytest.mark.parametrize(
    "text",
    [
        "MSH|^~\\&|A\rOBR|1\rOBX|1|NM|A||1\rNTE|1||x\rOBX|2|NM|B||2\r",
        "MSH|^~\\&|A\rOBR|1\robx|1|NM|A||1\rOBX|2|NM|B||2\r",
        "MSH|^~\\&|A\rOBR|1\rOBX|1|NM|A||1\r OBX|2|NM|B||2\r",
        "MSH|^~\\&|A\rOBR|1\rOBX|1|NM|A||1\r\nOBX|2|NM|B||2\r",
    ],
    ids=["comment between", "lower case above", "indented below", "line feeds"],
)
def test_results_that_do_not_stand_together_are_all_read(text: str) -> None:
    sections = hl7v2.read(text, text.encode())
    assert sections is not None
    (section,) = sections
    assert section.stretch is None
    assert rows_of(section, Selection([Path("OBX", 3)], "OBX")).columns == [["A", "B"]]


def test_a_torn_record_behind_a_stretch_is_left_out() -> None:
    text = HEADER + "R|1|a\rR|2|b"
    sections = lis2a2.read(text, text.encode(), complete=False)
    assert sections is not None
    assert sections[-1].lines == ["R|1|a"]
    assert not sections[-1].closed
