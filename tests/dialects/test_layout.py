"""Records above a run are found again by their layout, and read as they are record by record."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lis_bridge.dialects import hl7v2, lis2a2
from lis_bridge.dialects.layout import Laid
from lis_bridge.dialects.paths import Path, parse_all
from lis_bridge.dialects.records import Places, Section

PATHS = parse_all(
    [f"{name}-{field}" for name in ("MSH", "PID", "OBR", "NTE") for field in range(1, 7)]
    + ["MSH-9", "PID-3.1", "PID-5.2", "OBR-4.2", "OBR-4.1.2", "ZZZ-1"]
)
ESCAPES = {"\\F\\": "|", "\\S\\": "^", "x\\E\\y": "x\\y"}
FIELD = st.text(alphabet="A1^~& 白\t", max_size=3) | st.sampled_from(sorted(ESCAPES))
FIELDS = st.lists(FIELD, min_size=1, max_size=6)


def read(head: list[list[str]], *, run: str = "OBX|1|NM|A||1|u\rOBX|2|NM|B||2|u\r") -> Section:
    text = "".join("|".join(fields) + "\r" for fields in head) + run
    sections = hl7v2.read(text, text.encode())
    assert sections is not None
    return sections[0]


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
def test_texts_by_layout_are_those_of_the_records(person: list[str], order: list[str], note: list[list[str]]) -> None:
    head = [["MSH", "^~\\&", "", "白"], ["PID", *person], ["OBR", *order], *(["NTE", *fields] for fields in note)]
    read(head)
    again = read(head)
    assert isinstance(again.records, Laid)
    assert [again.lookup(path) for path in PATHS] == [plain(head, path) for path in PATHS]
    asked = Places(path for path in PATHS if str(path) != "MSH-1")
    assert again.texts(asked) == [plain(head, path).strip() for path in asked.paths]
    assert again.records.get("PID") == ["PID", *person]


@pytest.mark.parametrize(
    "other",
    [
        [["MSH", "^~\\&", "A"], ["PID", "1"], ["ZZZ", "2", "3"], ["OBR", "9"]],
        [["MSH", "^~\\&", "A"], ["PID", "1", "2"], ["OBR", "3", "9"]],
        [["MSH", "^~\\&", "A"], ["PID", "1", "2", "3"], ["ORC", "9"]],
        [["MSH", "^~\\&", "A"], ["PID", "1", "2\rOBR|3"], ["OBR", "9"]],
    ],
    ids=["another record between", "a field less above", "another order record", "two orders"],
)
def test_records_with_as_many_fields_in_all_are_no_records_of_a_layout(other: list[list[str]]) -> None:
    known = [["MSH", "^~\\&", "A"], ["PID", "1", "2", "3"], ["OBR", "9"]]
    read(known)
    section = read(other)
    assert not isinstance(section.records, Laid)
    assert section.lookup(Path("PID", 2)) == (other[1][2:] or [""])[0].partition("\r")[0]


def test_records_below_a_run_are_part_of_what_is_known_again() -> None:
    texts = [f"H|\\^&|||A\rP|1\rO|1||26\rR|1|^^^K|4.1\rR|2|^^^Na|140\r{below}" for below in ("L|1|N\r", "C|1|I|x\rL|1|N\r")]
    for text in texts:
        assert lis2a2.read(text, text.encode()) is not None
    (known,) = lis2a2.read(texts[0], texts[0].encode()) or []
    (commented,) = lis2a2.read(texts[1], texts[1].encode()) or []
    assert isinstance(known.records, Laid)
    assert known.comments == []
    assert [fields for _, fields in commented.comments] == [["C", "1", "I", "x"]]
