"""Pictures and curves from the journal to the LIS: with their results, once, and never with somebody else's."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import Connection

from lis_bridge import attachments, journal
from lis_bridge.catalogue.plan import Overrides
from lis_bridge.core.holds import Reason
from lis_bridge.pipeline.deciding import Decisions
from lis_bridge.settings import Destination
from lis_bridge.storage import Store
from lis_bridge.tubes import views

from .pictured import (
    LIBRARY,
    NOW,
    PNG,
    RBC,
    READER,
    TESTS,
    ZONE,
    arrives,
    blood_count,
    lis,
    message,
    other_results,
    pictures,
    seal,
    sent,
    slots,
    step,
    told,
    tube_of,
)


def withhold(store: Store, code: str, lises: Sequence[Destination] = (), *, of: str = "2603180457") -> int:
    with store.write() as tx:
        return _withhold(tx, of, code, lises)


def _withhold(tx: Connection, specimen: str, code: str, lises: Sequence[Destination] = ()) -> int:
    tube = tube_of(tx, specimen)
    decisions = Decisions(tx, lises or [lis("forward")], "wu", NOW)
    (receipt,) = decisions.withhold(tube, slots(tx, tube, code), Reason.UNDER_REVIEW, "whose is it?", {})
    return receipt.opened[0]


def release(store: Store, hold: int) -> None:
    with store.write() as tx:
        Decisions(tx, [lis("forward")], "wu", NOW).release(hold)


def move(store: Store, code: str, to: str, *, of: str = "2603180457") -> None:
    with store.write() as tx:
        tube = tube_of(tx, of)
        Decisions(tx, [lis("forward")], "wu", NOW).move_results(tube, slots(tx, tube, code), to, {})


def test_a_picture_goes_with_the_results_that_it_came_with(store: Store) -> None:
    arrives(store, step(), blood_count("2603180457", 1))
    (one,) = sent(store)
    assert pictures(one) == [("12003^^L", f"^IM^PNG^Base64^{base64.b64encode(PNG).decode()}", "F")]
    assert [row[1] for row in one] == ["1", "2"]


def test_a_destination_gets_no_picture_that_it_did_not_ask_for(store: Store) -> None:
    arrives(store, step("drop"), blood_count("2603180457", 1))
    assert [pictures(one) for one in sent(store)] == [[]]
    with store.read() as tx:
        tube = views.find(tx, "2603180457")
        assert tube is not None
        (kept,) = attachments.lines(tx, tube)
        assert (kept.code, kept.media, attachments.content(tx, kept.id)) == ("12003", "image/png", PNG)


def test_a_picture_that_comes_again_is_kept_and_sent_once(store: Store) -> None:
    process = step()
    arrives(store, process, blood_count("2603180457", 1))
    arrives(store, process, blood_count("2603180457", 2, wbc="6.60"))
    assert [len(pictures(one)) for one in sent(store)][1:] in ([], [0])
    with store.read() as tx:
        tube = views.find(tx, "2603180457")
        assert tube is not None
        assert len(attachments.lines(tx, tube)) == 1


def test_a_picture_of_held_results_waits_until_they_are_released(store: Store) -> None:
    process = step()
    arrives(store, process, blood_count("2603180457", 1))
    arrives(store, process, blood_count("2603180458", 2))  # the same time and value under another specimen: held
    assert [len(pictures(one)) for one in sent(store)] == [1]
    with store.read() as tx:
        (hold,) = views.holds(tx)
    release(store, hold.id)
    seal(store)
    assert [len(pictures(one)) for one in sent(store)] == [1, 1]


def test_moved_results_take_their_picture_along_and_the_lis_hears_of_both(store: Store) -> None:
    process = step()
    arrives(store, process, blood_count("2603180457", 1))
    move(store, "6690-2", "2603180499")
    seal(store)  # the withdrawal first; what follows waits for it
    messages = sent(store)
    assert [[(code, status) for code, _, status in pictures(one)] for one in messages] == [
        [("12003^^L", "F")],
        [("12003^^L", "W")],
        [("12003^^L", "F")],
    ]
    assert pictures(messages[1])[0][1] == '^IM^PNG^Base64^""'


def test_results_held_back_take_their_picture_back_and_bring_it_again_when_they_are_released(store: Store) -> None:
    arrives(store, step(), blood_count("2603180457", 1))
    hold = withhold(store, "6690-2")
    seal(store)
    release(store, hold)
    seal(store)
    arrives(store, step(), other_results(2))
    messages = sent(store)
    assert [[(code, status) for code, _, status in pictures(one)] for one in messages] == [
        [("12003^^L", "F")],
        [("12003^^L", "W")],
        [("12003^^L", "F")],
        [],
    ]
    assert pictures(messages[1])[0][1] == '^IM^PNG^Base64^""'
    assert pictures(messages[2]) == pictures(messages[0])


def test_nothing_of_a_picture_is_told_while_its_results_are_held_back(store: Store) -> None:
    process = step()
    arrives(store, process, blood_count("2603180457", 1))
    withhold(store, "6690-2")
    seal(store)
    arrives(store, process, other_results(2))
    assert told(store) == [["F"], ["W"], []]


def test_a_picture_stays_while_one_result_of_its_message_is_reported(store: Store) -> None:
    arrives(store, step(), blood_count("2603180457", 1, more=RBC))
    first = withhold(store, "6690-2")
    seal(store)
    withhold(store, "789-8")
    seal(store)
    release(store, first)
    seal(store)
    assert told(store) == [["F"], [], ["W"], ["F"]]


def test_a_picture_that_no_lis_was_told_of_is_not_told_when_its_results_are_held_back(store: Store) -> None:
    process = step(window=60)
    arrives(store, process, blood_count("2603180457", 1))
    withhold(store, "6690-2")
    arrives(store, process, other_results(2))
    seal(store)
    assert told(store) == [[]]


def test_each_lis_hears_the_withdrawal_of_what_it_was_told(store: Store) -> None:
    quick, slow = lis("forward"), lis("forward", "slow", 60)
    arrives(store, step(lises=(quick, slow)), blood_count("2603180457", 1))
    withhold(store, "6690-2", (quick, slow))
    seal(store, quick)
    seal(store, slow)
    assert (told(store, "lis"), told(store, "slow")) == ([["F"], ["W"]], [])


def test_a_release_before_the_withdrawal_was_sent_leaves_the_picture_as_the_lis_knows_it(store: Store) -> None:
    process = step()
    arrives(store, process, blood_count("2603180457", 1))
    release(store, withhold(store, "6690-2"))
    seal(store)
    arrives(store, process, other_results(2))
    assert told(store) == [["F"], [], []]


@pytest.mark.parametrize("picture", [PNG, PNG + b"drawn anew"], ids=["the same", "drawn anew"])
def test_a_retransmission_of_results_that_are_held_back_brings_no_picture_before_their_release(
    store: Store, picture: bytes
) -> None:
    process = step()
    arrives(store, process, blood_count("2603180457", 1))
    hold = withhold(store, "6690-2")
    seal(store)
    arrives(store, process, blood_count("2603180457", 2, picture=picture))
    arrives(store, process, other_results(3))
    release(store, hold)
    seal(store)
    assert told(store) == [["F"], ["W"], [], ["F"] * len({PNG, picture})]


def test_the_picture_of_a_run_that_another_replaced_while_it_was_held_is_not_told_again(store: Store) -> None:
    process = step()
    arrives(store, process, blood_count("2603180457", 1))
    hold = withhold(store, "6690-2")
    seal(store)
    arrives(store, process, blood_count("2603180457", 2, picture=PNG + b"rerun", wbc="6.10", at="20260318101500"))
    release(store, hold)
    arrives(store, process, other_results(3))
    messages = sent(store)
    assert [len(pictures(one)) for one in messages] == [1, 1, 1, 0]
    assert pictures(messages[2])[0][1].endswith(base64.b64encode(PNG + b"rerun").decode())


def test_a_rerun_that_is_held_back_takes_back_the_pictures_of_the_run_that_it_replaced_too(store: Store) -> None:
    process = step()
    arrives(store, process, blood_count("2603180457", 1))
    arrives(store, process, blood_count("2603180457", 2, picture=PNG + b"rerun", wbc="6.10", at="20260318101500"))
    hold = withhold(store, "6690-2")
    seal(store)
    release(store, hold)
    seal(store)
    assert told(store) == [["F"], ["F"], ["W", "W"], ["F"]]
    assert pictures(sent(store)[3])[0][1].endswith(base64.b64encode(PNG + b"rerun").decode())


def test_a_rerun_with_the_same_picture_brings_it_again(store: Store) -> None:
    process = step()
    arrives(store, process, blood_count("2603180457", 1))
    withhold(store, "6690-2")
    seal(store)
    arrives(store, process, blood_count("2603180457", 2, wbc="6.10", at="20260318101500"))
    assert told(store) == [["F"], ["W"], ["F"]]


def test_results_that_are_held_back_and_moved_bring_their_picture_to_the_new_specimen_alone(store: Store) -> None:
    arrives(store, step(), blood_count("2603180457", 1))
    hold = withhold(store, "6690-2")
    seal(store)
    with store.write() as tx:
        Decisions(tx, [lis("forward")], "wu", NOW).move(hold, "2603180499", READER)
    seal(store)
    assert told(store) == [["F"], ["W"], ["F"]]
    with store.read() as tx:
        assert [len(attachments.lines(tx, tube_of(tx, key))) for key in ("2603180457", "2603180499")] == [0, 1]


def test_a_moved_picture_is_withdrawn_before_anything_brings_it_to_the_new_specimen(store: Store) -> None:
    arrives(store, step(), blood_count("2603180457", 1))
    arrives(store, step(window=600), message("2603180499", 2, [("718-7", "HGB", "131")], {}, "20260318102000"))
    move(store, "6690-2", "2603180499")
    seal(store)
    heard = [(pictures(one)[0][2] if pictures(one) else "", [row[11] for row in one if row[2] != "ED"]) for one in sent(store)]
    assert heard == [("F", ["F"]), ("", ["F"]), ("W", ["W"]), ("F", ["F"])]


def test_moved_results_that_come_again_leave_no_picture_at_the_old_specimen(store: Store) -> None:
    process = step()
    arrives(store, process, blood_count("2603180457", 1))
    move(store, "6690-2", "2603180499")
    seal(store)
    arrives(store, process, blood_count("2603180457", 2))
    arrives(store, process, other_results(3))
    assert told(store) == [["F"], ["W"], ["F"], []]  # the third is the new specimen's
    with store.read() as tx:
        assert attachments.lines(tx, tube_of(tx, "2603180457")) == []


def test_results_that_are_moved_back_at_once_leave_the_picture_as_the_lis_knows_it(store: Store) -> None:
    process = step()
    arrives(store, process, blood_count("2603180457", 1))
    move(store, "6690-2", "2603180499")
    move(store, "6690-2", "2603180457", of="2603180499")
    seal(store)
    arrives(store, process, other_results(2))
    assert [status for one in told(store) for status in one] == ["F"]


def test_pictures_that_came_along_in_a_move_are_held_back_with_what_they_came_along_with(store: Store) -> None:
    process = step()
    arrives(store, process, blood_count("2603180457", 1))
    arrives(store, process, blood_count("2603180457", 2, picture=PNG + b"rerun", wbc="6.10", at="20260318101500"))
    arrives(store, process, other_results(3))
    move(store, "6690-2", "2603180499")
    withhold(store, "6690-2", of="2603180499")
    with store.read() as tx:
        assert [one.held for one in attachments.lines(tx, tube_of(tx, "2603180499"))] == [True, True]


def test_an_earlier_run_s_picture_that_came_back_with_a_move_is_held_back_with_what_brought_it(store: Store) -> None:
    process = step()
    arrives(store, process, blood_count("2603180457", 1))
    arrives(store, process, blood_count("2603180457", 2, picture=PNG + b"rerun", wbc="6.10", at="20260318101500"))
    move(store, "6690-2", "2603180499")
    move(store, "6690-2", "2603180457", of="2603180499")
    withhold(store, "6690-2")
    with store.read() as tx:
        assert [one.held for one in attachments.lines(tx, tube_of(tx, "2603180457"))] == [True, True]


def test_a_release_at_one_specimen_lets_no_picture_of_another_go_that_came_in_the_same_entry(store: Store) -> None:
    process = step()
    arrives(store, process, blood_count("2603180457", 1))
    arrives(store, process, blood_count("2603180458", 2) + blood_count("2603180459", 3))  # the same time and value: held
    with store.read() as tx:
        hold = next(hold.id for hold in views.holds(tx) if hold.key == "2603180458")
    release(store, hold)
    with store.read() as tx:
        assert [attachments.lines(tx, tube_of(tx, key))[0].held for key in ("2603180458", "2603180459")] == [False, True]


def test_what_ends_a_hold_by_itself_lets_the_picture_go_too(store: Store) -> None:
    arrives(store, step(require_order=True), blood_count("2603180457", 1))
    assert told(store) == []
    arrives(store, step(), blood_count("2603180457", 1))
    assert told(store) == [["F"]]


def test_a_message_that_a_person_places_keeps_its_picture_back_where_its_results_still_wait(store: Store) -> None:
    unknown = message("", 1, [("99999-9", "WBC", "6.40")], {"12003": PNG}, "20260318100000")
    arrives(store, step(), unknown)
    with store.write() as tx:
        (hold,) = views.holds(tx)
        Decisions(tx, [lis("forward")], "wu", NOW).move(hold.id, "2603180457", READER)
    arrives(store, step(), other_results(2))
    assert told(store) == [[]]


def test_a_placed_message_s_picture_goes_once_what_it_came_with_has_its_mapping(store: Store) -> None:
    arrives(store, step(), message("", 1, [("99999-9", "WBC", "6.40")], {"12003": PNG}, "20260318100000"))
    with store.write() as tx:
        (hold,) = views.holds(tx)
        Decisions(tx, [lis("forward")], "wu", NOW).move(hold.id, "2603180457", READER)
    mended = step()
    mended.exchange("one", LIBRARY.plan("dymind-dh", TESTS, zone=ZONE, overrides=Overrides({"99999-9": "WBC"}, {})))
    with store.write() as tx:
        journal.reopen(tx, hold.journal_id)
        entry = journal.get(tx, hold.journal_id)
        assert entry is not None
        mended(tx, entry)
    assert told(store) == [["F"]]


def test_a_withdrawal_that_was_decided_outlives_the_process_and_one_that_was_undone_is_none(store: Store, tmp_path: Path) -> None:
    arrives(store, step(), blood_count("2603180457", 1))
    with suppress(ZeroDivisionError), store.write() as tx:
        _withhold(tx, "2603180457", "6690-2")
        raise ZeroDivisionError
    with store.read() as tx:
        assert [one.held for one in attachments.lines(tx, tube_of(tx, "2603180457"))] == [False]
    withhold(store, "6690-2")
    with Store.open(f"sqlite:///{tmp_path}/bridge.db") as after:
        for _ in range(2):
            seal(after)
        assert told(after) == [["F"], ["W"]]
