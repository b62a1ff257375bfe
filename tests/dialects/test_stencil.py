"""Messages of a known form are found again by it, and read as they are record by record; what only resembles them is not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lis_bridge.dialects import hl7v2, lis2a2
from lis_bridge.dialects.columns import Fields
from lis_bridge.dialects.paths import Path, parse_all
from lis_bridge.dialects.records import Places
from lis_bridge.dialects.stencil import KEPT, LONGEST, Stencil, Stencils

PATHS = parse_all(
    [f"{name}-{field}" for name in ("MSH", "PID", "OBR", "NTE") for field in range(1, 7)]
    + ["MSH-9", "PID-3.1", "PID-5.2", "OBR-4.2", "OBR-4.1.2", "ZZZ-1"]
)
ESCAPES = {"\\F\\": "|", "\\S\\": "^", "x\\E\\y": "x\\y"}
FIELD = st.text(alphabet="A1^~& 白\t", max_size=3) | st.sampled_from(sorted(ESCAPES))
FIELDS = st.lists(FIELD, min_size=1, max_size=6)


RUN = "OBX|1|NM|A||1|u\rOBX|2|NM|B||2|u\r"
PLACES = Places(path for path in PATHS if path.field > 1 or path.record != "MSH")


def written(head: list[list[str]], run: str = RUN) -> str:
    return "".join("|".join(fields) + "\r" for fields in head) + run


def learned(*texts: str, places: Places = PLACES) -> Stencils:
    """The forms of messages that were read record by record."""
    stencils = Stencils(places)
    for text in texts:
        sections = (hl7v2 if text.startswith("MSH") else lis2a2).read(text, text.encode())
        assert sections is not None
        stencils.learn(sections[0])
    return stencils


def found(stencils: Stencils, text: str) -> tuple[Stencil, list[str]] | None:
    known = stencils.found(text, text.encode())
    return known and known[:2]


def plain(head: list[list[str]], path: Path) -> str:
    """What stands at a path by the standard's own words."""
    fields = next((fields for fields in head if fields[0] == path.record), [path.record])
    index = path.field - (path.record == "MSH")
    text = fields[index] if index < len(fields) else ""
    for mark, number in (("^", path.component), ("&", path.sub)):
        if number:
            text = (text.split(mark) + [""] * number)[number - 1]
    return ESCAPES.get(text, text)


@settings(max_examples=300, deadline=None)
@given(FIELDS, FIELDS, st.lists(FIELDS, max_size=1))
def test_texts_by_their_form_are_those_of_the_records(person: list[str], order: list[str], note: list[list[str]]) -> None:
    head = [["MSH", "^~\\&", "", "白"], ["PID", *person], ["OBR", *order], *(["NTE", *fields] for fields in note)]
    text = written(head)
    known = found(learned(text), text)
    if "\\" in text[9:]:
        assert known is None
        return
    assert known is not None
    stencil, flat = known
    assert stencil.texts(flat) == [*[plain(head, path).strip() for path in PLACES.paths], ""]
    assert list(stencil.fields(flat, Fields((3, 5, 6)))) == [["A", "B"], ["1", "2"], ["u", "u"]]


def test_the_last_field_of_a_record_is_taken_without_the_name_behind_it() -> None:
    head = [["MSH", "^~\\&", "A"], ["PID", "1"], ["OBR", "9"]]
    stencil, flat = found(learned(written(head)), written(head)) or pytest.fail("the form is not known")
    assert dict(zip(map(str, PLACES.paths), stencil.texts(flat), strict=False))["PID-1"] == "1"
    assert list(stencil.fields(flat, Fields((6, 7)))) == [["u", "u"], ["", ""]]


def test_a_place_that_is_a_record_s_name_is_looked_up_in_the_record() -> None:
    text = written([["MSH", "^~\\&", "A"], ["PID", "1"], ["OBR", "9"]])
    assert found(learned(text, places=Places(parse_all(["PID-0", "PID-1"]))), text) is None


@pytest.mark.parametrize(
    "other",
    [
        written([["MSH", "^~\\&", "A"], ["PID", "1"], ["ZZZ", "2", "3"], ["OBR", "9"]]),
        written([["MSH", "^~\\&", "A"], ["PID", "1", "2"], ["OBR", "3", "9"]]),
        written([["MSH", "^~\\&", "A"], ["PID", "1", "2", "3"], ["ORC", "9"]]),
        written([["MSH", "^~\\&", "A"], ["PID", "1", "2\rOBR|3"], ["OBR", "9"]]),
        written([["MSH", "^~&\\", "A"], ["PID", "1", "2", "3"], ["OBR", "9"]]),
        written([["MSH", "^~\\&", "A"], ["PID", "1", "2", "3\\F\\"], ["OBR", "9"]]),
        written([["MSH", "^~\\&", "A"], ["PID", "1", "2", "3"], ["OBR", "9"]], "OBX|1|NM|A||1|u\rNTE|2|NM|B||2|u\r"),
        written([["MSH", "^~\\&", "A"], ["PID", "1", "2", "3"], ["OBR", "9"]], "OBX|1|NM|A||1\rOBX|2|NM|B||2|u|\r"),
        written([["MSH", "^~\\&", "A"], ["PID", "1", "2", "3"], ["OBR", "9"]], "OBX|1|NM|A||1|u\rOBX|2|NM|B||2|u\nx"),
        written([["MSH", "^~\\&", "A"], ["PID", "1", "2", "3"], ["OBR", "9"]], "OBX|1|NM|A||1|u\rOBX|2|NM|B||2|\ru"),
        written([["MSH", "^~\\&", "A"], ["PID", "1", "2", "3"], ["OBR", "9"]], "OBX|1|NM|A||1|\rOBX\rOBX|2|NM|B||2|u"),
    ],
    ids=[
        "another record between", "a field less above", "another order record", "two orders", "other separators", "an escape",
        "a comment in the run", "a field moved in the run", "a line feed", "a line behind", "a line inside",
    ],
)  # fmt: skip
def test_what_has_as_many_fields_and_lines_and_is_otherwise_is_not_of_a_form(other: str) -> None:
    text = written([["MSH", "^~\\&", "A"], ["PID", "1", "2", "3"], ["OBR", "9"]])
    stencils = learned(text)
    assert found(stencils, text) is not None
    assert found(stencils, other) is None


def test_records_below_a_run_are_part_of_its_form() -> None:
    plain_end, comment = (f"H|\\^&|||A\rP|1\rO|1||26\rR|1|^^^K|4.1\rR|2|^^^Na|140\r{below}" for below in ("L|1|N\r", "C|1|x\r"))
    stencils = learned(plain_end, comment)
    assert found(stencils, plain_end) is not None
    assert found(stencils, comment) is None


def test_a_message_without_a_line_end_at_its_end_has_a_form_of_its_own() -> None:
    head = [["MSH", "^~\\&", "A"], ["PID", "1"], ["OBR", "9"]]
    texts = written(head), written(head).removesuffix("\r")
    stencils = learned(*texts)
    assert all(found(stencils, text) is not None for text in texts)
    assert found(stencils, texts[1] + "\rx") is None


def test_separators_that_change_begin_anew() -> None:
    head = [["MSH", "^~\\&", "A"], ["PID", "1"], ["OBR", "9"]]
    text, other = written(head), written(head).replace("^~", "~^")
    stencils = learned(text, other)
    assert found(stencils, text) is None
    assert found(stencils, other) is not None


def test_forms_are_bounded_in_number_and_length() -> None:
    texts = [written([["MSH", "^~\\&", *"A" * number], ["PID", "1"], ["OBR", "9"]]) for number in range(1, KEPT + 3)]
    stencils = learned(*texts)
    assert [found(stencils, text) is not None for text in (texts[0], texts[-1])] == [False, True]
    long = f"H|\\^&|||A\rP|1\rO|1||26\rR|1|^^^K|4.1\rL|1|{'N' * LONGEST}\r"
    assert found(learned(long), long) is None
    many = written([["MSH", "^~\\&", "A"], *[["ZZZ", "1"]] * (LONGEST // 4), ["OBR", "9"]])
    assert found(learned(many), many) is None
