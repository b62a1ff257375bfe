"""Lines as messages, and groups of lines from a first to a last one."""

from __future__ import annotations

import pytest

from lis_bridge.framing import FrameReceived, make, unframe
from lis_bridge.framing.frames import sum8
from tests.framing.drive import NOW, faults, feed, kinds, maps_back, messages, profile, run, sent

LINES = profile("lines")
VITROS = profile("lines", first=r"^!\d{3}a", last=r"^!\d{3}h", mark="21", check="sum inside", reply="06", refusal="15")


def line(text: bytes) -> bytes:
    return text + b"%02X\r\n" % sum8(text)


FIRST, RESULT, OTHER, LAST = map(line, (b"!000a02", b"!001fNa+   136.", b"!002fK+    4.0 ", b"!003h02"))


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_each_line_is_a_message_and_blank_ones_are_nothing(end: bytes) -> None:
    wire = b"1 PTs 12.1" + end + end + b"1 PT% 98.4" + end
    assert messages(run(LINES, wire)) == [(b"1 PTs 12.1" + end, True), (b"1 PT% 98.4" + end, True)]
    assert [body.text for body in unframe(wire, LINES)] == [b"1 PTs 12.1" + end, b"1 PT% 98.4" + end]


def test_an_unfinished_line_is_never_a_whole_message() -> None:
    assert messages(run(LINES, b"1 PTs 12")) == []
    assert messages(run(LINES, b"1 PTs 12", close=True)) == [(b"1 PTs 12", False)]
    assert [body.complete for body in unframe(b"1 PTs 12", LINES)] == [False]


def test_lines_from_first_to_last_are_one_message() -> None:
    wire = FIRST + RESULT + OTHER + LAST
    events = run(VITROS, wire + wire)
    assert messages(events) == [(wire, True), (wire, True)]
    assert sent(events) == b"\x06" * 8
    assert [body.text for body in unframe(wire + wire, VITROS)] == [wire, wire]


def test_a_damaged_line_is_refused_and_the_message_is_not_whole_without_it() -> None:
    damaged = RESULT.replace(b"136", b"186")
    events = run(VITROS, FIRST + damaged + OTHER + LAST)
    assert messages(events) == [(FIRST + OTHER + LAST, False)]
    assert (faults(events), sent(events)) == (["bad checksum"], b"\x06\x15\x06\x06")
    (body,) = unframe(FIRST + damaged + OTHER + LAST, VITROS)
    assert (body.text, body.complete, kinds([body])) == (FIRST + OTHER + LAST, False, ["line damaged"])
    assert maps_back(body, FIRST + damaged + OTHER + LAST)


def test_a_damaged_line_that_comes_again_leaves_the_message_whole() -> None:
    wire = FIRST + RESULT.replace(b"136", b"186") + RESULT + LAST
    assert messages(run(VITROS, wire)) == [(FIRST + RESULT + LAST, True)]
    assert [(body.text, body.complete) for body in unframe(wire, VITROS)] == [(FIRST + RESULT + LAST, True)]


def test_a_damaged_line_that_is_a_message_of_its_own_is_refused() -> None:
    single = profile("lines", check="sum inside", reply="06", refusal="15")
    events = run(single, RESULT.replace(b"136", b"186") + RESULT)
    assert (messages(events), sent(events)) == ([(RESULT, True)], b"\x15\x06")


def test_a_line_whose_end_is_missing_does_not_take_the_next_one_with_it() -> None:
    wire = FIRST + RESULT[:-4] + OTHER + LAST
    assert messages(run(VITROS, wire)) == [(FIRST + OTHER + LAST, False)]


def test_a_new_first_line_cuts_the_open_group_off() -> None:
    assert messages(run(VITROS, FIRST + RESULT + FIRST + RESULT + LAST)) == [
        (FIRST + RESULT, False),
        (FIRST + RESULT + LAST, True),
    ]


def test_silence_ends_a_group_that_has_no_last_line() -> None:
    hl7 = profile("lines", first="^MSH", end="0D", quiet=2)
    framer = make(hl7)
    assert messages(feed(framer, [b"MSH|^~\\&|H60\r", b"OBX|1\r"])) == []
    assert framer.deadline == NOW + 2
    assert messages(framer.tick(NOW + 2)) == [(b"MSH|^~\\&|H60\rOBX|1\r", True)]


def test_a_refused_line_is_taken_when_it_comes_again() -> None:
    framer = make(VITROS)
    framer.receive(FIRST, NOW)
    assert isinstance(framer.receive(RESULT, NOW)[0], FrameReceived)
    framer.refused()
    assert messages(feed(framer, [RESULT, LAST])) == [(FIRST + RESULT + LAST, True)]


def test_a_separator_line_ends_a_report() -> None:
    report = profile("lines", last=r"^-{10,}")
    wire = "样本号：A1\n全血粘度：5.1 ↑\n".encode() + b"-" * 40 + b"\n"
    assert messages(run(report, wire + wire)) == [(wire, True), (wire, True)]


ESR = profile("lines", check="crc inside")


def test_a_line_with_a_crc_is_taken_as_it_is_and_refused_when_a_bit_is_flipped() -> None:
    assert [body.complete for body in unframe(b"12345678929B1\r\n", ESR)] == [True]
    wire = b">28,14,41,7E3F\r\n"
    assert messages(run(ESR, wire)) == [(wire, True)]
    for place in range(8 * (len(wire) - 2)):
        spoiled = bytearray(wire)
        spoiled[place // 8] ^= 1 << place % 8
        assert messages(run(ESR, bytes(spoiled)))[:1] != [(bytes(spoiled), True)]
