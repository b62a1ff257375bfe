"""Sections, columns and spans of delimited records."""

from __future__ import annotations

import pytest

from lis_bridge.dialects import hl7v2, lis2a2
from lis_bridge.dialects.columns import padded_grid
from lis_bridge.dialects.paths import Path, parse
from lis_bridge.dialects.records import Section, Selection, repeats_of, rows_of

HEADER = "MSH|^~\\&|A|B|||20260317||ORU^R01|7|P|2.3.1\r"


def hl7(text: str, *, complete: bool = True) -> list[Section]:
    found = hl7v2.read(text, text.encode(), complete=complete)
    assert found is not None
    return found


def lis2(text: str, *, complete: bool = True) -> list[Section]:
    found = lis2a2.read(text, text.encode(), complete=complete)
    assert found is not None
    return found


def columns(section: Section, *texts: str) -> list[list[str] | None]:
    """The columns of a section's rows at these places."""
    rows = rows_of(section, selection := Selection(map(parse, texts), section.grammar.result))
    return [rows.column(selection.numbers[parse(text)]) for text in texts]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("OBX-3", Path("OBX", 3)),
        ("OBX-3.1", Path("OBX", 3, 1)),
        ("PID-3.4.2", Path("PID", 3, 4, 2)),
        ("@.8", Path("@", 0, 8)),
        ("条码", Path("", name="条码")),
        ("R", Path("", name="R")),
    ],
)
def test_a_path_is_read_as_the_manifest_wrote_it(text: str, path: Path) -> None:
    assert parse(text) == path


def test_msh_counts_its_separator_as_field_one() -> None:
    (section,) = hl7(HEADER + "OBR|1\rOBX|1|NM|K||4.10\r")
    assert section.lookup(parse("MSH-9")) == "ORU^R01"
    assert section.lookup(parse("MSH-9.2")) == "R01"
    assert section.lookup(parse("MSH-2")) == "^~\\&"


def test_lis2_counts_the_record_letter_as_field_one() -> None:
    (section,) = lis2("H|\\^&|||XN^1\rP|1||70\rO|1||26\rR|1|^^^K|4.10\rL|1|N\r")
    assert section.lookup(parse("H-5.1")) == "XN"
    assert section.lookup(parse("O-4")) == "26"


def test_a_new_patient_record_forgets_what_belonged_to_the_last_one() -> None:
    first, second = hl7(HEADER + "PID|1||A\rPV1|1||ward\rOBR|1|x\rOBX|1|NM|K||1\rPID|2||B\rOBR|2|y\rOBX|2|NM|K||2\r")
    assert first.lookup(parse("PV1-3")) == "ward"
    assert second.lookup(parse("PV1-3")) == ""
    assert second.lookup(parse("PID-3")) == "B"


def test_a_second_order_keeps_the_patient_and_takes_nothing_from_the_first_order() -> None:
    first, second = hl7(HEADER + "PID|1||A\rOBR|1||s|||||20260317\rOBX|1|NM|K||1\rOBR|2||s\rOBX|2|NM|K||2\r")
    assert (first.lookup(parse("OBR-8")), second.lookup(parse("OBR-8"))) == ("20260317", "")
    assert second.lookup(parse("PID-3")) == "A"


def test_orders_without_results_are_sections_of_their_own() -> None:
    sections = hl7(HEADER + "OBR|1|ALT\r") + lis2("H|\\^&\rP|1\rO|1||a\rO|2||b\rL|1\r")
    assert [section.lines for section in sections] == [[], [], []]


def test_a_query_record_is_a_section() -> None:
    (section,) = lis2("H|\\^&\rQ|1|^26031700882||||||||||O\rL|1|N\r")
    assert section.lookup(parse("Q-3.2")) == "26031700882"


def test_comments_between_results_stay_with_their_row_and_break_nothing() -> None:
    (section,) = lis2("H|\\^&\rP|1\rO|1||a\rR|1|^^^A|1\rC|1|I|low volume\rR|2|^^^B|2\rL|1\r")
    assert columns(section, "R-3.4") == [["A", "B"]]
    assert section.comments == [(0, ["C", "1", "I", "low volume"])]


def test_ragged_records_give_empty_fields_not_shifted_ones() -> None:
    (section,) = hl7(HEADER + "OBR|1\rOBX|1|NM|A||1|U/L\rOBX|2|NM|B||2\rOBX|3|NM|C||3|g/L|1-2|H\r")
    assert columns(section, "OBX-6", "OBX-8") == [["U/L", "", "g/L"], ["", "", "H"]]


def test_a_record_much_wider_than_the_others_is_not_what_all_are_filled_up_to() -> None:
    lines = ["OBX|1|NM|A||1", "OBX|2|NM|B||2", f"OBX|3|NM|C{'|' * 1000}x"]
    (section,) = hl7(HEADER + "OBR|1\r" + "".join(f"{line}\r" for line in lines))
    assert padded_grid(lines, section.grammar) is None
    assert padded_grid(lines[:2], section.grammar) is not None
    assert columns(section, "OBX-3", "OBX-5") == [["A", "B", "C"], ["1", "2", ""]]


def test_records_whose_widths_only_add_up_are_not_taken_for_uniform() -> None:
    """Three fields, five, four: the sum is three times four, and the middle row must not lend its field to the next."""
    (section,) = hl7(HEADER + "OBR|1\rOBX|1|NM|A\rOBX|2|NM|B|x|OBX\rOBX|3|NM|C|z\r")
    assert columns(section, "OBX-3") == [["A", "B", "C"]]


def test_escapes_are_undone_in_fields_and_kept_verbatim_beside() -> None:
    (section,) = hl7(HEADER + "OBR|1\rOBX|1|NM|A\\S\\B||1|um\\S\\3\r")
    asked = [parse(text) for text in ("OBX-3", "OBX-3.1", "OBX-6", "OBX-6.1")]
    rows = rows_of(section, selection := Selection(asked, "OBX"))
    numbers = [selection.numbers[path] for path in asked]
    assert [rows.column(number) for number in numbers] == [["A^B"], ["A^B"], ["um^3"], ["um^3"]]
    assert [rows.as_sent(number) for number in numbers] == [["A\\S\\B"], ["A\\S\\B"], ["um\\S\\3"], ["um\\S\\3"]]


def test_escapes_are_read_once_from_left_to_right() -> None:
    (section,) = hl7(HEADER + "OBR|1\rOBX|1|NM|K||\\E\\F\\E\\\r")
    assert columns(section, "OBX-5") == [["\\F\\"]]


def test_other_delimiters_come_from_the_header() -> None:
    (section,) = lis2("H!~*%\rP!1\rO!1!!a\rR!1!***K!4.10\rL!1\r")
    assert columns(section, "R-3.4", "R-4") == [["K"], ["4.10"]]


def test_spans_are_bytes_of_the_records_also_behind_chinese_names() -> None:
    text = HEADER + "PID|1||钱试样\rOBR|1\rOBX|1|NM|白蛋白||1\rOBX|2|NM|K||2\r"
    raw = text.encode("gb18030")
    sections = hl7v2.read(text, raw)
    assert sections is not None
    rows = rows_of(sections[0], Selection([parse("OBX-3")], "OBX"))
    assert [raw[start:end].decode("gb18030") for start, end in rows.spans] == ["OBX|1|NM|白蛋白||1", "OBX|2|NM|K||2"]


def test_line_feeds_between_records_change_nothing() -> None:
    plain, spoiled = HEADER + "OBR|1\rOBX|1|NM|K||2\r", (HEADER + "OBR|1\rOBX|1|NM|K||2\r").replace("\r", "\r\n")
    assert hl7(plain)[0].lines == hl7(spoiled)[0].lines
    start, end = hl7(spoiled)[0].spans[0]
    assert spoiled[start:end] == "OBX|1|NM|K||2"


def test_a_torn_last_record_is_never_a_result() -> None:
    (section,) = hl7(HEADER + "OBR|1\rOBX|1|NM|A||1\rOBX|2|NM|B||12", complete=False)
    assert section.lines == ["OBX|1|NM|A||1"]
    assert not section.closed


def test_a_step_up_closes_the_group_before_it_and_leaves_the_last_open() -> None:
    first, second = lis2("H|\\^&\rP|1\rO|1||a\rR|1|^^^A|1\rO|2||b\rR|1|^^^A|2\r", complete=False)
    assert (first.closed, second.closed) == (True, False)


def test_repeats_of_a_field_are_rows() -> None:
    (section,) = lis2("H|\\^&\rP|1\rO|1|||31^AFP|||||||1^QC1^7731\\2^QC2^7732\rL|1\r")
    rows = repeats_of(section, parse("O-12"), [parse("@.2"), parse("O-5.1")])
    assert rows.columns == {parse("@.2"): ["QC1", "QC2"], parse("O-5.1"): ["31", "31"]}


@pytest.mark.parametrize("text", ["", "MSH", "MSHabcdefgh", "PID|1", "H", "HELLO", "H|", "H1234"])
def test_what_is_no_header_is_not_read(text: str) -> None:
    assert hl7v2.read(text, text.encode()) is None
    assert lis2a2.read(text, text.encode()) is None


def test_separators_of_a_log_that_writes_every_backslash_twice_are_those_of_the_line() -> None:
    (section,) = lis2("H|\\\\^&|||H550^990\nO|1|PX517L||^^^DIF\nR|1|^^^MCV^787-2|79.0\nL|1|N\n")
    assert (section.grammar.repeat, section.grammar.component, section.grammar.escape) == ("\\", "^", "&")
    assert section.lookup(parse("H-5.2")) == "990"
    assert columns(section, "R-3.4") == [["MCV"]]
