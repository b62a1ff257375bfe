"""What is proposed from bytes, and above all what is not."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lis_bridge.catalogue.manifest.driver import Manifest
from lis_bridge.catalogue.scaffold.manifest_text import manifest_text
from lis_bridge.catalogue.scaffold.matching import Vocabulary
from lis_bridge.catalogue.scaffold.proposal import Proposal
from lis_bridge.catalogue.scaffold.propose import propose
from lis_bridge.catalogue.scaffold.recognise import recognise
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core.faults import DriverError
from lis_bridge.framing import mllp
from lis_bridge.framing.frames import sum8

WORDS = Vocabulary(TestCatalogue.load(), {})
RESULT = "R|1|^^^GLU|5.1|mmol/L||||F||||20260320091411"


def frame(number: int, text: str) -> bytes:
    body = f"{number}{text}\r\x03".encode()
    return b"\x02" + body + f"{sum8(body):02X}\r\n".encode()


def lis2(*records: str) -> bytes:
    framed = b"".join(frame(number % 8, record) for number, record in enumerate(records, start=1))
    return b"\x05" + framed + b"\x04"


def proposed(*captures: bytes) -> Proposal:
    return propose("acme", captures, WORDS)


def value(proposal: Proposal, key: str) -> object:
    field = proposal.field(key)
    return field.value if field is not None else None


def message(*orders: str) -> bytes:
    return lis2(r"H|\^&|||ACME^X1", "P|1", *(line for order in orders for line in (order, RESULT)), "L|1|N")


def test_checksums_that_hold_prove_the_framing_and_one_flipped_bit_does_not_hide_it() -> None:
    raw = message("O|1|2603200117||^^^GLU")
    found = recognise(raw)
    assert found is not None
    assert (found.framing, found.certainty, found.dialect) == ({"kind": "lis1a"}, "proven", "lis2")
    spoiled = recognise(raw.replace(b"ACME", b"ACMF"))
    assert spoiled is not None
    assert spoiled.why.startswith("4 of 5")


def test_delimiters_are_read_from_the_header() -> None:
    raw = lis2("H!~$%!!!ACME", "P!1", "O!1!2603200117!!$$$GLU", "R!1!$$$GLU!5.1!mmol/L", "L!1!N")
    proposal = proposed(raw)
    assert value(proposal, "dialect.lis2.results[0].code") == ["R-3.4"]
    assert value(proposal, "dialect.lis2.message.specimen") == ["O-3"]
    (code,) = proposal.codes
    assert code.test == "GLU"


@pytest.mark.parametrize(
    ("orders", "specimen"),
    [
        (("O|1|2603200117||", "O|2|2603200118||"), ["O-3"]),
        (("O|1|17||", "O|2|18||"), ["O-3"]),
        (("O|1|^2603200117||", "O|2|^2603200118||"), ["O-3.2"]),
        (("O|1|2603200117|9988776655|", "O|2|2603200118|9988776656|"), None),
        (("O|1|17|41^3^2|", "O|2|18|41^3^3|"), None),
        (("O|1|||", "O|2|||"), None),
        (("O|1|20260320091411||", "O|2|20260320091512||"), None),
    ],
    ids=["barcodes", "numbers", "component", "two barcodes", "number and rack", "nothing", "moments"],
)
def test_the_specimen_is_guessed_only_where_one_place_can_be_it(orders: tuple[str, ...], specimen: list[str] | None) -> None:
    field = proposed(message(*orders)).field("dialect.lis2.message.specimen")
    assert field is not None
    assert field.value == specimen
    assert field.certainty == ("guessed" if specimen else "unknown")


def test_a_specimen_that_is_not_known_leaves_every_result_held() -> None:
    text = manifest_text(proposed(message("O|1|2603200117|9988776655|")))
    assert Manifest.model_validate(tomllib.loads(text)).dialect["lis2"].message.specimen == ()
    assert "# specimen =   unknown: several places hold barcodes; candidates: O-3 (1 of 1 filled), O-4 (1 of 1 filled)" in text


@pytest.mark.parametrize(
    ("value_", "places"),
    [("5.1", ["R-4"]), ("5.1^H", ["R-4.1"]), ("5.1^0.2", ["R-4"]), ("^H", ["R-4"])],
    ids=["plain", "flag beside", "two figures", "first part empty"],
)
def test_a_value_is_taken_apart_only_where_one_part_is_the_figure(value_: str, places: list[str]) -> None:
    raw = lis2(r"H|\^&|||ACME^X1", "P|1", "O|1|2603200117||", f"R|1|^^^GLU|{value_}|mmol/L", "L|1|N")
    assert value(proposed(raw), "dialect.lis2.results[0].value") == places


def test_a_field_that_holds_two_figures_matches_no_code() -> None:
    raw = lis2(r"H|\^&|||ACME^X1", "P|1", "O|1|2603200117||", "R|1|^^^GLU|5.1^0.2|mmol/L", "L|1|N")
    assert [code.test for code in proposed(raw).codes] == [None]


def test_ids_named_like_controls_are_no_patients() -> None:
    proposal = proposed(message("O|1|QC-2026-01||", "O|2|26032001||"))
    assert value(proposal, "controls.prefixes") == ["QC-"]
    assert value(proposed(message("O|1|CALVIN001||", "O|2|26032001||")), "controls.prefixes") is None


def test_no_patient_stands_in_the_manifest() -> None:
    raw = lis2(r"H|\^&|||ACME^X1", "P|1||4711||Wu^Zhao||19800101|M", "O|1|2603200117||", RESULT, "L|1|N")
    text = manifest_text(proposed(raw))
    assert not any(word in text for word in ("4711", "Wu", "Zhao", "1980", "2603200117"))


def test_hl7_without_its_frame_is_recognised_and_said_to_be_a_guess() -> None:
    text = "MSH|^~\\&|ACME|X1|||20260320091411||ORU^R01|1|P|2.3.1\rOBR|1||2603200117\rOBX|1|NM|GLU||5.1|mmol/L|||||F\r"
    bare, framed = recognise(text.encode()), recognise(mllp.wrap(text.encode()))
    assert bare is not None
    assert framed is not None
    assert (bare.certainty, framed.certainty) == ("guessed", "proven")


def test_an_empty_field_of_a_named_text_is_not_taken_for_information() -> None:
    text = "\x02条码:2603200117\r\n姓名:甲\r\n血浆粘度:1.42\r\n血沉:\r\n结论:阴性\r\n\x03".encode("gb18030")
    proposal = proposed(text)
    assert value(proposal, "dialect.text.pairs.info") is None
    assert value(proposal, "dialect.text.pairs.numeric_only") is False
    assert any("结论" in question for question in proposal.questions)


def test_named_values_with_units_keep_words_whole() -> None:
    text = "Barcode: 2603200117\r\nName: x\r\nESR: 12 mm/h\r\nNote: no growth seen\r\nHCT: 42.1 %\r\n"
    proposal = proposed(b"\x02" + text.encode() + b"\x03")
    assert {one.seen.code: one.seen.unit for one in proposal.codes} == {"ESR": "mm/h", "HCT": "%"}


def test_two_records_in_one_text_are_never_one_tube() -> None:
    record = "样本号:{}\r\n姓名:甲\r\n血浆粘度:{}\r\n压积:0.42\r\n"
    raw = (record.format("0012", "1.42") + record.format("0013", "1.51")).encode("gb18030")
    found = recognise(raw)
    assert found is not None
    assert len(found.texts) == 2
    blocked = proposed(b"\x02" + raw + b"\x03")
    assert value(blocked, "dialect.text.message.specimen") is None


def test_another_kind_of_specimen_needs_codes_of_its_own() -> None:
    orders = ("O|1|26032001|||||||||||||Serum", "O|2|26032002|||||||||||||Serum", "O|3|26032003|||||||||||||Urine")
    field = proposed(message(*orders)).field("dialect.lis2.results[0].material")
    assert field is not None
    assert field.value == {"path": "O-16", "usual": ["Serum"]}
    assert "Urine" in field.why


def test_delimited_text_with_a_head_is_proposed_without_a_code() -> None:
    proposal = proposed(b"Barcode,Name,WBC,RBC\r\n2603200117,x,642,461\r\n2603200118,y,711,420\r\n")
    assert proposal.kind == "csv"
    assert proposal.codes == ()
    assert value(proposal, "dialect.text.message.specimen") == ["Barcode"]
    Manifest.model_validate(tomllib.loads(manifest_text(proposal)))


def test_fixed_widths_get_no_code_and_no_value() -> None:
    proposal = proposed(b"\x02D1U0320000017000642004610141\x03\x02D1U0320000018001180003920116\x03")
    assert proposal.codes == ()
    assert any("cannot say" in question for question in proposal.questions)
    Manifest.model_validate(tomllib.loads(manifest_text(proposal)))


def test_evidence_that_another_driver_s_capture_shows_is_not_proposed() -> None:
    raw = message("O|1|2603200117||")
    field = propose("acme", [raw], WORDS, {"other": (raw,)}).field("identify[0].present")
    assert field is not None
    assert field.value is None
    assert "other" in field.why


@pytest.mark.parametrize("raw", [b"", b"\x00\x01\x02", b"\x02\x03"], ids=["empty", "control", "hollow"])
def test_bytes_that_say_nothing_are_an_error_with_a_remedy(raw: bytes) -> None:
    with pytest.raises(DriverError) as wrong:
        proposed(raw)
    assert wrong.value.where
    assert wrong.value.hint


@example(b"\x7f", 29)
@given(st.binary(max_size=300), st.integers(0, 400))
@settings(max_examples=150, deadline=None)
def test_any_bytes_give_a_manifest_that_loads_or_a_typed_error(noise: bytes, at: int) -> None:
    records, named = (
        message("O|1|2603200117||", "O|2|17||"),
        b"\x02Barcode:2603200117\r\nESR:12\r\nWBV:(1,2)(3,4);(1,2)\r\nHCT:42\r\n\x03",
    )
    for bytes_ in (noise, records[:at] + noise + records[at:], named[:at] + noise + named[at:], records[:at], named[:at]):
        try:
            text = manifest_text(proposed(bytes_))
        except DriverError:
            continue
        Manifest.model_validate(tomllib.loads(text))
