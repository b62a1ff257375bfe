"""Blocks in every form that the cards know: codes of one and two bytes, check characters, lengths, handshakes, groups."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lis_bridge.framing import Discarded, FrameReceived, MessageReceived, Send, make, unframe
from lis_bridge.framing.block import wrap
from lis_bridge.framing.numbered import DATA_BYTES, crc16
from lis_bridge.framing.profile import Profile
from lis_bridge.framing.shape import _first_of
from tests.framing.drive import NOW, faults, feed, messages, pieces, profile, run, sent

PLAIN = profile("block", start="02")
XOR = profile("block", start="02", check="xor", reply="06", refusal="15")


def texts(wire: bytes, form: Profile) -> list[tuple[bytes, bool]]:
    return [(body.text, body.complete) for body in unframe(wire, form) if body.text]


@pytest.mark.parametrize(
    ("form", "wire", "expected"),
    [
        (PLAIN, b"\x02ab\x03\x02cd\x03\r\n", [b"ab", b"cd"]),
        (profile("block", start="0202", end="0303", check="xor"), b"\x02\x02D \x03\x03\x64", [b"D "]),
        (profile("block", start="02", check="sum"), b"\x02:g1\x03D2\r", [b":g1"]),
        (profile("block", start="02", check="sum+end"), b"\x02:g1\x03D5\r", [b":g1"]),
        (profile("block", start="02", check="sum inside"), b"\x02N\x1c6A\x03", [b"N\x1c6A"]),
        (profile("block", start="02", end=["03", "04"]), b"\x02J1\x03\x02J2\x04", [b"J1", b"J2"]),
        (profile("block", start="01", end="04"), b"\x01H|\\^&\r\x04", [b"H|\\^&\r"]),
        (profile("block", end="0C"), b" one\r\x0c two\r\x0c", [b" one\r", b" two\r"]),
        (profile("block", start=["4E5A5B", "435A5B"], end="5D0D0A", keep=True), b"NZ[\r\r\na]\r\nCZ[\n\r\nb]\r\n", [b"NZ[\r\r\na]\r\n", b"CZ[\n\r\nb]\r\n"]),
        (profile("block", start="02", length=5), b"\x0200012\rab\x03\x02cd\x03", [b"00012\rab\x03\x02cd"]),
    ],
)  # fmt: skip
def test_each_form_is_cut_where_its_card_says(form: Profile, wire: bytes, expected: list[bytes]) -> None:
    assert texts(wire, form) == [(text, True) for text in expected]
    assert [complete for _, complete in messages(run(form, wire))] == [True] * len(expected)


def test_a_check_character_may_be_any_byte_even_a_start_code() -> None:
    text = b"a" + bytes([ord("a") ^ 0x02 ^ 0x03])
    wire = b"\x02" + text + b"\x03\x02"
    assert wrap(text, XOR) == wire
    assert messages(run(XOR, wire + wire)) == [(wire, True), (wire, True)]


def test_a_bad_check_is_refused_and_the_repetition_taken() -> None:
    good, bad = wrap(b"abc", XOR), b"\x02abd" + wrap(b"abc", XOR)[-2:]
    events = run(XOR, bad + good)
    assert messages(events) == [(good, True)]
    assert sent(events) == b"\x15\x06"
    assert texts(bad + good, XOR) == [(b"abc", True)]


def test_a_block_is_acknowledged_only_as_the_reply_of_its_message() -> None:
    (event,) = make(XOR).receive(wrap(b"abc", XOR), NOW)
    assert event == MessageReceived(wrap(b"abc", XOR), True, b"\x06", b"\x15")


def test_a_new_start_cuts_the_open_block_off() -> None:
    wire = b"\x02ab\x02cd\x03\x02ef"
    assert messages(run(PLAIN, wire, close=True)) == [(b"\x02ab", False), (b"\x02cd\x03", True), (b"\x02ef", False)]
    assert texts(wire, PLAIN) == [(b"ab", False), (b"cd", True), (b"ef", False)]


def test_a_prelude_is_answered_at_once() -> None:
    events = run(profile("block", start="02", prelude="01", ignore="0D0A04"), b"\x01\x02ab\x03\x04")
    assert events == [Send(b"\x06"), MessageReceived(b"\x02ab\x03")]


def test_a_clock_after_the_end_is_skipped_whatever_its_bytes_are() -> None:
    urine = profile("block", end="0C", skip="clock", ignore="")
    wire = b" Date:1\r\x0c $\x03\x05\x08\x47 Date:2\r\x0c Date:3\r\x0c"
    assert texts(wire, urine) == [(b" Date:1\r", True), (b" Date:2\r", True), (b" Date:3\r", True)]
    assert len(messages(run(urine, wire, close=True))) == 3
    assert messages(run(urine, wire[:9])) == [(b" Date:1\r\x0c", True)]


GROUP = profile("block", start="02", last="^06", reply="06")


def test_blocks_up_to_the_last_one_are_one_message() -> None:
    wire = b"\x0205a\x03\x0205b\x03\x0206\x03"
    *frames, message = run(GROUP, wire)
    assert [frame for frame in frames if isinstance(frame, FrameReceived)] == [
        FrameReceived(raw, b"\x06", b"") for raw in (b"\x0205a\x03", b"\x0205b\x03", b"\x0206\x03")
    ]
    assert message == MessageReceived(wire)
    assert texts(wire, GROUP) == [(wire, True)]
    assert messages(run(GROUP, wire[:10], close=True)) == [(wire[:10], False)]


def test_a_refused_block_of_a_group_counts_once() -> None:
    framer = make(GROUP)
    framer.receive(b"\x0205a\x03", NOW)
    framer.refused()
    assert messages(feed(framer, [b"\x0205a\x03", b"\x0206\x03"])) == [(b"\x0205a\x03\x0206\x03", True)]


def test_a_group_without_a_damaged_block_is_not_whole() -> None:
    form = profile("block", start="02", check="sum", last="^06")
    good = [wrap(text, form) for text in (b"05a", b"05b", b"06")]
    bad = good[0].replace(b"a", b"c")
    assert [complete for _, complete in messages(run(form, bad + good[1] + good[2] + b"".join(good)))] == [False, True]
    assert [complete for _, complete in texts(bad + good[1] + good[2] + b"".join(good), form)] == [False, True]


def test_a_group_whose_damaged_block_came_again_is_whole() -> None:
    form = profile("block", start="02", check="sum", last="^06")
    good = [wrap(text, form) for text in (b"05 200 7.351 20", b"05 264 94.0 11 7", b"06")]
    wire = good[0] + good[1].replace(b"94.0", b"94%0") + good[1] + good[2]
    assert messages(run(form, wire)) == [(b"".join(good), True)]
    assert texts(wire, form) == [(b"".join(good), True)]


def test_the_rest_of_a_group_that_was_cut_off_is_not_whole_either() -> None:
    wire = b"\x0205a\x03\x0205\x0205b\x03\x0206\x03\x0206\x03"
    assert [complete for _, complete in messages(run(GROUP, wire))] == [False, False, True]
    assert [complete for _, complete in texts(wire, GROUP)] == [False, False, True]


def numbered(data: bytes) -> bytes:
    blocks = [data[at : at + DATA_BYTES].ljust(DATA_BYTES) for at in range(0, len(data), DATA_BYTES)]
    wire = (b"\x02%02X" % number + block + b"%04X\x03" % crc16(block) for number, block in enumerate(blocks, 1))
    return b"%02X" % len(blocks) + b"".join(wire)


def test_crc_is_genibus() -> None:
    assert crc16(b"123456789") == 0xD64E


NUMBERED = profile("numbered", reply="06", refusal="15")


def test_numbered_blocks_are_joined_a_damaged_one_is_refused_and_a_repeated_one_counts_once() -> None:
    data = bytes(range(256)) + b"HGB" * 100
    wire = numbered(data)
    second = slice(2 + 264, 2 + 2 * 264)
    bad = bytearray(wire[second])
    bad[50] ^= 1
    line = wire[: second.start] + bytes(bad) + wire[second] + wire[second] + wire[second.stop :]
    events = run(NUMBERED, line + wire)
    assert [complete for _, complete in messages(events)] == [True, True]
    assert sent(events) == b"\x06\x15\x06\x06\x06" + b"\x06" * 3
    assert [body.text.rstrip() for body in unframe(line, NUMBERED)] == [data]
    assert texts(wire[: second.stop], NUMBERED) == [(data[: 2 * DATA_BYTES], False)]


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.binary(min_size=1, max_size=40).map(lambda data: bytes(byte | 0x20 for byte in data)), max_size=5),
    st.lists(st.integers(0, 300), max_size=6),
    st.sampled_from(["", "xor", "sum", "sum+end"]),
)
def test_any_split_gives_the_same_blocks(sent_texts: list[bytes], cuts: list[int], check: str) -> None:
    form = profile("block", start="02", check=check)
    wire = b"".join(wrap(text, form) for text in sent_texts)
    whole = make(form).receive(wire, NOW)
    assert feed(make(form), pieces(wire, cuts)) == whole
    assert len(messages(whole)) == len(sent_texts)
    assert [text for text, _ in texts(wire, form)] == sent_texts


@settings(max_examples=100, deadline=None)
@given(
    st.binary(min_size=1, max_size=40).map(lambda data: bytes(byte | 0x20 for byte in data)),
    st.integers(0, 10**6),
    st.integers(0, 7),
    st.sampled_from(["xor", "sum", "sum+end"]),
)
def test_a_flipped_bit_is_a_fault_or_changes_nothing(text: bytes, place: int, bit: int, check: str) -> None:
    form = profile("block", start="02", check=check)
    wire = bytearray(wrap(text, form))
    wire[place % len(wire)] ^= 1 << bit
    bodies = unframe(bytes(wire), form)
    assert all(body.text == text or body.faults for body in bodies)
    assert all(body.text == text or not body.complete for body in bodies)


def test_noise_between_blocks_is_evidence() -> None:
    events = run(PLAIN, b"~\x02ab\x0390\r\n\x02cd\x03")
    assert [event.raw for event in events if isinstance(event, Discarded)] == [b"~", b"90"]
    assert faults(events) == ["no message"] * 2


def test_a_refused_block_that_was_a_group_of_its_own_leaves_the_next_group_whole() -> None:
    form = profile("block", start="02", end="03", check="xor", last="E$")
    one, two, bad = (wrap(text, form) for text in (b"a0", b"aE", b"bE"))
    spoiled = bad[:1] + b"c" + bad[2:]
    for wire, whole in ((spoiled + bad, [True]), (one + spoiled + two, [False]), (spoiled + one + two, [True])):
        assert [complete for _, complete in messages(make(form).receive(wire, NOW))] == whole
        assert [body.complete for body in unframe(wire, form) if body.text] == whole


def test_a_refused_block_that_was_not_the_last_of_its_group_tears_the_group() -> None:
    form = profile("block", start="02", end="03", check="xor", last="E$")
    one, two = (wrap(text, form) for text in (b"a0", b"aE"))
    wire = one[:1] + b"c" + one[2:] + two
    assert [complete for _, complete in messages(make(form).receive(wire, NOW))] == [False]
    assert [body.complete for body in unframe(wire, form) if body.text] == [False]


def test_a_lost_end_of_one_sample_never_takes_the_blocks_of_the_next() -> None:
    one, other = numbered(b"HGB" * 200), numbered(b"PLT" * 200)
    for at, byte in ((len(one) - 1, 0x02), (len(one) + 1, 0x00), (len(one) + 9, 0x00)):
        wire = bytearray(one[:-1] + (b"\x03" if at < len(one) else b"\x00") + other)
        wire[at] = byte
        events = run(NUMBERED, bytes(wire), close=True)
        assert all(not complete or raw == other for raw, complete in messages(events))
        assert all(b"HGB" not in text or b"PLT" not in text for text, _ in texts(bytes(wire), NUMBERED))


def test_a_block_of_the_same_number_and_other_bytes_is_no_repetition() -> None:
    wire, other = numbered(b"HGB" * 200), numbered(b"PLT" * 200)
    block = 264
    line = wire[: 2 + 2 * block] + other[2 + block :]
    assert texts(line, NUMBERED) == [((b"HGB" * 200)[: 2 * DATA_BYTES], False)]
    assert faults(run(NUMBERED, line, close=True)) == ["frame number", "frame number"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=700), min_size=1, max_size=3), st.lists(st.integers(0, 3000), max_size=6))
def test_any_split_gives_the_same_numbered_blocks(samples: list[bytes], cuts: list[int]) -> None:
    wire = b"".join(map(numbered, samples))
    whole = make(NUMBERED).receive(wire, NOW)
    assert feed(make(NUMBERED), pieces(wire, cuts)) == whole
    assert [text.rstrip(b" ") for text, _ in texts(wire, NUMBERED)] == [sample.rstrip(b" ") for sample in samples]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=700), min_size=1, max_size=3), st.integers(0, 10**6), st.integers(0, 7))
def test_a_flipped_bit_in_numbered_blocks_never_makes_another_text(samples: list[bytes], place: int, bit: int) -> None:
    wire = bytearray(b"".join(map(numbered, samples)))
    known = [text for text, _ in texts(bytes(wire), NUMBERED)]
    wire[place % len(wire)] ^= 1 << bit
    assert all(any(whole.startswith(text) for whole in known) for text, _ in texts(bytes(wire), NUMBERED))


def test_an_ack_that_a_log_of_both_directions_holds_behind_the_count_means_nothing() -> None:
    wire = numbered(b"HGB" * 100)
    line = wire[:2] + b"\x06" + wire[2:266] + b"\x06" + wire[266:] + b"\x06"
    assert [text.rstrip() for text, _ in texts(line, NUMBERED)] == [b"HGB" * 100]
    assert [complete for _, complete in messages(run(NUMBERED, line))] == [True]


COUNTED = profile("block", start=["4E5A5B", "435A5B"], end="5D0D0A", keep=True, check="lines")


def counted(lines: list[bytes]) -> bytes:
    return b"NZ[" + bytes([len(lines) + 1]) + b"\r\n" + b"".join(line + b"\r\n" for line in lines) + b"]\r\n"


@given(lines=st.lists(st.just(b"0007 "), min_size=1, max_size=120), cuts=st.lists(st.integers(0, 4000), max_size=6))
@settings(deadline=None)
def test_a_count_of_lines_may_be_any_byte_even_a_line_end_or_the_end_code(lines: list[bytes], cuts: list[int]) -> None:
    wire = counted(lines) * 2
    expected = [(counted(lines), True)] * 2
    framer = make(COUNTED)
    assert messages(feed(framer, pieces(wire, cuts)) + framer.close(NOW)) == expected
    assert texts(wire, COUNTED) == expected


def test_a_block_that_lost_a_line_is_refused() -> None:
    wire = counted([b"0007 ", b"*WBC  3+ 500Cells/uL"]).replace(b"0007 \r\n", b"")
    assert messages(run(COUNTED, wire)) == []
    assert faults(run(COUNTED, wire)) == ["bad checksum"]
    assert texts(wire, COUNTED) == []


def test_a_loggers_own_bytes_are_left_out_in_a_repair_only() -> None:
    form = profile("block", end="0C", ignore="", logger="E0FD97")
    wire = b" Seq\xe0\xfd\x97: 1\r\x0c"
    assert texts(wire, form) == [(wire[:-1], True)]
    (body,) = unframe(wire, form, repair=True)
    assert (body.text, body.starts) == (b" Seq: 1\r", ((0, 0), (4, 7)))
    assert [fault.kind for fault in body.faults] == ["logger text"]


CODES = (b"\x1c\r", b"\x1c", b"\x0b", b"\x03")


@given(st.text("\x1c\r\x0b\x03ab", max_size=40).map(str.encode), st.integers(0, 5), st.sampled_from([0, 1020, 3070, 5000]))
def test_the_first_of_several_codes_is_found_as_an_expression_finds_it(buffer: bytes, at: int, before: int) -> None:
    buffer = b"x" * before + buffer
    found = re.compile(b"|".join(map(re.escape, CODES))).search(buffer, at)
    place, code = _first_of(CODES, buffer, at)
    assert code == (found.group() if found else b"")
    assert found is None or place == found.start()
