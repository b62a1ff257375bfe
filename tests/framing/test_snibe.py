"""Snibe's envelope: an ACK to each of its four controls, and none for a message before the commit."""

from __future__ import annotations

from lis_bridge.framing import MessageReceived, Send, make, unframe
from lis_bridge.framing.sender import Aborted, Sent
from lis_bridge.framing.snibe import REPLY_S, TRIES, Sender, envelope
from tests.framing.drive import NOW, faults, feed, messages, profile, run, sent

SNIBE = profile("snibe")
ACK = b"\x06"
MESSAGE = b"H|\\^&||PSWD|Maglumi X3|||||Lis||P|E1394-97|20260322\rP|1\rO|1|26||^^^FT3\rR|1|^^^FT3|4.10\rL|1|N\r"
WIRE = b"".join(envelope(MESSAGE))
RAW = b"\x02" + MESSAGE + b"\x03"


def test_each_control_is_acknowledged_and_the_message_only_by_its_reply() -> None:
    events = run(SNIBE, WIRE)
    assert events == [Send(ACK), Send(ACK), MessageReceived(RAW, True, ACK, b""), Send(ACK)]
    assert [body.text for body in unframe(RAW, SNIBE)] == [MESSAGE]


def test_envelopes_on_one_connection_stay_apart() -> None:
    assert messages(run(SNIBE, WIRE * 3)) == [(RAW, True)] * 3
    assert [body.text for body in unframe(WIRE * 3, SNIBE)] == [MESSAGE] * 3


def test_enq_inside_an_envelope_cuts_it_off() -> None:
    wire = WIRE[:60] + WIRE
    assert messages(run(SNIBE, wire)) == [(WIRE[1:60], False), (RAW, True)]
    assert [body.complete for body in unframe(wire, SNIBE)] == [False, True]


def test_a_lost_link_cuts_the_envelope_off_and_eot_without_etx_too() -> None:
    assert messages(run(SNIBE, WIRE[:60], close=True)) == [(WIRE[1:60], False)]
    assert messages(run(SNIBE, WIRE[:60] + b"\x04")) == [(WIRE[1:60], False)]


def test_a_refused_message_is_accepted_when_etx_or_all_of_it_comes_again() -> None:
    for again in (b"\x03", WIRE):
        framer = make(SNIBE)
        feed(framer, [WIRE[:-2]])
        assert messages(framer.receive(b"\x03", NOW)) == [(RAW, True)]
        framer.refused()
        assert (RAW, True) in messages(framer.receive(again, NOW))


def test_an_endless_envelope_is_discarded() -> None:
    framer = make(profile("snibe", max_message=100))
    assert faults(framer.receive(b"\x05\x02" + b"x" * 200, NOW)) == ["message too long"]
    assert messages(framer.receive(b"\x05\x02H|\\^&\rL|1\r\x03", NOW)) == [(b"\x02H|\\^&\rL|1\r\x03", True)]


def test_sender_and_receiver_understand_each_other() -> None:
    sender, framer = Sender(), make(SNIBE)
    told, received = list(sender.start([MESSAGE, MESSAGE], NOW)), []
    line = told
    while line:
        events = framer.receive(b"".join(event.data for event in line if isinstance(event, Send)), NOW)
        received += events
        line = sender.receive(sent(events), NOW)
        told += line
    assert messages(received) == [(RAW, True)] * 2
    assert told.count(Sent(MESSAGE)) == 2
    assert sender.idle


def test_a_sender_without_an_answer_tries_three_times() -> None:
    sender, now = Sender(), NOW
    assert sender.start([MESSAGE], now) == [Send(b"\x05")]
    for _ in range(TRIES - 1):
        now += REPLY_S
        assert sender.tick(now) == [Send(b"\x05")]
    assert sender.tick(now + REPLY_S) == [Aborted("no reply", (MESSAGE,))]
