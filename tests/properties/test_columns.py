"""The columnar path against the plain row path and against python-hl7, on generated and mutated messages."""

from __future__ import annotations

import os

import hl7
from hypothesis import given, settings
from hypothesis import strategies as st

from lis_bridge.dialects import hl7v2
from lis_bridge.dialects.columns import Fields, grid_of, padded_grid, ragged_fields
from lis_bridge.dialects.paths import parse
from lis_bridge.dialects.records import Section, Selection, rows_of

EXAMPLES = int(os.environ.get("LIS_BRIDGE_EXAMPLES", "500"))
FIELDS = [parse(f"OBX-{number}") for number in range(1, 19)]
FIELD = st.text(alphabet="AOBX109.^~\\&μ白 -<>*", max_size=6)
ROW = st.lists(FIELD, min_size=1, max_size=18)
MESSAGE = st.lists(ROW, min_size=1, max_size=12)


def written(rows: list[list[str]]) -> str:
    lines = ["MSH|^~\\&|||||20260317||ORU^R01|1|P|2.3.1", "PID|1||7", "OBR|1|26"]
    return "\r".join([*lines, *("|".join(["OBX", *row, "."]) for row in rows)]) + "\r"


def section_of(text: str) -> Section:
    sections = hl7v2.read(text, text.encode())
    assert sections is not None
    return sections[-1]


@settings(max_examples=EXAMPLES, deadline=None)
@given(MESSAGE)
def test_the_columnar_path_gives_what_the_row_path_gives_or_steps_aside(rows: list[list[str]]) -> None:
    section = section_of(written(rows))
    grammar, wanted = section.grammar, Fields(path.field for path in FIELDS)
    by_row = ragged_fields(section.lines, wanted, grammar)
    even = grid_of(section.lines, section.grammar)
    by_column = even.fields(wanted, grammar) if even is not None else None
    if len({len(row) for row in rows}) == 1:
        assert by_column is not None
    assert by_column is None or list(by_column) == by_row
    padded = padded_grid(section.lines, grammar)
    assert padded is None or list(padded.fields(wanted, grammar)) == by_row


@settings(max_examples=EXAMPLES, deadline=None)
@given(MESSAGE)
def test_fields_are_those_that_python_hl7_reads(rows: list[list[str]]) -> None:
    text = written(rows)
    read = rows_of(section_of(text), selection := Selection(FIELDS, "OBX"))
    columns = {path: read.as_sent(selection.numbers[path]) or [] for path in FIELDS}
    for at, segment in enumerate(hl7.parse(text).segments("OBX")):
        for path in FIELDS:
            theirs = str(segment[path.field]) if path.field < len(segment) else ""
            assert columns[path][at] == theirs


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.lists(FIELD, min_size=5, max_size=5), min_size=1, max_size=8), st.data())
def test_any_mutation_of_a_message_keeps_both_paths_equal(rows: list[list[str]], data: st.DataObject) -> None:
    text = written(rows)
    at = data.draw(st.integers(text.index("OBX"), len(text)))
    spoiled = text[:at] + data.draw(st.sampled_from(["|", "\r", "OBX|", "\rOBX", "\\", "~", "||", "\rNTE|1||x\r"])) + text[at:]
    sections = hl7v2.read(spoiled, spoiled.encode())
    assert sections is not None
    for section in sections:
        if section.lines:
            by_row = ragged_fields(section.lines, Fields((3, 5)), section.grammar)
            even = grid_of(section.lines, section.grammar)
            assert even is None or list(even.fields(Fields((3, 5)), section.grammar)) == by_row
