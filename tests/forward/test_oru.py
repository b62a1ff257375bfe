from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lis_bridge.catalogue.tests import reported
from lis_bridge.core.reports import Head, Report
from lis_bridge.forward.oru import WHOLE_TUBE, Builder

from .samples import CATALOGUE, CONTROL_ID, HEAD, NOW, built, destination, fields, observation, parsed, report, unescaped

VERSIONS = ("2.3.1", "2.4", "2.5.1")
CHARSETS = ("UTF-8", "GB18030")


def obx(*reports: Report, **values: Any) -> list[list[str]]:
    return fields(built(*reports, **values), "OBX", values.get("charset", "UTF-8"))


def one(report: Report, **values: Any) -> list[str]:
    (found,) = obx(report, **values)
    return found


# The message


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("charset", CHARSETS)
def test_the_header_says_version_character_set_and_who_speaks_to_whom(version: str, charset: str) -> None:
    raw = built(
        report(),
        version=version,
        charset=charset,
        sending_application="桥",
        sending_facility="xinhe",
        receiving_application="LIS^1.2.3^ISO",
        receiving_facility="A|B",
    )
    (msh,) = fields(raw, "MSH", charset)
    assert msh[3:7] == ["桥", "xinhe", "LIS^1.2.3^ISO", "A\\F\\B"]
    assert msh[7] == "20260317094542+0800"
    assert msh[9] == ("ORU^R01^ORU_R01" if version == "2.5.1" else "ORU^R01")
    assert msh[10:13] == [CONTROL_ID, "P", version]
    assert msh[18] == {"UTF-8": "UNICODE UTF-8", "GB18030": "GB 18030-2000"}[charset]


@pytest.mark.parametrize(
    ("version", "segments"),
    [("2.3.1", ["MSH", "OBR", "OBX"]), ("2.4", ["MSH", "OBR", "OBX"]), ("2.5.1", ["MSH", "OBR", "OBX", "SPM"])],
)
def test_each_version_has_its_segments(version: str, segments: list[str]) -> None:
    raw = built(report(), version=version)
    assert [str(segment[0]) for segment in parsed(raw)] == segments
    assert raw.endswith(b"\r")


def test_a_reader_of_gb18030_and_one_of_utf_8_read_the_same() -> None:
    reports = [report("GLU", "4.10"), report("ALT", "阴性（—）", number=None)]
    assert obx(*reports, charset="GB18030") == obx(*reports, charset="UTF-8")


# Which tube, which patient


@pytest.mark.parametrize(
    ("places", "found"),
    [
        (("OBR-3", "SPM-2"), {"OBR-3", "SPM-2"}),
        (("OBR-2",), {"OBR-2"}),
        (("ORC-2", "ORC-3"), {"ORC-2", "ORC-3"}),
        (("SPM-2",), {"SPM-2"}),
    ],
)
def test_the_specimen_stands_where_the_lis_looks_for_it(places: tuple[str, ...], found: set[str]) -> None:
    raw = built(report(), specimen_in=places)
    standing = {
        f"{name}-{index}"
        for name, indexes in (("OBR", (2, 3)), ("ORC", (2, 3)), ("SPM", (2,)))
        for segment in fields(raw, name)
        for index in indexes
        if segment[index] == HEAD.key
    }
    assert standing == found


@pytest.mark.parametrize("version", ["2.3.1", "2.4"])
def test_a_message_never_goes_without_its_specimen(version: str) -> None:
    """SPM does not exist before 2.5."""
    raw = built(report(), version=version, specimen_in=("SPM-2",))
    assert fields(raw, "OBR")[0][3] == HEAD.key


@pytest.mark.parametrize(
    ("head", "specimen_as", "sent"),
    [
        (Head("20260317-line-1-7", "0007", True), "key", "20260317-line-1-7"),
        (Head("20260317-line-1-7", "0007", True), "number", "0007"),
        (Head("20260317000042", "20260317000042", False), "number", "20260317000042"),
    ],
)
def test_a_running_number_goes_as_key_or_as_the_wire_had_it(head: Head, specimen_as: str, sent: str) -> None:
    raw = built(report(), head=head, specimen_as=specimen_as)
    assert fields(raw, "OBR")[0][3] == sent
    assert fields(raw, "SPM")[0][2] == sent


@pytest.mark.parametrize("demographics", ["order", "analyzer"])
def test_the_analyzer_s_patient_is_told_only_where_the_site_says_so(demographics: str) -> None:
    raw = built(report(), head=Head("K", "K", False, "P-1", "测试^甲"), demographics=demographics)
    if demographics == "order":
        assert fields(raw, "PID") == []
        assert "测试" not in raw.decode()
    else:
        (pid,) = fields(raw, "PID")
        assert (pid[3], unescaped(pid[5])) == ("P-1", "测试^甲")


def test_no_patient_no_segment() -> None:
    assert fields(built(report(), demographics="analyzer"), "PID") == []


# Groups


def test_one_order_for_the_tube_by_default() -> None:
    raw = built(report("GLU"), report("ALT"), report("WBC", "5.1", analyzer="hematology-1"))
    (obr,) = fields(raw, "OBR")
    assert obr[4] == WHOLE_TUBE
    assert [row[1] for row in fields(raw, "OBX")] == ["1", "2", "3"]


def test_panels_are_orders_of_one_message_and_lose_nothing() -> None:
    reports = [report("ALT"), report("WBC", "5.1"), report("AST"), report("NO-SUCH-TEST", "1")]
    raw = built(*reports, group="panel")
    panels = []
    for segment in parsed(raw):
        name = str(segment[0])
        if name == "OBR":
            panels.append((str(segment[4]).split("^")[0], []))
        elif name == "OBX":
            panels[-1][1].append(str(segment[3]).split("^")[0])
    liver, blood = CATALOGUE.test("ALT"), CATALOGUE.test("WBC")
    assert liver is not None
    assert blood is not None
    assert panels == [(liver.panel, ["ALT", "AST"]), (blood.panel, ["WBC"]), ("LAB", ["NO-SUCH-TEST"])]
    assert [row[1] for row in fields(raw, "OBR")] == ["1", "2", "3"]
    assert [row[1] for row in fields(raw, "SPM")] == ["1", "2", "3"]


def test_analyzers_are_orders_of_one_message() -> None:
    raw = built(report(), report("WBC", "5.1", analyzer="hematology-1"), report("ALT"), group="analyzer")
    assert [row[4] for row in fields(raw, "OBR")] == ["line-1^line-1^L", "hematology-1^hematology-1^L"]


def test_the_kind_of_specimen_is_told_only_where_it_is_certain() -> None:
    assert fields(built(report("ALT")), "SPM")[0][4] == "SER"
    assert fields(built(report("ALT"), report("WBC", "5")), "SPM")[0][4] == ""
    assert fields(built(report("NO-SUCH-TEST", "5")), "SPM")[0][4] == ""


@pytest.mark.parametrize(("statuses", "order"), [("F", "F"), ("FF", "F"), ("FC", "C"), ("W", "C")])
def test_an_order_with_a_change_says_so(statuses: str, order: str) -> None:
    raw = built(*(report(status=status) for status in statuses))  # type: ignore[arg-type]
    assert fields(raw, "OBR")[0][25] == order
    assert [row[11] for row in fields(raw, "OBX")] == list(statuses)


# Results


def test_a_result_stands_field_by_field_where_the_contract_says() -> None:
    row = one(
        report(
            "GLU", "4.10", "C", low="3.9", high="6.1", abnormal="N", observed_at="2026-03-17T09:31:05+08:00", analyzer="line-1"
        )
    )
    glucose = CATALOGUE.test("GLU")
    assert glucose is not None
    assert row == [
        "OBX",
        "1",
        "NM",
        f"GLU^{glucose.name_zh}^L^{glucose.loinc}^{glucose.long_name}^LN",
        "",
        "4.10",
        glucose.ucum,
        "3.9-6.1",
        "N",
        "",
        "",
        "C",
        "",
        "",
        "20260317093105+0800",
        "",
        "",
        "",
        "line-1",
    ]


def test_a_test_without_loinc_has_an_empty_loinc_part() -> None:
    bare = next(test for test in CATALOGUE.tests if not test.loinc)
    assert one(report(bare.code, "1"))[3] == f"{bare.code}^{bare.name_zh}^L^^^"


def test_a_test_that_has_left_the_catalogue_goes_as_it_came() -> None:
    row = one(report("NO-SUCH-TEST", "7.0", unit="mg/dl", factor="2"))
    assert (row[3], row[5], row[6]) == ("NO-SUCH-TEST^^L^^^", "7.0", "mg/dl")


@pytest.mark.parametrize(
    ("value", "kind"),
    [("4.10", "NM"), ("-2", "NM"), ("+2", "NM"), ("3+", "ST"), ("5.", "ST"), (".5", "ST"), ("阴性", "ST"), ("1e5", "ST")],
)
def test_only_real_numbers_are_numeric_and_text_stays_text(value: str, kind: str) -> None:
    number = Decimal(value) if value not in ("3+", "阴性") else None
    assert one(report("GLU", value, number=number))[2:6:3] == [kind, value]


def test_digits_that_are_no_number_are_text() -> None:
    """A blood group 1 is no quantity."""
    assert one(report("GLU", "1", number=None))[2] == "ST"
    assert [row[2] for row in obx(report("GLU", "1", number=None), report("ALT", "2"))] == ["ST", "NM"]


@pytest.mark.parametrize(
    ("value", "comparator", "as_text", "as_sn"),
    [
        ("<0.010", "<", "<0.010", "<^0.010"),
        (">= 1000", ">=", ">= 1000", ">=^1000"),
        ("≤5", "<=", "≤5", "<=^5"),
        (">.5", ">", ">.5", ">^0.5"),
    ],
)
def test_a_comparator_is_text_or_structured_as_the_lis_asks(value: str, comparator: str, as_text: str, as_sn: str) -> None:
    result = report("GLU", value, number=Decimal(value.strip("<>=≤ ")), comparator=comparator)
    assert one(result)[2:6:3] == ["ST", as_text]
    assert one(result, comparator="SN")[2:6:3] == ["SN", as_sn]
    assert one(report("GLU", "4.10"), comparator="SN")[2:6:3] == ["NM", "4.10"]


def test_a_converted_value_and_its_range_are_in_the_catalogue_s_unit() -> None:
    row = one(report("GLU", "90", unit="mg/dL", ucum="mg/dL", factor="0.05551", low="70", high="110"))
    assert row[5:8] == ["5.00", "mmol/L", "3.89-6.11"]


def test_converting_one_leaves_the_others_as_sent() -> None:
    rows = obx(report("GLU", "90", unit="mg/dL", ucum="mg/dL", factor="0.05551"), report("ALT", "40.50"))
    assert [row[5] for row in rows] == ["5.00", "40.50"]


@given(value=st.decimals(0, 10**6, places=3), factor=st.decimals("0.0001", "1000", places=4))
@settings(max_examples=100, deadline=None)
def test_conversion_is_exact_and_rounds_half_up_once(value: Decimal, factor: Decimal) -> None:
    glucose = CATALOGUE.test("GLU")
    assert glucose is not None
    row = one(report("GLU", f"{value:f}", unit="x", ucum="x", factor=f"{factor:f}"))
    expected = value * factor if factor != 1 else value
    places = Decimal(1).scaleb(-glucose.decimals)
    assert Decimal(row[5]) == (expected.quantize(places, ROUND_HALF_UP) if factor != 1 else value)


@pytest.mark.parametrize(
    ("low", "high", "range"),
    [("3.9", "6.1", "3.9-6.1"), (None, "5", "<5"), ("3", None, ">3"), (None, None, ""), ("-2", "2", "-2-2")],
)
def test_ranges(low: str | None, high: str | None, range: str) -> None:
    assert one(report(low=low, high=high))[7] == range


@pytest.mark.parametrize(("flag", "sent"), [("H", "H"), ("LL", "LL"), ("N", "N"), (">", ">"), ("*", ""), ("High!", ""), ("", "")])
def test_only_flags_of_table_0078_are_sent(flag: str, sent: str) -> None:
    assert one(report(abnormal=flag))[8] == sent


@pytest.mark.parametrize(
    ("at", "sent"),
    [
        ("2026-03-17T09:31:05+08:00", "20260317093105+0800"),
        ("2026-03-17T09:31+08:00", "202603170931+0800"),
        ("2026-03-17", "20260317"),
        (None, ""),
    ],
)
def test_times_keep_the_wire_s_precision(at: str | None, sent: str) -> None:
    assert one(report(observed_at=at))[14] == sent


def test_an_interpretation_is_told_from_its_number() -> None:
    assert [row[4] for row in obx(report(), report(value="H", aspect="I"))] == ["", "I"]


# Nothing is lost on the way

ANY_TEXT = st.text(max_size=40)


@pytest.mark.parametrize("charset", CHARSETS)
@given(values=st.lists(ANY_TEXT, min_size=1, max_size=6))
@settings(max_examples=150, deadline=None)
def test_any_text_survives_the_way_to_the_lis(charset: str, values: list[str]) -> None:
    raw = built(*(report("GLU", value, number=None, low=value) for value in values), charset=charset)
    rows = fields(raw, "OBX", charset)
    assert [unescaped(row[5]) for row in rows] == values
    assert [unescaped(row[7]) for row in rows] == [f">{value}" if value else "" for value in values]
    assert b"\x0b" not in raw
    assert b"\x1c" not in raw


@given(text=ANY_TEXT)
@settings(max_examples=100, deadline=None)
def test_any_unit_name_and_analyzer_survive_too(text: str) -> None:
    row = one(report("NO" + text, "1", unit=text, analyzer="a" + text))
    assert unescaped(row[3].split("^")[0]) == "NO" + text
    assert unescaped(row[6]) == text
    assert unescaped(row[18]) == "a" + text


@pytest.mark.parametrize("charset", CHARSETS)
def test_a_byte_that_could_not_be_decoded_is_shown_and_not_dropped(charset: str) -> None:
    row = one(report("GLU", "a\udcffb\ud800c", number=None), charset=charset)
    assert row[5] == r"a\XFF\b\XD800\c"


NUMBERS = st.decimals(-(10**6), 10**6, places=2).map(lambda number: f"{number:f}")
VALUES = st.one_of(NUMBERS, NUMBERS, st.sampled_from(["3+", "阴性", "a|b", "5.", "", "1\n2"]))
ROWS = st.builds(
    lambda test, value, factor, low, abnormal: observation(
        test, value, factor=factor, low=low, abnormal=abnormal, ucum="x" if factor else None
    ),
    st.sampled_from(["GLU", "ALT", "WBC", "NO-SUCH-TEST"]),
    VALUES,
    st.sampled_from([None, None, "1", "0.05551"]),
    st.sampled_from([None, "3.9", "<1"]),
    st.sampled_from(["", "H", "!"]),
)


@given(rows=st.lists(ROWS, min_size=1, max_size=12))
@settings(max_examples=150, deadline=None)
def test_a_row_is_the_same_alone_and_among_others_and_as_the_catalogue_reports_it(rows: list[Any]) -> None:
    """The short cut for tubes of plain numbers, and what is kept from tube to tube, change nothing."""
    reports = [Report(row, "F", "line-1") for row in rows]
    builder = Builder(destination(), CATALOGUE)
    for _ in range(2):
        together = fields(builder.build(HEAD, reports, CONTROL_ID, NOW), "OBX")
        assert [row[2:] for row in together] == [one(report)[2:] for report in reports]
    for row, sent in zip(rows, together, strict=True):
        test = CATALOGUE.test(row.test)
        value, unit, low, _ = reported(row, test) if test else (row.value, row.unit, row.low, None)
        assert [unescaped(text) for text in sent[5:8]] == [value or "", unit or "", f">{low}" if low else ""]


def test_building_changes_no_report() -> None:
    reports = [report(), report("ALT", "40")]
    before = msgspec.msgpack.encode(reports)
    built(*reports)
    assert msgspec.msgpack.encode(reports) == before
