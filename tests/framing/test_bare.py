"""LIS2-A2 records without frames, live and stored, with the numbers that a middleware left in."""

from __future__ import annotations

import pytest

from lis_bridge.framing import FrameReceived, MessageReceived, make, unframe
from tests.framing.drive import NOW, faults, feed, kinds, maps_back, messages, profile, run

BARE = profile("bare-lis2")
MESSAGE = b"H|\\^&|||X\rP|1\rO|1|17\rR|1|^^^ESR|12\rL|1|N\r"
NUMBERED = b"".join(b"%d" % number + record + b"\r" for number, record in enumerate(MESSAGE.split(b"\r")[:-1], 1))


@pytest.mark.parametrize("end", [b"\r", b"\n"])
@pytest.mark.parametrize("message", [MESSAGE, NUMBERED])
def test_a_message_ends_with_its_l_record(message: bytes, end: bytes) -> None:
    message = message.replace(b"\r", end)
    assert messages(run(BARE, message * 2)) == [(message, True)] * 2


def test_a_new_header_cuts_the_open_message_off_and_so_does_a_lost_link() -> None:
    assert messages(run(BARE, MESSAGE[:20] + b"\r" + MESSAGE)) == [(MESSAGE[:20] + b"\r", False), (MESSAGE, True)]
    assert messages(run(BARE, MESSAGE[:30], close=True)) == [(MESSAGE[:30], False)]


def test_an_l_record_without_its_cr_is_whole_once_the_link_is_gone() -> None:
    assert messages(run(BARE, MESSAGE[:-1])) == []
    assert messages(run(BARE, MESSAGE[:-1], close=True)) == [(MESSAGE[:-1], True)]


def test_bytes_before_the_header_are_evidence() -> None:
    events = run(BARE, b"xx|H|yy\r" + MESSAGE)
    assert (messages(events), faults(events)) == ([(MESSAGE, True)], ["no message"])


def test_each_read_is_owed_one_ack_after_its_commit() -> None:
    framer = make(profile("bare-lis2", reply="06"))
    assert framer.receive(MESSAGE[:20], NOW) == [FrameReceived(MESSAGE[:20], b"\x06", b"")]
    assert framer.receive(MESSAGE[20:], NOW) == [MessageReceived(MESSAGE, True, b"\x06")]


def test_a_message_beyond_the_limit_is_discarded() -> None:
    framer = make(profile("bare-lis2", max_message=50))
    assert "message too long" in faults(feed(framer, [b"H|\\^&\r" + b"M|1\r" * 20]))
    assert messages(framer.receive(b"\rH|\\^&\rL|1\r", NOW)) == [(b"H|\\^&\rL|1\r", True)]


def test_stored_records_lose_their_numbers_and_nothing_else() -> None:
    bodies = unframe(NUMBERED * 2, BARE)
    assert [(body.text, body.complete, body.faults) for body in bodies] == [(MESSAGE, True, ())] * 2
    assert all(maps_back(body, NUMBERED * 2) for body in bodies)


def test_a_missing_number_ends_what_is_believed() -> None:
    lost = NUMBERED.replace(b"3O|1|17\r", b"")
    (body,) = unframe(lost, BARE)
    assert (body.text, body.complete, kinds([body])) == (b"H|\\^&|||X\r", False, ["frame missing"])


def test_a_number_inside_a_record_is_left_out_by_a_repair_and_only_at_the_end_of_a_full_frame() -> None:
    order = b"O|1|17||" + b"\\".join(b"^^^^T%02d" % number for number in range(40))
    torn = b"1H|\\^&\r2" + order[:240] + b"3" + order[240:] + b"\r4L|1|N\r"
    (strict,), (mended,) = unframe(torn, BARE), unframe(torn, BARE, repair=True)
    assert (strict.complete, kinds([strict])) == (False, ["frame missing"])
    assert (mended.text, mended.complete, kinds([mended])) == (b"H|\\^&\r" + order + b"\rL|1|N\r", True, ["frame numbers inside"])
    assert maps_back(mended, torn)
    moved = b"1H|\\^&\r2" + order[:239] + b"3" + order[239:] + b"\r4L|1|N\r"
    assert [body.complete for body in unframe(moved, BARE, repair=True)] == [False]


def test_a_text_cut_by_position_is_joined_only_if_every_number_is_where_it_must_be() -> None:
    text = b"H|@^\\|X\r" + b"R|1|^panel^^test^Assay^1^value|POSITIVE 12345^|\r" * 30 + b"L|1|N\r"
    cut = b"".join(b"%d" % ((1 + count) % 8) + text[at : at + 240] for count, at in enumerate(range(0, len(text), 240)))
    (mended,) = unframe(cut, BARE, repair=True)
    assert (mended.text, mended.complete) == (text, True)
    assert maps_back(mended, cut)
    assert [body.text for body in unframe(cut, BARE)] == [b""]
    assert [body.text for body in unframe(cut[:300] + cut[301:], BARE, repair=True)] == [b""]
