"""The receiver's promises: nothing acknowledged before the owner commits, nothing lost, doubled or joined wrongly."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lis_bridge.framing import Discarded, FrameReceived, MessageReceived, Send, make, unframe
from lis_bridge.framing.lis1a import CONTENTION_S, RECEIVER_S, SETTLE_S, Receiver
from lis_bridge.framing.sender import Style, frame, transmission
from tests.framing.drive import NOW, accepted, faults, feed, messages, pieces, profile, run, sent

LIS1A = profile("lis1a")
ACK, NAK, ENQ, EOT, ETB, ETX = b"\x06", b"\x15", b"\x05", b"\x04", b"\x17", b"\x03"
MESSAGE = b"H|\\^&|||X\rP|1\rO|1|2604010007||^^^GLU\rR|1|^^^GLU|5.10|mmol/L\rL|1|N\r"
OTHER = MESSAGE.replace(b"0007", b"0008").replace(b"5.10", b"6.20")
RECORDS = [record + b"\r" for record in MESSAGE.split(b"\r")[:-1]]


def frames(records: list[bytes] = RECORDS, closer: bytes = ETX, first: int = 1) -> list[bytes]:
    return [frame((first + number) % 8, record, closer) for number, record in enumerate(records)]


@pytest.mark.parametrize(
    ("style", "size"), [("record", 240), ("record-etb", 240), ("message", 20), ("message", 240), ("message", 7)]
)
def test_a_message_in_any_style_is_one_message_of_its_wire_bytes(style: Style, size: int) -> None:
    wire = transmission([MESSAGE], style=style, size=size)
    events = run(LIS1A, wire)
    assert messages(events) == [(wire[1:-1], True)]
    assert b"".join(accepted(events)) == wire[1:-1]
    assert sent(events) == ACK * (1 + len(accepted(events)))
    assert [body.text for body in unframe(wire[1:-1], LIS1A)] == [MESSAGE]


def test_the_last_frame_is_offered_before_the_message_that_it_completes() -> None:
    *_, last, message = make(LIS1A).receive(transmission([MESSAGE])[:-1], NOW)
    assert isinstance(last, FrameReceived)
    assert (last.reply, last.refusal) == (ACK, NAK)
    assert message == MessageReceived(transmission([MESSAGE])[1:-1])


def test_several_messages_of_one_transmission_keep_counting_and_stay_apart() -> None:
    wire = transmission([MESSAGE, OTHER])
    assert [unframe(raw, LIS1A)[0].text for raw, complete in messages(run(LIS1A, wire)) if complete] == [MESSAGE, OTHER]


def test_a_device_that_counts_from_one_for_each_message_is_understood() -> None:
    wire = ENQ + b"".join(frames()) + b"".join(frames(OTHER.replace(b"\r", b"\r\n").split(b"\n")[:-1])) + EOT
    assert [complete for _, complete in messages(run(LIS1A, wire))] == [True, True]


def test_etx_before_the_l_record_does_not_end_the_message() -> None:
    query = [b"H|\\^&\r", b"Q|1|^26001\r", b"L|1|N\r"]
    wire = ENQ + frame(1, query[0], ETB) + frame(2, query[1], ETX) + frame(3, query[2], ETX) + EOT
    assert messages(run(LIS1A, wire)) == [(wire[1:-1], True)]


def test_a_message_without_l_is_whole_only_where_the_profile_says_that_eot_ends_it() -> None:
    wire = ENQ + b"".join(frames(RECORDS[:-1], ETB)) + EOT
    assert messages(run(LIS1A, wire)) == [(wire[1:-1], False)]
    assert messages(run(profile("lis1a", terminator="EOT"), wire)) == [(wire[1:-1], True)]


@pytest.mark.parametrize("spoil", [lambda one: one[:5] + b"~" + one[6:], lambda one: one[1:], lambda one: one[:9]])
def test_a_sender_that_gives_up_a_frame_and_says_eot_has_sent_no_whole_message(spoil: Callable[[bytes], bytes]) -> None:
    first, last = frame(1, RECORDS[0] + b"R|1|^^^GLU|5.", ETB), frame(2, b"10|mmol/L\r", ETB)
    wire = ENQ + first + spoil(last) * 6 + EOT + ENQ + first + last + EOT
    assert messages(run(profile("lis1a", terminator="EOT"), wire)) == [(first, False), (first + last, True)]


def test_a_frame_that_was_refused_and_came_again_leaves_the_message_whole_at_eot() -> None:
    one, two, *rest = frames(RECORDS[:-1], ETB)
    bad = two.replace(b"P", b"Q")
    wire = ENQ + one + bad + two + bad + two + b"".join(rest) + EOT
    assert messages(run(profile("lis1a", terminator="EOT"), wire)) == [(one + two + b"".join(rest), True)]


def test_a_message_whose_eot_could_not_be_stored_is_whole_at_the_next_try() -> None:
    framer, sent_frames = make(profile("lis1a", terminator="EOT")), frames(RECORDS[:-1])
    feed(framer, [ENQ, *sent_frames])
    for moment in (NOW, NOW + RECEIVER_S, NOW + 2 * RECEIVER_S):
        events = framer.receive(EOT, NOW) if moment == NOW else framer.tick(moment)
        assert messages(events) == [(b"".join(sent_frames), True)]
        framer.refused()
    assert messages(framer.receive(ENQ, NOW + 2 * RECEIVER_S)) == [(b"".join(sent_frames), True)]


def test_a_burst_whose_frames_could_not_be_stored_is_not_whole_because_of_its_eot() -> None:
    framer = make(profile("lis1a", terminator="EOT"))
    one, two, *_ = frames()
    feed(framer, [ENQ, one])
    framer.receive(two + EOT, NOW)
    framer.refused()
    assert messages(framer.tick(NOW + RECEIVER_S)) == [(one, False)]


def test_l_in_an_etb_frame_is_whole_at_eot() -> None:
    wire = ENQ + b"".join(frames(RECORDS, ETB)) + EOT
    assert messages(run(LIS1A, wire)) == [(wire[1:-1], True)]


def test_each_etx_ends_a_message_where_the_profile_says_so() -> None:
    wire = ENQ + frame(1, b"A=1\r", ETX) + frame(2, b"B=2\r", ETX) + EOT
    assert len(messages(run(profile("lis1a", terminator="ETX"), wire))) == 2


@pytest.mark.parametrize("trailer", [b"\r\n", b"\r", b"\n", b""])
def test_a_frame_with_any_trailer_is_accepted_once_the_line_goes_on(trailer: bytes) -> None:
    wire = ENQ + b"".join(one[:-2] + trailer for one in frames()) + EOT
    assert messages(run(LIS1A, wire)) == [(wire[1:-1], True)]


def test_a_missing_trailer_is_forgiven_after_a_short_silence() -> None:
    framer = make(LIS1A)
    one = frames()[0][:-2]
    assert framer.receive(ENQ + one, NOW) == [Send(ACK)]
    assert framer.deadline == NOW + SETTLE_S
    assert framer.tick(NOW + SETTLE_S) == [FrameReceived(one, ACK, NAK)]


def test_nothing_is_acknowledged_before_the_frame_is_whole() -> None:
    framer = make(LIS1A)
    one = frames()[0]
    assert sent(feed(framer, [ENQ, *(one[at : at + 1] for at in range(len(one) - 1))])) == ACK


@pytest.mark.parametrize(
    "spoil", [b"\x02" + b"9" + RECORDS[0], frame(1, RECORDS[0], ETX)[:-4] + b"00\r\n", frame(1, RECORDS[0], ETX)[:-4] + b"G0\r\n"]
)
def test_a_spoilt_frame_is_refused_and_its_repetition_taken(spoil: bytes) -> None:
    spoilt = spoil if spoil.endswith(b"\n") else spoil + ETX + b"00\r\n"
    events = run(LIS1A, ENQ + spoilt + b"".join(frames()) + EOT)
    assert messages(events) == [(b"".join(frames()), True)]
    assert sent(events).startswith(ACK + NAK + ACK)
    assert faults(events) == ["bad checksum"]


def test_a_frame_out_of_order_is_refused() -> None:
    one, _, three, *_ = frames()
    events = run(LIS1A, ENQ + one + three)
    assert accepted(events) == [one]
    assert sent(events) == ACK + ACK + NAK
    assert faults(events) == ["frame number"]


def test_a_sender_that_does_not_listen_to_nak_is_refused_until_it_begins_anew() -> None:
    many = [b"H|\\^&\r", *(b"R|%d\r" % number for number in range(12)), b"L|1\r"]
    deaf = frames(many)
    del deaf[1]
    events = run(LIS1A, ENQ + b"".join(deaf) + EOT + transmission([MESSAGE]))
    assert messages(events) == [(deaf[0], False), (b"".join(frames()), True)]


def test_a_repeated_frame_is_acknowledged_and_not_delivered_again() -> None:
    wire = ENQ + b"".join(one + one for one in frames()) + EOT
    events = run(LIS1A, wire)
    assert messages(events) == [(b"".join(frames()), True)]
    assert sent(events) == ACK * (1 + 2 * len(RECORDS))


def test_the_same_number_with_other_content_is_refused() -> None:
    one, two, *_ = frames()
    events = run(LIS1A, ENQ + one + two + frame(2, b"P|1|x\r", ETX))
    assert accepted(events) == [one, two]
    assert sent(events).endswith(NAK)


@pytest.mark.parametrize(
    ("mode", "sums", "good"),
    [
        ("excluding", "excluding", True),
        ("excluding", "including", False),
        ("including", "excluding", False),
        ("either", "excluding", True),
        ("either", "including", True),
        ("none", "excluding", True),
    ],
)
def test_a_checksum_variant_is_accepted_only_where_it_is_declared(mode: str, sums: str, good: bool) -> None:
    wire = transmission([MESSAGE], checksum=sums)
    events = run(profile("lis1a", checksum=mode), wire)
    assert (messages(events) == [(wire[1:-1], True)]) is good
    assert (sent(events) == ACK + NAK * len(RECORDS)) is not good


def test_frames_without_any_checksum_are_taken_where_none_is_declared() -> None:
    wire = b"".join(one[:-4] + b"\r\n" for one in frames())
    assert messages(run(profile("lis1a", checksum="none"), ENQ + wire + EOT)) == [(wire, True)]


@pytest.mark.parametrize(
    ("numbers", "digits", "good"),
    [
        ("0-7", b"12345678", False),
        ("1-8", b"123456781", True),
        ("1-8", b"123456701", True),
        ("0-9", b"1234567890", True),
        ("any", b"5111459999", True),
        ("0-9", b"12345670", False),
    ],
)
def test_frame_numbers_follow_the_declared_count(numbers: str, digits: bytes, good: bool) -> None:
    records = [b"H|\\^&\r", *(f"C|{number}\r".encode() for number in range(len(digits) - 1))]
    wire = b"".join(frame(int(chr(digit)), record, ETX) for digit, record in zip(digits, records, strict=True))
    assert (accepted(run(profile("lis1a", numbers=numbers), ENQ + wire)) != []) is True
    assert (len(accepted(run(profile("lis1a", numbers=numbers), ENQ + wire))) == len(digits)) is good


def test_frames_without_enq_open_a_transmission_only_with_a_header() -> None:
    whole = b"".join(frames())
    assert messages(run(LIS1A, whole)) == [(whole, True)]
    events = run(LIS1A, frame(1, RECORDS[3], ETX))
    assert (sent(events), faults(events)) == (b"", ["frame outside a transmission"])


def test_enq_in_mid_transfer_cuts_off_what_was_open() -> None:
    begun = b"".join(frames()[:3])
    events = run(LIS1A, ENQ + begun + transmission([MESSAGE]))
    assert messages(events) == [(begun, False), (b"".join(frames()), True)]


def test_enq_after_half_a_frame_is_a_new_beginning() -> None:
    one, two, *_ = frames()
    events = run(LIS1A, ENQ + one + two[:4] + transmission([OTHER]))
    assert [complete for _, complete in messages(events)] == [False, True]
    assert faults(events) == ["frame cut off"]


def test_a_false_enq_inside_a_frame_is_never_acknowledged_for_the_frame() -> None:
    one, two, *_ = frames()
    events = run(LIS1A, ENQ + one + two[:4] + ENQ + two[5:] + two)
    assert accepted(events) == [one, two]
    assert sent(events) == ACK + ACK + NAK + ACK


def test_a_false_stx_inside_a_frame_damages_it_however_it_is_split() -> None:
    one, two, *_ = frames()
    events = run(LIS1A, ENQ + one + two[:4] + b"\x02" + two[5:] + two)
    assert accepted(events) == [one, two]
    assert sent(events) == ACK + ACK + NAK + ACK


def test_enq_alone_after_half_a_frame_is_answered_after_a_short_silence() -> None:
    framer = make(LIS1A)
    feed(framer, [ENQ, frames()[0], frames()[1][:4]])
    assert framer.receive(ENQ, NOW) == []
    assert messages(framer.tick(NOW + SETTLE_S)) == [(frames()[0], False)]


def test_thirty_silent_seconds_cut_the_message_off() -> None:
    framer = make(LIS1A)
    feed(framer, [ENQ, frames()[0], frames()[1][:5]])
    assert messages(framer.tick(NOW + RECEIVER_S - 1)) == []
    events = framer.tick(NOW + RECEIVER_S)
    assert messages(events) == [(frames()[0], False)]
    assert framer.deadline is None
    assert sent(framer.receive(frames()[1], NOW + 40)) == b""


def test_a_lost_link_gives_out_what_was_accepted_and_takes_a_frame_that_only_lacks_its_end() -> None:
    framer = make(LIS1A)
    feed(framer, [ENQ, *frames()[:2], frames()[2][:-1]])
    assert messages(framer.close(NOW)) == [(b"".join(frames()[:2]) + frames()[2][:-1], False)]


def test_a_link_lost_after_the_l_record_loses_nothing_and_cuts_nothing_off() -> None:
    framer = make(LIS1A)
    feed(framer, [ENQ, *frames(RECORDS, ETB)])
    assert messages(framer.close(NOW)) == [(b"".join(frames(RECORDS, ETB)), True)]


def test_noise_between_frames_is_kept_as_evidence_and_disturbs_nothing() -> None:
    one, *rest = frames()
    events = run(LIS1A, b"log 1\r\n" + ENQ + one + b"\r\n~~" + b"".join(rest) + EOT)
    assert messages(events) == [(b"".join(frames()), True)]
    assert [event.raw for event in events if isinstance(event, Discarded)] == [b"log 1", b"~~"]


def test_noise_alone_is_shown_after_a_while() -> None:
    framer = make(LIS1A)
    assert framer.receive(b"MSH|garbage", NOW) == []
    assert framer.deadline is not None
    assert faults(framer.tick(framer.deadline)) == ["no message"]


def test_a_refused_frame_is_accepted_when_it_is_sent_again() -> None:
    framer = make(LIS1A)
    framer.receive(ENQ, NOW)
    one, two, *rest = frames()
    assert accepted(framer.receive(one, NOW)) == [one]
    framer.refused()
    assert accepted(framer.receive(one, NOW)) == [one]
    assert accepted(framer.receive(two, NOW)) == [two]
    assert messages(feed(framer, rest)) == [(b"".join(frames()), True)]


def test_a_refused_last_frame_completes_the_message_when_it_is_sent_again() -> None:
    framer = make(LIS1A)
    *first, last = frames()
    feed(framer, [ENQ, *first])
    assert messages(framer.receive(last, NOW)) == [(b"".join(frames()), True)]
    framer.refused()
    assert messages(framer.receive(last, NOW)) == [(b"".join(frames()), True)]
    assert messages(framer.receive(EOT, NOW)) == []


def test_a_burst_that_was_refused_is_accepted_when_it_is_sent_again() -> None:
    framer = make(LIS1A)
    wire = transmission([MESSAGE])
    framer.receive(wire, NOW)
    framer.refused()
    assert messages(framer.receive(wire[1:], NOW)) == [(wire[1:-1], True)]


def test_a_cut_off_message_that_could_not_be_stored_is_offered_again_after_another_silence() -> None:
    framer = make(LIS1A)
    feed(framer, [ENQ, *frames()[:2]])
    first = framer.tick(NOW + RECEIVER_S)
    assert len(messages(first)) == 1
    framer.refused()
    assert framer.deadline == NOW + 2 * RECEIVER_S
    assert framer.tick(NOW + 2 * RECEIVER_S) == first


def test_a_message_beyond_the_limit_is_refused_and_the_line_goes_on() -> None:
    framer = make(profile("lis1a", max_message=200))
    long = [b"H|\\^&\r", *(b"M|1|" + b"x" * 60 + b"\r" for _ in range(5))]
    events = feed(framer, [ENQ, *frames(long)])
    assert faults(events)[0] == "message too long"
    assert [complete for _, complete in messages(events)] == [False]
    assert messages(framer.receive(transmission([MESSAGE]), NOW)) == [(b"".join(frames()), True)]


def test_a_host_that_yielded_waits_for_the_instrument() -> None:
    framer = Receiver(LIS1A)
    framer.yield_line(NOW)
    assert framer.deadline == NOW + CONTENTION_S
    assert not framer.neutral
    framer.tick(NOW + CONTENTION_S)
    assert framer.neutral


texts = st.binary(min_size=0, max_size=60).map(lambda data: bytes(byte for byte in data if byte > 31))
records = st.lists(texts, max_size=8).map(
    lambda found: b"H|\\^&|\r" + b"".join(b"R|1|" + text + b"\r" for text in found) + b"L|1|N\r"
)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(records, min_size=1, max_size=3),
    st.sampled_from(["record", "record-etb", "message"]),
    st.integers(1, 80),
    st.lists(st.integers(0, 5000), max_size=12),
)
def test_any_split_gives_the_same_events_and_the_same_text(
    sent_messages: list[bytes], style: Style, size: int, cuts: list[int]
) -> None:
    wire = transmission(sent_messages, style=style, size=size)
    whole = feed(make(LIS1A), [wire])
    assert feed(make(LIS1A), pieces(wire, cuts)) == whole
    found = [body for raw, complete in messages(whole) if complete for body in unframe(raw, LIS1A)]
    assert [body.text for body in found if body.complete] == sent_messages


@settings(max_examples=150, deadline=None)
@given(records, st.sampled_from(["record", "message"]), st.integers(5, 240), st.integers(0, 10**6), st.integers(0, 7))
def test_a_flipped_bit_never_changes_what_is_received(message: bytes, style: Style, size: int, place: int, bit: int) -> None:
    wire = bytearray(transmission([message], style=style, size=size))
    wire[place % len(wire)] ^= 1 << bit
    framer = make(LIS1A)
    events = framer.receive(bytes(wire), NOW) + framer.tick(NOW + SETTLE_S) + framer.close(NOW + RECEIVER_S)
    for raw, complete in messages(events):
        for body in unframe(raw, LIS1A):
            assert body.text == message or (message.startswith(body.text) and not (complete and body.complete))
