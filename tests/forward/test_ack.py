from __future__ import annotations

import hl7
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lis_bridge.forward.ack import CODES, Mode, read

from .samples import CONTROL_ID, built, report

HEADER = "MSH|^~\\&|LIS|LAB|lis-bridge|xinhe|20260317094543||ACK^R01|1|P|2.5.1"


def ack(msa: str, *more: str, end: str = "\r") -> bytes:
    return (end.join((HEADER, msa, *more)) + end).encode()


@pytest.mark.parametrize("code", sorted(CODES))
@pytest.mark.parametrize("mode", ["strict", "no-id", "none"])
def test_every_code_is_read_with_its_words(code: str, mode: Mode) -> None:
    verdict = read(ack(f"MSA|{code}|{CONTROL_ID}|some words"), CONTROL_ID, mode)
    assert (verdict.code, verdict.text, verdict.answered) == (code, "some words", True)


@pytest.mark.parametrize("code", ["AA", "AE", "AR"])
def test_python_hl7_s_own_acknowledgement_is_understood(code: str) -> None:
    answer = str(hl7.parse(built(report()).decode()).create_ack(code)).encode()
    assert read(answer, CONTROL_ID).code == code


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_any_line_end_and_letter_case_will_do(end: str) -> None:
    assert read(ack(f"MSA|aa|{CONTROL_ID}", end=end), CONTROL_ID).code == "AA"


def test_another_separator_will_do() -> None:
    raw = f"MSH#^~\\&#LIS\rMSA#AE#{CONTROL_ID}#busy\r".encode()
    assert read(raw, CONTROL_ID) == read(ack(f"MSA|AE|{CONTROL_ID}|busy"), CONTROL_ID)


@pytest.mark.parametrize(
    ("id", "delivered_in"),
    [(CONTROL_ID, {"strict", "no-id", "none"}), ("", {"no-id", "none"}), ("0A1B2C3D-0000000041", {"none"})],
)
def test_what_msa_2_must_say_depends_on_the_mode(id: str, delivered_in: set[str]) -> None:
    modes: tuple[Mode, ...] = ("strict", "no-id", "none")
    assert {mode for mode in modes if read(ack(f"MSA|AA|{id}"), CONTROL_ID, mode).code == "AA"} == delivered_in


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"OK",
        HEADER.encode(),
        b"MSA|AA|" + CONTROL_ID.encode(),
        ack("MSA"),
        ack(f"MSA||{CONTROL_ID}"),
        ack(f"MSA|OK|{CONTROL_ID}"),
    ],
)
def test_what_is_no_acknowledgement_is_malformed(raw: bytes) -> None:
    assert read(raw, CONTROL_ID).code == "malformed"
    assert read(raw, CONTROL_ID, "no-id").code == "malformed"
    assert read(raw, CONTROL_ID, "none").code == "AA"


def test_a_refusal_is_a_refusal_in_every_mode() -> None:
    assert read(ack("MSA|AR|"), CONTROL_ID, "none").code == "AR"


def test_the_words_of_err_are_kept() -> None:
    err = "ERR|||207^Application internal error^HL70357|E||||order not found"
    assert "order not found" in read(ack(f"MSA|AR|{CONTROL_ID}", err), CONTROL_ID).text


@pytest.mark.parametrize("charset", ["UTF-8", "GB18030"])
@pytest.mark.parametrize("spoken", ["UTF-8", "GB18030"])
def test_chinese_words_are_read_whatever_the_lis_speaks(charset: str, spoken: str) -> None:
    raw = f"{HEADER}\rMSA|AR|{CONTROL_ID}|医嘱不存在。\r".encode(spoken)
    assert read(raw, CONTROL_ID, charset=charset).code == "AR"
    if charset == spoken:
        assert read(raw, CONTROL_ID, charset=charset).text == "医嘱不存在。"


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_no_bytes_are_taken_for_an_acceptance(raw: bytes) -> None:
    assert not read(raw, CONTROL_ID).answered


@given(st.integers(0, 200), st.integers(0, 7))
@settings(max_examples=200, deadline=None)
def test_a_flipped_bit_never_turns_a_refusal_into_an_acceptance(place: int, bit: int) -> None:
    raw = bytearray(ack(f"MSA|AR|{CONTROL_ID}|no"))
    raw[place % len(raw)] ^= 1 << bit
    assert read(bytes(raw), CONTROL_ID).code not in ("AA", "CA")
