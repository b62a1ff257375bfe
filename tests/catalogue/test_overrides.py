"""What a site says differently is in force, and only that: options, decimal commas, rules for sample numbers."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter

from lis_bridge.catalogue.commas import _value
from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.overrides import Overrides
from lis_bridge.catalogue.plan import Decoded, Plan
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core import resources
from lis_bridge.core.faults import DriverError
from lis_bridge.settings.fields import Cutting
from lis_bridge.tubes.runs import same

LIBRARY = Library.load(resources.drivers())
TESTS = TestCatalogue.load()
DRIVERS = Path(__file__).parents[2] / "drivers"


def plan(id: str, **said: object) -> Plan:
    overrides = Overrides({}, {}, **said)  # type: ignore[arg-type]
    return LIBRARY.plan(id, TESTS, zone=ZoneInfo("Asia/Shanghai"), overrides=overrides)


def capture(name: str) -> bytes:
    (file,) = [file for file in (DRIVERS / name[:-4] / "captures").glob(f"{name}.*") if file.suffix != ".toml"]
    return file.read_bytes()


def values(found: Decoded) -> list[tuple[str, str | None, str, Decimal | None]]:
    return [(row.code, row.value, row.raw, row.number) for message in found.messages for row in message.observations]


DAYS = {"ymd": "2003-04-26", "mdy": "2026-03-04", "dmy": "2026-04-03"}
"""What 030426 means."""


@pytest.mark.parametrize("order", DAYS)
def test_sysmex_k_date_order_of_the_site_is_the_only_one_tried(order: str) -> None:
    raw = capture("sysmex-k--01")
    at = raw.index(b"D1U") + 3
    found = plan("sysmex-k", options={"date_order": order}).decode(raw[:at] + b"030426" + raw[at + 6 :])
    assert found.messages[0].dated == DAYS[order]


@pytest.mark.parametrize("order", DAYS)
def test_sysmex_ca_date_order_counts_for_number_and_results(order: str) -> None:
    raw = capture("sysmex-ca--01")
    at = raw.index(b"D121") + 9
    found = plan("sysmex-ca", options={"date_order": order}).decode(raw[:at] + b"030426" + raw[at + 6 :])
    message = found.messages[0]
    assert message.dated == DAYS[order]
    assert {(row.observed_at or "")[:10] for row in message.observations} == {DAYS[order]}


def test_olympus_of_known_widths_reads_no_other() -> None:
    raw = capture("olympus-au--01")
    free = plan("olympus-au").decode(raw)
    assert values(plan("olympus-au", options={"widths": "2+6"}).decode(raw)) == values(free) != []
    other = plan("olympus-au", options={"widths": "2+9"}).decode(raw)
    assert [message for message in other.messages if message.kind == "patient"] == []
    assert {fault.kind for fault in other.faults} == {"no dialect"}


def test_hitachi_with_a_check_refuses_a_damaged_byte() -> None:
    raw = capture("hitachi-7170--04")
    checked = plan("hitachi-7170", options={"check": "bcc"})
    whole = set(values(checked.decode(raw)))
    assert whole
    for at in range(0, len(raw), 7):
        damaged = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        assert set(values(checked.decode(damaged))) <= whole


@pytest.mark.parametrize(
    ("name", "choice", "what"), [("date_ordr", "ymd", "has no option"), ("date_order", "yd", "has no choice")]
)
def test_an_option_that_is_not_there_is_refused(name: str, choice: str, what: str) -> None:
    with pytest.raises(DriverError, match=what):
        plan("sysmex-k", options={name: choice})


def test_a_decimal_comma_is_filed_as_a_point_and_kept_as_sent() -> None:
    raw = capture("mindray-bs--01")
    pointed = plan("mindray-bs").decode(raw)
    fields = [field.replace(b".", b",") if _is_number(field) else field for field in raw.split(b"|")]
    found = plan("mindray-bs", decimal=",").decode(b"|".join(fields))
    numbers = [(code, value, number) for code, value, _, number in values(pointed)]
    assert [(code, value, number) for code, value, _, number in values(found)] == numbers
    assert [raw for _, _, raw, _ in values(found)] == [raw.replace(".", ",") for _, _, raw, _ in values(pointed)]
    assert any("," in raw for _, _, raw, _ in values(found))
    limits = [(row.low, row.high) for message in pointed.messages for row in message.observations]
    assert [(row.low, row.high) for message in found.messages for row in message.observations] == limits


def _is_number(field: bytes) -> bool:
    return field.count(b".") >= 1 and all(byte in b"0123456789.-" for byte in field) and field[:1].isdigit()


@pytest.mark.parametrize("sent", ["4,10", "4,10 ", "<0,5", "neg"])
def test_a_code_that_the_site_ignores_is_no_result_and_its_value_is_read_as_before(sent: str) -> None:
    """What was held is known again by its text, and its hold ends."""
    head = b"MSH|^~\\&|||||20260317094839||ORU^R01|31|P|2.3.1||||0||UTF-8|||\rPID|12||||x|||F\r"
    rows = f"OBR|12|20260317000012|23|^|N|||||1^5||||20260317094542|serum\rOBX|1|NM|NEW-1|NEW-1|{sent}|mg/L|-|N|||F\rOBX|2|NM|ALT|ALT|neg|U/L|-|N|||F\r"
    raw = b"\x0b" + head + rows.encode() + b"\x1c\r"
    held, ignored = (
        plan("mindray-bs", decimal=",", ignored=codes).decode(raw).messages[0].observations[0]
        for codes in (frozenset[str](), frozenset({"NEW-1", "ALT"}))
    )
    assert (held.problem, held.is_result) == ("unknown code", True)
    assert (ignored.problem, ignored.is_result, ignored.test) == (None, False, None)
    assert same(held, ignored)


def test_a_code_that_means_a_test_is_reported_though_the_site_ignores_it() -> None:
    raw = capture("mindray-bs--01")
    codes = frozenset(code for code, *_ in values(plan("mindray-bs").decode(raw)))
    assert plan("mindray-bs", ignored=codes).decode(raw) == plan("mindray-bs").decode(raw)


def test_without_being_told_a_comma_is_no_decimal_point() -> None:
    raw = capture("mindray-bs--01")
    first = next(row for row in values(plan("mindray-bs").decode(raw)) if "." in row[2])
    sent = raw.replace(b"|" + first[2].encode() + b"|", b"|" + first[2].replace(".", ",").encode() + b"|")
    found = next(row for row in values(plan("mindray-bs").decode(sent)) if row[0] == first[0])
    assert (found[1], found[3]) == (first[2].replace(".", ","), None)


@pytest.mark.parametrize("text", ["1,234,5", "a,b", "1,2 mg", ",", "3,"])
def test_only_a_whole_number_with_one_comma_is_a_decimal(text: str) -> None:
    assert _value(text) == text


@pytest.mark.parametrize(
    ("text", "read"), [("4,10", "4.10"), ("<0,01", "<0.01"), ("-1,5", "-1.5"), (",5", ".5"), ("≤ 7,0", "≤ 7.0")]
)
def test_numbers_keep_comparator_and_digits(text: str, read: str) -> None:
    assert _value(text) == read


def test_name_value_lines_with_a_decimal_comma_lose_no_result() -> None:
    raw = capture("zonci-zl--01")
    pointed = plan("zonci-zl").decode(raw)
    sent = "".join(
        line.replace(".", ",") if line.partition(":")[0] in ("压积", "血浆粘度", "血沉") else line
        for line in raw.decode("gb18030").splitlines(keepends=True)
    ).encode("gb18030")
    assert sent != raw
    found = plan("zonci-zl", decimal=",").decode(sent)
    assert [row[:2] for row in values(found)] == [row[:2] for row in values(pointed)]
    assert len(values(plan("zonci-zl").decode(sent))) < len(values(found))


@pytest.mark.parametrize(
    ("pattern", "specimen"),
    [("(.+)", "2603180457"), (r"\d{2}(\d+)", "03180457"), (r"X(\d+)", "2603180457"), (r"(\d+)\d{4}", "260318")],
)
def test_the_site_s_rule_cuts_the_specimen_id(pattern: str, specimen: str) -> None:
    head = b"MSH|^~\\&|||||20260318095000||ORU^R01|7|P|2.3.1||||0||ASCII|||\rPID|1||||||F\r"
    order = b"OBR|1|2603180457|23|^|N|20260318090551|20260318090531|||1^5||||20260318090531|serum\r"
    row = b"OBX|1|NM|K|K|4.10|mmol/L|-|N|||F||4.10|20260318094542||x|0|\r"
    rule = TypeAdapter(Cutting).validate_python(pattern)
    (message,) = plan("mindray-bs", specimen_pattern=rule).decode(b"\x0b" + head + order + row + b"\x1c\r").messages
    assert message.specimen == specimen
