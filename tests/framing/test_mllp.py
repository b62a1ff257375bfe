"""MLLP as devices send it: with and without CR, with noise between, with a message that breaks off."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lis_bridge.framing import Discarded, MessageReceived, make, unframe
from lis_bridge.framing.mllp import wrap
from tests.framing.drive import NOW, faults, feed, kinds, maps_back, messages, pieces, profile, run, sent

MLLP = profile("mllp")
ONE, TWO = b"MSH|^~\\&|A\rOBX|1|NM|GLU||5.10\r", b"MSH|^~\\&|B\rOBX|1|NM|K||4.0\r"


@pytest.mark.parametrize("between", [b"\x1c\r", b"\x1c", b"\x1c\n", b"\x1c\r\r\n", b"\x1c\r\x1c\r"])
def test_fs_ends_a_message_whatever_follows(between: bytes) -> None:
    wire = b"\x0b" + ONE + between + b"\x0b" + TWO + between
    events = run(MLLP, wire)
    assert messages(events) == [(b"\x0b" + ONE + b"\x1c", True), (b"\x0b" + TWO + b"\x1c", True)]
    assert (sent(events), faults(events)) == (b"", [])
    assert [body.text for body in unframe(wire, MLLP)] == [ONE, TWO]


def test_vt_inside_an_open_message_cuts_it_off() -> None:
    wire = b"\x0b" + ONE[:20] + wrap(TWO)
    assert messages(run(MLLP, wire)) == [(b"\x0b" + ONE[:20], False), (b"\x0b" + TWO + b"\x1c", True)]
    assert [(body.text, body.complete) for body in unframe(wire, MLLP)] == [(ONE[:20], False), (TWO, True)]


def test_a_lost_link_cuts_the_open_message_off() -> None:
    assert messages(run(MLLP, b"\x0b" + ONE, close=True)) == [(b"\x0b" + ONE, False)]
    assert kinds(unframe(b"\x0b" + ONE, MLLP)) == ["message cut off"]


def test_a_heartbeat_means_nothing_only_where_it_is_declared() -> None:
    wire = b"\x02\x02" + wrap(ONE) + b"\x02"
    assert faults(run(profile("mllp", heartbeat="02"), wire, close=True)) == []
    assert faults(run(MLLP, wire, close=True)) == ["no message", "no message"]


def test_a_heartbeat_byte_inside_a_message_belongs_to_it() -> None:
    assert messages(run(profile("mllp", heartbeat="02"), wrap(b"MSH|\x02|\r"))) == [(b"\x0bMSH|\x02|\r\x1c", True)]


def test_bytes_before_the_first_message_are_evidence() -> None:
    events = run(MLLP, b"connected\r\n" + wrap(ONE))
    assert [event.raw for event in events if isinstance(event, Discarded)] == [b"connected"]
    assert messages(events) == [(b"\x0b" + ONE + b"\x1c", True)]


@pytest.mark.parametrize("text", ["MSH|患者\r", "MSH|ଋ ᰋ ఀ\r"])
def test_utf16_is_cut_at_whole_characters(text: str) -> None:
    wide, message = profile("mllp", wide=True), text.encode("utf-16-le")
    wire = wrap(message, wide=True) + wrap(message, wide=True)
    assert [complete for _, complete in messages(run(wide, wire))] == [True, True]
    assert [body.text for body in unframe(wire, wide)] == [message, message]


def test_a_message_beyond_the_limit_is_discarded_and_the_next_one_read() -> None:
    framer = make(profile("mllp", max_message=100))
    events = framer.receive(b"\x0b" + b"x" * 200, NOW) + framer.receive(b"\x1c\r" + wrap(ONE), NOW)
    assert faults(events) == ["message too long"]
    assert messages(events) == [(b"\x0b" + ONE + b"\x1c", True)]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.binary(max_size=80).map(lambda data: data.replace(b"\x0b", b"").replace(b"\x1c", b"")), max_size=5),
    st.lists(st.integers(0, 500), max_size=8),
)
def test_any_split_gives_the_same_messages_and_their_text(sent_messages: list[bytes], cuts: list[int]) -> None:
    wire = b"".join(map(wrap, sent_messages))
    events = feed(make(MLLP), pieces(wire, cuts))
    assert [event.raw[1:-1] for event in events if isinstance(event, MessageReceived)] == sent_messages
    bodies = unframe(wire, MLLP)
    assert [body.text for body in bodies] == sent_messages
    assert all(maps_back(body, wire) for body in bodies)
