"""Several framings on one port: the first bytes decide."""

from __future__ import annotations

import pytest

from lis_bridge.framing import MessageReceived, Send, make, unframe
from lis_bridge.framing.make import STX_S
from lis_bridge.framing.mllp import wrap
from lis_bridge.framing.sender import transmission
from lis_bridge.framing.snibe import envelope
from tests.framing.drive import NOW, faults, feed, messages, profile, run, sent

MESSAGE = b"H|\\^&|||X\rP|1\rL|1|N\r"
AUTO = profile("auto")
SPOKEN = {
    "mllp": wrap(b"MSH|^~\\&|A\r"),
    "lis1a": transmission([MESSAGE]),
    "lis1a without enq": transmission([MESSAGE])[1:-1],
    "snibe": b"".join(envelope(MESSAGE)),
    "bare": MESSAGE,
    "block": b"\x0252N 318\x03",
}


@pytest.mark.parametrize("name", SPOKEN)
def test_the_first_bytes_decide_as_if_there_were_one_framing(name: str) -> None:
    kind = name.split()[0]
    only = {"bare": profile("bare-lis2"), "block": profile("block", start="02")}.get(kind) or profile(kind)
    events = run(AUTO, SPOKEN[name] * 2)
    assert len(messages(events)) == 2
    assert (messages(events), sent(events)) == (messages(run(only, SPOKEN[name] * 2)), sent(run(only, SPOKEN[name] * 2)))
    assert [body.complete for body in unframe(SPOKEN[name], AUTO)] == [True]


def test_enq_is_answered_once_before_anything_is_decided() -> None:
    framer = make(AUTO)
    assert framer.receive(b"\x05", NOW) == [Send(b"\x06")]
    assert sent(framer.receive(transmission([MESSAGE])[1:-1], NOW)) == b"\x06" * 3


def test_an_stx_alone_is_answered_after_a_second_for_the_analyzer_that_waits_for_it() -> None:
    framer = make(AUTO)
    assert framer.receive(b"\x05", NOW) == [Send(b"\x06")]
    assert framer.receive(b"\x02", NOW) == []
    assert framer.deadline == NOW + STX_S
    assert framer.tick(NOW + STX_S) == [Send(b"\x06")]
    assert framer.receive(MESSAGE + b"\x03", NOW) == [MessageReceived(b"\x02" + MESSAGE + b"\x03", True, b"\x06")]


def test_a_header_inside_another_word_is_no_header() -> None:
    assert messages(run((profile("mllp"), profile("bare-lis2")), b"MSH|^~\\&|A\rPID|1\r", close=True)) == []


def test_undecidable_bytes_are_evidence_and_what_follows_is_read() -> None:
    events = run((profile("mllp"), profile("lis1a")), b"hello\r\n" + SPOKEN["mllp"])
    assert faults(events) == ["no message"]
    assert len(messages(events)) == 1


def test_a_file_is_one_message() -> None:
    assert messages(run(profile("whole"), b"0,2025\n1,WBC\n", close=True)) == [(b"0,2025\n1,WBC\n", True)]


def test_a_file_beyond_the_limit_is_evidence() -> None:
    framer = make(profile("whole", max_message=5))
    framer.receive(b"x" * 10, NOW)
    assert faults(framer.close(NOW)) == ["message too long"]
    framer.refused()
    assert faults(framer.close(NOW)) == ["message too long"]


OPEN = {
    "mllp": b"\x0bMSH|^~\\&|A\r",
    "lis1a": transmission([MESSAGE])[:-15],
    "snibe": b"\x05\x02H|\\^&\r",
    "bare-lis2": MESSAGE[:14],
    "lines": b"1 PTs 12",
    "whole": b"0,2025\n",
}


@pytest.mark.parametrize("kind", OPEN)
def test_what_a_closed_link_left_is_offered_again_when_its_commit_failed(kind: str) -> None:
    framer = make(profile(kind))
    framer.receive(OPEN[kind], NOW)
    first = messages(framer.close(NOW))
    assert len(first) == 1
    for _ in range(2):
        framer.refused()
        assert messages(framer.close(NOW)) == first
    assert messages(framer.close(NOW)) == []


def test_noise_before_an_enq_is_told_before_the_reply_however_the_bytes_are_split() -> None:
    """``run`` splits: of a logger's head line and an ENQ that came alone, the line comes first."""
    events = run((profile("lis1a"), profile("bare-lis2")), b"logger 12:00\r\n" + transmission([MESSAGE]))
    assert [type(event).__name__ for event in events[:2]] == ["Discarded", "Send"]


HL7 = wrap(b"MSH|^~\\&|A\rPID|1\r")


@pytest.mark.parametrize("noise", [b"\x05zz", b"\x05\x027zz\x03", b"\x05\x02\x02H~", b"\x05z" + b"\x0bMS\x0bM" * 3])
def test_noise_that_looks_like_another_framing_does_not_deafen_the_link(noise: bytes) -> None:
    among = (profile("mllp"), profile("lis1a"), profile("snibe"))
    data = noise + b"rubbish " * 40 + b"\x1c\r" + HL7 * 2
    for size in (len(data), 7, 1):
        found = feed(make(among), [data[at : at + size] for at in range(0, len(data), size)])
        assert [raw for raw, whole in messages(found) if whole] == [HL7[:-1]] * 2


def test_an_enq_is_heard_where_noise_had_chosen_a_framing_that_knows_none() -> None:
    framer = make((profile("mllp"), profile("lis1a")))
    framer.receive(b"\x0bnoise", NOW)
    assert sent(framer.receive(b"\x05", NOW)) == b"\x06"
    found = feed(framer, [transmission([MESSAGE])[1:]])
    assert [whole for _, whole in messages(found)] == [True]


@pytest.mark.parametrize("noise", [(b"\x02\x03",), (b"\x02~\x03", b"A"), (b"\x02", b"\x04", b"\x021")])
def test_an_empty_or_torn_block_proves_no_choice(noise: tuple[bytes, ...]) -> None:
    for said, whole in ((transmission([MESSAGE]), transmission([MESSAGE])[1:-1]), (SPOKEN["mllp"], SPOKEN["mllp"][:-1])):
        framer = make(AUTO)
        feed(framer, noise)
        events = feed(framer, [said[:1], said[1:]] if said[:1] == b"\x05" else [said])
        assert (whole, True) in messages(events)


def test_a_choice_that_brought_a_message_is_not_overruled_by_a_value() -> None:
    framer = make((profile("lis1a"), profile("mllp")))
    feed(framer, [transmission([MESSAGE])])
    odd = b"H|\\^&|||X\rC|1|I|\x0bMSH|x\rL|1|N\r"
    assert [(whole, b"\x0bMSH|" in raw) for raw, whole in messages(feed(framer, [transmission([odd])]))] == [(True, True)]


def test_rubbish_without_end_opens_the_choice_again() -> None:
    framer = make((profile("lis1a"), profile("mllp")))
    feed(framer, [transmission([MESSAGE])])
    feed(framer, [b"\xf0" * 4096] * 40)
    assert messages(feed(framer, [HL7])) == [(HL7[:-1], True)]
