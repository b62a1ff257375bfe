"""The sender talks to the receiver, and keeps the standard's counters and timers."""

from __future__ import annotations

import pytest

from lis_bridge.framing import Event, FrameReceived, MessageReceived, Send, make, unframe
from lis_bridge.framing.lis1a import Sender
from lis_bridge.framing.sender import BUSY_S, CONTENTION_S, REPLY_S, TRIES, Aborted, Sent, Style, Yielded
from tests.framing.drive import NOW, profile

LIS1A = profile("lis1a")
ACK, NAK, ENQ, EOT = b"\x06", b"\x15", b"\x05", b"\x04"
MESSAGES = [b"H|\\^&\rR|1|^^^NA|140.10\rL|1|N\r", b"H|\\^&\rQ|1|^7\rL|1|N\r"]


def said(events: list[object]) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, Send))


def conversation(sender: Sender, messages: list[bytes], refuse_first: bool = False) -> tuple[list[Event], list[object]]:
    """Sender and receiver on one wire until both are silent; the owner's commit fails once with ``refuse_first``."""
    framer = make(LIS1A)
    received: list[Event] = []
    told: list[object] = []
    line = list(sender.start(messages, NOW))
    while line:
        told += line
        answer = b""
        for event in framer.receive(said(line), NOW):
            if refuse_first and isinstance(event, FrameReceived):
                refuse_first = False
                framer.refused()
                answer += event.refusal
                break
            received.append(event)
            answer += event.data if isinstance(event, Send) else getattr(event, "reply", b"")
        line = sender.receive(answer, NOW)
    return received, told


@pytest.mark.parametrize("refuse_first", [False, True])
@pytest.mark.parametrize(("style", "size"), [("record", 240), ("record-etb", 6), ("message", 6), ("message", 63_993)])
def test_every_message_arrives_once_and_is_told_as_sent(style: Style, size: int, refuse_first: bool) -> None:
    received, told = conversation(Sender(style=style, size=size), MESSAGES, refuse_first)
    raws = [event.raw for event in received if isinstance(event, MessageReceived) and event.complete]
    assert [body.text for raw in raws for body in unframe(raw, LIS1A)] == MESSAGES
    assert [event for event in told if isinstance(event, Sent)] == [Sent(message) for message in MESSAGES]
    assert said(told).endswith(EOT)


def test_a_frame_refused_six_times_aborts_with_all_that_is_unsent() -> None:
    sender = Sender()
    sender.start(MESSAGES, NOW)
    first = sender.receive(ACK, NOW)
    for _ in range(TRIES - 1):
        assert sender.receive(NAK, NOW) == first
    assert sender.receive(NAK, NOW) == [Send(EOT), Aborted("a frame was refused 6 times", tuple(MESSAGES))]
    assert sender.idle


def test_any_character_but_ack_and_eot_refuses_and_eot_accepts() -> None:
    sender = Sender()
    sender.start(MESSAGES, NOW)
    first = sender.receive(ACK, NOW)
    assert sender.receive(b"x", NOW) == first
    assert said(sender.receive(EOT, NOW))[1:2] == b"2"


def test_no_reply_to_enq_or_to_a_frame_ends_with_eot() -> None:
    sender = Sender()
    sender.start(MESSAGES, NOW)
    assert sender.tick(NOW + REPLY_S - 1) == []
    assert sender.tick(NOW + REPLY_S) == [Send(EOT), Aborted("no reply to ENQ", tuple(MESSAGES))]
    sender.start(MESSAGES, NOW)
    sender.receive(ACK, NOW)
    assert sender.tick(NOW + REPLY_S) == [Send(EOT), Aborted("no reply to a frame", tuple(MESSAGES))]


def test_a_busy_receiver_is_called_again_after_ten_seconds_and_given_up_in_the_end() -> None:
    sender, now = Sender(), NOW
    sender.start(MESSAGES, now)
    for _ in range(TRIES - 1):
        assert sender.receive(NAK, now) == []
        now += BUSY_S
        assert sender.tick(now) == [Send(ENQ)]
    assert Aborted("the other side is busy", tuple(MESSAGES)) in sender.receive(NAK, now)


def test_in_contention_the_instrument_calls_again_and_the_host_yields() -> None:
    instrument, host = Sender(), Sender(role="host")
    instrument.start(MESSAGES, NOW)
    assert instrument.receive(ENQ, NOW) == []
    assert instrument.tick(NOW + CONTENTION_S) == [Send(ENQ)]
    host.start(MESSAGES, NOW)
    assert host.receive(ENQ, NOW) == [Yielded(tuple(MESSAGES))]
    assert host.idle


def test_a_lost_link_tells_what_is_unsent() -> None:
    sender = Sender()
    sender.start(MESSAGES, NOW)
    assert sender.close() == [Aborted("link lost", tuple(MESSAGES))]
    assert sender.close() == []


def test_nothing_is_started_twice() -> None:
    sender = Sender()
    sender.start(MESSAGES, NOW)
    with pytest.raises(RuntimeError):
        sender.start(MESSAGES, NOW)
