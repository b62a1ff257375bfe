"""Stored bytes: the fast path is the slow path, the map is exact, and damage is never a wrong text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lis_bridge.framing import unframe
from lis_bridge.framing.bare_stored import looked_through, unframe_bare
from lis_bridge.framing.clean import unframe_clean
from lis_bridge.framing.mllp import wrap
from lis_bridge.framing.sender import Style, frame, transmission
from lis_bridge.framing.stored import Stored
from tests.framing.drive import kinds, maps_back, messages, profile, run

LIS1A = profile("lis1a")
HEAD, ORDER, RESULT, END = b"H|\\^&|||X\r", b"O|1|0007\r", b"R|1|^^^GLU|5.10\r", b"L|1|N\r"
MESSAGE = HEAD + ORDER + RESULT + END

styles: st.SearchStrategy[Style] = st.sampled_from(["record", "record-etb", "message"])
lines = st.lists(st.binary(max_size=30).map(lambda data: bytes(byte for byte in data if byte > 23)), max_size=12)
sent_messages = lines.map(lambda found: HEAD + b"".join(b"R|1|" + text + b"\r" for text in found) + END)
edits = st.lists(
    st.tuples(st.integers(0, 10**6), st.integers(0, 255), st.sampled_from(["set", "insert", "delete", "double"])), max_size=2
)


def edited(wire: bytes, changes: list[tuple[int, int, str]]) -> bytes:
    line = bytearray(wire)
    for place, byte, what in changes:
        at = place % len(line)
        if what == "set":
            line[at] = byte
        elif what == "insert":
            line.insert(at, byte)
        elif what == "delete":
            del line[at]
        else:
            line[at:at] = line[max(0, at - 40) : at]
    return bytes(line)


@settings(max_examples=200, deadline=None)
@given(sent_messages, styles, st.integers(1, 300), edits, st.booleans())
def test_what_the_fast_path_reads_the_slow_path_reads_alike(
    message: bytes, style: Style, size: int, changes: list[tuple[int, int, str]], framed: bool
) -> None:
    wire = transmission([message], style=style, size=size)
    raw = edited(wire if framed else wire[1:-1], changes)
    fast = unframe_clean(raw)
    assert fast is None or Stored(raw, LIS1A).bodies == [fast]
    assert fast is not None or changes or b"\r\r" in message or b"\rH" in message or b"\rh" in message


def test_the_fast_path_takes_what_it_is_made_for() -> None:
    long = HEAD + RESULT * 220 + END
    for style, size in (("record", 240), ("message", 240), ("message", 63_000)):
        body = unframe_clean(transmission([long], style=style, size=size))
        assert body is not None
        assert body.text == long


@settings(max_examples=300, deadline=None)
@given(st.lists(sent_messages, min_size=1, max_size=2), edits)
def test_bare_records_that_are_taken_as_they_stand_are_what_the_slow_path_reads(
    found: list[bytes], changes: list[tuple[int, int, str]]
) -> None:
    raw = edited(b"".join(found), changes)
    assert unframe_bare(raw) == looked_through(raw, repair=False)


@settings(max_examples=150, deadline=None)
@given(st.lists(sent_messages, min_size=1, max_size=3), styles, st.integers(1, 100), edits)
def test_every_text_maps_back_to_its_bytes(
    found: list[bytes], style: Style, size: int, changes: list[tuple[int, int, str]]
) -> None:
    raw = edited(transmission(found, style=style, size=size), changes)
    for repair in (False, True):
        assert all(maps_back(body, raw) for body in unframe(raw, LIS1A, repair=repair) if body.text)


@pytest.mark.parametrize("rest", [b"h\rL|1|N\r", b"h|3\rL|1|N\r"])
def test_a_frame_that_goes_on_with_an_h_is_no_header(rest: bytes) -> None:
    """The first frame is lost; what follows must not be taken for a message of its own."""
    head = b"H|\\^&|||X\rR|1|"
    sent = transmission([head + rest], style="message", size=len(head))
    assert b"\x022" + rest[:1] in sent
    assert not any(body.complete for body in unframe(sent.replace(b"\x02", b"\x03", 1), LIS1A))


@settings(max_examples=150, deadline=None)
@given(sent_messages, styles, st.integers(1, 100), st.integers(0, 10**6), st.integers(0, 7))
def test_a_flipped_bit_is_a_fault_or_the_same_text(message: bytes, style: Style, size: int, place: int, bit: int) -> None:
    raw = bytearray(transmission([message], style=style, size=size))
    raw[place % len(raw)] ^= 1 << bit
    for body in unframe(bytes(raw), LIS1A):
        assert body.text == message or not body.complete
        assert message.startswith(body.text)


def test_a_bad_frame_is_forgotten_when_its_repetition_follows() -> None:
    bad = frame(3, RESULT, b"\x03").replace(b"5.10", b"6.10")
    wire = frame(1, HEAD, b"\x03") + frame(2, ORDER, b"\x03") + bad + frame(3, RESULT, b"\x03") + frame(4, END, b"\x03")
    (body,) = unframe(b"\x05" + wire + b"\x04", LIS1A)
    assert (body.text, body.complete, kinds([body])) == (MESSAGE, True, ["bad checksum"])


def test_nothing_is_joined_across_a_frame_that_is_missing() -> None:
    one, two, three, four = (frame(number, text, b"\x03") for number, text in enumerate((HEAD, ORDER, RESULT, END), 1))
    for wire, kind in ((one + three + four, "frame missing"), (one + two.replace(b"7", b"8") + three + four, "bad checksum")):
        for repair in (False, True):
            (body,) = unframe(wire, LIS1A, repair=repair)
            kept = repair and kind == "bad checksum"
            assert body.text == (MESSAGE.replace(b"7", b"8") if kept else HEAD)
            assert (body.complete, kind in kinds([body])) == (kept, True)


def test_a_message_after_a_hole_is_read_again_from_its_header() -> None:
    first = transmission([MESSAGE])[1:-1]
    raw = first[: first.find(b"\x023")] + transmission([MESSAGE])
    assert [(body.text, body.complete) for body in unframe(raw, LIS1A)] == [(HEAD + ORDER, False), (MESSAGE, True)]


def test_records_without_their_header_are_no_message() -> None:
    (body,) = unframe(frame(2, RESULT, b"\x03") + frame(3, END, b"\x03"), LIS1A)
    assert (body.text, kinds([body])) == (b"", ["no header"])


def test_messages_of_one_transmission_are_bodies_of_their_own_even_in_one_frame() -> None:
    for wire in (transmission([MESSAGE, MESSAGE]), b"\x05" + frame(1, MESSAGE + MESSAGE, b"\x03") + b"\x04"):
        assert [body.text for body in unframe(wire, LIS1A)] == [MESSAGE, MESSAGE]


def test_a_frame_without_stx_is_believed_for_its_checksum_in_a_repair_only() -> None:
    wire = transmission([MESSAGE])[2:-1]
    assert [body.complete for body in unframe(wire, LIS1A)] == [False]
    (body,) = unframe(wire, LIS1A, repair=True)
    assert (body.text, body.complete, kinds([body])) == (MESSAGE, True, ["start missing"])
    assert maps_back(body, wire)


def test_a_logger_that_adds_lf_and_headers_is_undone_in_a_repair_only() -> None:
    logged = transmission([MESSAGE]).replace(b"\r\x03", b"\r\n\x03")
    logged = b"\xef\xbb\xbf" + logged[:30] + b"\r\nDateTime: 05/12/2025 1:00:21 PM  R:" + logged[30:]
    assert not any(body.complete for body in unframe(logged, LIS1A))
    (body,) = unframe(logged, LIS1A, repair=True)
    assert (body.text, body.complete, kinds([body])) == (MESSAGE, True, ["logger text"])
    assert maps_back(body, logged)


def test_hl7_in_the_chunks_of_a_logger_is_joined_in_a_repair() -> None:
    message = b"MSH|^~\\&|BC\rOBX|1|NM|WBC||5.1\r"
    head = b"[2025-04-14 11:16:44.438]# RECV ASCII>\r\n"
    wire = wrap(message)
    logged = head + wire[:25] + b"\r\n\r\n" + head + wire[25:] + b"\r\n\r\n" + head + b"\x02\r\n\r\n"
    (body,) = unframe(logged, profile("mllp", heartbeat="02"), repair=True)
    assert (body.text, body.complete, kinds([body])) == (message, True, ["logger text"])
    assert maps_back(body, logged)


def test_bare_hl7_is_named_as_such_and_read_in_a_repair_only() -> None:
    raw = b"MSH|^~\\&|A\rPID|1\rMSH|^~\\&|B\r"
    assert kinds(unframe(raw, profile("mllp"))) == ["no message"]
    bodies = unframe(raw, profile("mllp"), repair=True)
    assert [body.text for body in bodies] == [b"MSH|^~\\&|A\rPID|1\r", b"MSH|^~\\&|B\r"]
    assert kinds(bodies) == ["no envelope", "no envelope"]


def test_nothing_is_found_in_nothing_and_a_fault_in_rubbish() -> None:
    assert unframe(b"", LIS1A) == []
    for kind in ("lis1a", "mllp", "snibe", "bare-lis2", "block", "numbered", "auto"):
        options = {"start": "02"} if kind == "block" else {}
        for repair in (False, True):
            assert kinds(unframe(b"\xffrubbish\xff", profile(kind, **options), repair=repair)) == ["no message"]


@settings(max_examples=100, deadline=None)
@given(
    st.binary(max_size=300), st.sampled_from(["lis1a", "mllp", "snibe", "bare-lis2", "numbered", "lines", "auto"]), st.booleans()
)
def test_no_bytes_ever_raise_and_no_byte_is_made_up(raw: bytes, kind: str, repair: bool) -> None:
    for body in unframe(raw, profile(kind), repair=repair):
        assert not body.text or maps_back(body, raw)


LOSING = profile("lis1a", lost="25", lost_at=[r"^R\|\d+\|!!!LY(?=\|)", r"^R\|\d+\|[^|]*\|[^|]*\|(?=\|)"])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from([b"LY%|25.1|%|20 to 50", b"LY#|1.7|10|0 to 5", b"Hct|33.8|%|35 to 60", b"WBC|6.8|10|4 to 10"]), max_size=6
    )
)
def test_a_byte_that_a_logger_swallowed_is_put_back_in_a_repair_only_and_named(rows: list[bytes]) -> None:
    message = HEAD + b"".join(b"R|1|!!!" + row + b"\r" for row in rows) + END
    wire = transmission([message])
    logged, damaged = wire.replace(b"%", b""), sum(b"%" in row for row in rows)
    (body,) = unframe(logged, LOSING, repair=True)
    assert (body.text, body.complete, kinds([body])) == (message, True, ["characters restored"] * damaged)
    assert all(b"%" not in found.text and (not damaged or not found.complete) for found in unframe(logged, LOSING))
    assert not messages_of(logged, damaged)


def messages_of(wire: bytes, damaged: int) -> list[bytes]:
    """Whole messages that the live side takes although frames are damaged."""
    return [raw for raw, complete in messages(run(LOSING, wire)) if complete and damaged]


def test_a_byte_is_put_back_only_where_the_checksum_then_fits() -> None:
    message = HEAD + b"R|1|!!!LY%|25.1|%|20 to 50\r" + END
    for lost in (b"25.1|", b"LY|25.1|%", b"LY%|2.1|"):
        logged = transmission([message]).replace(b"LY%|25.1|%"[: len(lost)], lost)
        assert logged == transmission([message]) or "characters restored" not in kinds(unframe(logged, LOSING, repair=True))


def test_line_ends_that_a_text_logger_doubled_are_mended_where_the_check_then_fits() -> None:
    form = profile("block", start="02", check="complement inside")
    text = b"WBC 6.1\r\nRBC 4.74\r\n"
    wire = b"\x02" + text + b"%02X\x03" % (-sum(text) & 0xFF)
    logged = wire.replace(b"\r\n", b"\r\r\n")
    assert kinds(unframe(logged, form)) == ["bad checksum"]
    (body,) = unframe(logged, form, repair=True)
    assert (body.text, body.complete, kinds([body])) == (wire[1:-1], True, ["line ends doubled"])
    assert maps_back(body, logged)
    unchecked = profile("block", start="02")
    assert [found.text for found in unframe(logged, unchecked, repair=True)] == [logged[1:-1]]


def test_a_counted_block_that_lost_nuls_is_believed_for_its_checksum_in_a_repair_only() -> None:
    form = profile("block", start="02", length=5, check="sum16 inside")
    inside = b"W \x00\x02\x03~\x00\r"
    text = b"%05d\r" % (len(inside) + 13) + inside
    wire = b"\x02" + text + b"} %04X\r\x03" % (sum(text) & 0xFFFF)
    assert [body.complete for body in unframe(wire, form)] == [True]
    logged = wire.replace(b"\x00", b"")
    assert not any(body.complete for body in unframe(logged, form))
    (body,) = unframe(logged, form, repair=True)
    assert (body.text, body.complete, kinds([body])) == (logged[1:-1], True, ["length wrong"])
    for place in range(6, logged.index(b"}")):
        broken = logged[:place] + bytes([logged[place] ^ 1]) + logged[place + 1 :]
        assert not any(found.complete for found in unframe(broken, form, repair=True))
