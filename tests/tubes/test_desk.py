"""What a person decides: release, discard, place, move (promises 3, 4 and 5)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace as changed
from sqlalchemy import Connection

from lis_bridge.core.faults import BridgeError
from lis_bridge.core.holds import Reason
from lis_bridge.tubes import desk, views
from lis_bridge.tubes.assembly import Context
from lis_bridge.tubes.keys import Key
from lis_bridge.tubes.store import Receipt, Tubes
from tests.tubes.samples import LINE, NOW, message, row, snapshot, values
from tests.tubes.test_store import NO_ID, SEVEN, A, B, arrival, file, sent

BY = "wang"
DOUBTED = row("WBC", "7.31", status="W", doubted=True)
LATER = NOW + timedelta(hours=1)


def known(tx: Connection, tubes: Tubes, key: Key) -> dict[str, str | None]:
    """What the LIS should know of a tube; the same from memory and from the events."""
    tube_id = views.find(tx, key.key)
    assert tube_id is not None
    state, cold = tubes.state(tx, tube_id), Tubes().state(tx, tube_id)
    assert snapshot(state) == snapshot(cold)
    return values(state)


def only_hold(tx: Connection) -> int:
    (found,) = views.holds(tx)
    return found.id


class TestRelease:
    def test_a_released_conflicting_value_was_chosen(self, tx: Connection) -> None:
        tubes = Tubes()
        first = file(tx, tubes, message(row("K", "4.1")))
        file(tx, tubes, message(row("K", "5.1")))
        tubes.seal(tx, first.tube_id or 0, first.seq)
        receipt = desk.release(tubes, tx, only_hold(tx), BY, LATER)
        assert sent(receipt) == [("K", "5.1", "C")]
        assert known(tx, tubes, A) == {"K": "5.1"}
        (decided,) = views.holds(tx, state=None)
        assert (decided.state, decided.decided_by, views.tubes(tx)[0].held) == ("released", BY, 0)

    def test_a_released_cut_off_transmission_is_reported_once(self, tx: Connection) -> None:
        tubes = Tubes()
        whole = message(row("K", "4.1"))
        file(tx, tubes, changed(whole, complete=False))
        assert sent(desk.release(tubes, tx, only_hold(tx), BY, LATER)) == [("K", "4.1", "F")]
        assert file(tx, tubes, whole).reports == ()

    def test_a_released_row_that_its_own_message_supersedes_is_not_reported(self, tx: Connection) -> None:
        tubes = Tubes()
        file(tx, tubes, changed(message(row("K", "4.0", superseded=True), row("K", "4.4", occurrence=1)), complete=False))
        assert sent(desk.release(tubes, tx, only_hold(tx), BY, LATER)) == [("K", "4.4", "F")]

    def test_released_doubtful_results_are_placed_by_the_drivers_policy(self, tx: Connection) -> None:
        tubes = Tubes()
        first = Context("line-1", "first")
        file(tx, tubes, message(row("K", "4.1")), SEVEN, first)
        file(tx, tubes, message(row("K", "5.9", "14:00:00"), row("UREA", "30", "14:00:00")), SEVEN, first)
        assert sent(desk.release(tubes, tx, only_hold(tx), BY, LATER)) == [("UREA", "30", "F")]
        assert known(tx, tubes, SEVEN) == {"K": "4.1", "UREA": "30"}

    def test_a_released_second_run_that_contradicts_the_first_is_held_for_that(self, tx: Connection) -> None:
        tubes = Tubes()
        file(tx, tubes, message(row("K", "4.1"), name="张三"))
        file(tx, tubes, message(row("K", "5.9"), row("UREA", "30"), name="李四"))
        receipt = desk.release(tubes, tx, only_hold(tx), BY, LATER)
        assert sent(receipt) == [("UREA", "30", "F")]
        (left,) = views.holds(tx)
        assert (left.id, left.reason, left.codes) == (receipt.opened[0], "conflicting value", ("K",))
        assert known(tx, tubes, A) == {"K": "4.1", "UREA": "30"}

    def test_who_released_another_name_has_said_that_it_is_the_same_patient(self, tx: Connection) -> None:
        tubes = Tubes()
        file(tx, tubes, message(row("K", "4.1"), name="张三"))
        file(tx, tubes, message(row("UREA", "30"), name="Zhang San"))
        desk.release(tubes, tx, only_hold(tx), BY, LATER)
        assert sent(file(tx, tubes, message(row("CL", "101"), name="ZHANG^SAN"))) == [("CL", "101", "F")]
        assert known(tx, tubes, A) == {"K": "4.1", "UREA": "30", "CL": "101"}

    def test_what_has_no_mapping_yet_cannot_be_released(self, tx: Connection) -> None:
        tubes = Tubes()
        file(tx, tubes, message(row("X", "1", problem="unknown code", test=None)))
        with pytest.raises(BridgeError, match="mend the mapping"):
            desk.release(tubes, tx, only_hold(tx), BY, LATER)

    def test_a_doubtful_row_without_mapping_waits_for_it_after_the_release(self, tx: Connection) -> None:
        tubes = Tubes()
        file(tx, tubes, message(row("K", "4.1"), name="张三"))
        file(tx, tubes, message(row("X", "1", problem="unknown code", test=None), row("NA", "141"), name="李四"))
        assert sent(desk.release(tubes, tx, only_hold(tx), BY, LATER)) == [("NA", "141", "F")]
        assert [one.reason for one in views.holds(tx)] == ["unknown code"]
        assert sent(file(tx, tubes, message(row("X", "1"), row("NA", "141"), name="李四"))) == [("X", "1", "F")]

    def test_what_the_device_withdraws_cannot_be_released_as_a_result(self, tx: Connection) -> None:
        tubes = Tubes()
        file(tx, tubes, message(row("K", "4.1"), row("K", "4.1", status="W")))
        with pytest.raises(BridgeError, match="deleted or wrong"):
            desk.release(tubes, tx, only_hold(tx), BY, LATER)

    def test_what_the_device_takes_back_without_another_value_is_never_released_as_a_result(self, tx: Connection) -> None:
        tubes = Tubes()
        file(tx, tubes, message(row("K", "4.1")))
        file(tx, tubes, message(row("K", None, status="C")))
        with pytest.raises(BridgeError, match="deleted or wrong"):
            desk.release(tubes, tx, only_hold(tx), BY, LATER)
        assert known(tx, tubes, A) == {"K": "4.1"}

    def test_what_the_device_doubts_goes_as_a_final_result_once_a_person_lets_it(self, tx: Connection) -> None:
        tubes = Tubes()
        file(tx, tubes, message(DOUBTED))
        assert sent(desk.release(tubes, tx, only_hold(tx), BY, LATER)) == [("WBC", "7.31", "F")]
        assert known(tx, tubes, A) == {"WBC": "7.31"}

    def test_a_doubt_about_a_value_that_was_reported_owes_nothing_when_it_is_released(self, tx: Connection) -> None:
        tubes = Tubes()
        file(tx, tubes, message(row("WBC", "7.31")))
        file(tx, tubes, message(DOUBTED))
        assert sent(desk.release(tubes, tx, only_hold(tx), BY, LATER)) == []
        assert (known(tx, tubes, A), views.holds(tx)) == ({"WBC": "7.31"}, [])

    def test_who_releases_a_cut_off_transmission_has_not_judged_what_the_device_doubts(self, tx: Connection) -> None:
        tubes = Tubes()
        file(tx, tubes, changed(message(DOUBTED, row("PLT", "262")), complete=False))
        assert sent(desk.release(tubes, tx, only_hold(tx), BY, LATER)) == [("PLT", "262", "F")]
        assert [one.reason for one in views.holds(tx)] == ["doubted by the analyzer"]
        assert known(tx, tubes, A) == {"PLT": "262"}

    def test_a_decision_is_taken_once(self, tx: Connection) -> None:
        tubes = Tubes()
        file(tx, tubes, changed(message(row("K", "4.1")), complete=False))
        hold_id = only_hold(tx)
        desk.release(tubes, tx, hold_id, BY, LATER)
        for decide in (desk.release, desk.discard):
            with pytest.raises(BridgeError, match="released already"):
                decide(tubes, tx, hold_id, BY, LATER)
        with pytest.raises(BridgeError, match="no such hold"):
            desk.release(tubes, tx, 999, BY, LATER)


class TestDiscard:
    def test_a_discarded_value_does_not_come_back(self, tx: Connection) -> None:
        tubes = Tubes()
        file(tx, tubes, message(row("K", "4.1")))
        file(tx, tubes, message(row("K", "5.1")))
        receipt = desk.discard(tubes, tx, only_hold(tx), BY, LATER)
        assert receipt.reports == ()
        assert [str(outcome) for outcome in file(tx, tubes, message(row("K", "5.1"))).outcomes] == ["repeat"]
        assert (views.holds(tx), known(tx, tubes, A)) == ([], {"K": "4.1"})

    def test_the_others_of_a_number_go_on_once_the_doubt_is_discarded(self, tx: Connection) -> None:
        tubes = Tubes()
        file(tx, tubes, message(row("K", "4.1")), SEVEN)
        file(tx, tubes, message(row("K", "5.9", "14:00:00")), SEVEN)
        desk.discard(tubes, tx, only_hold(tx), BY, LATER)
        assert sent(file(tx, tubes, message(row("NA", "141", "09:50:00")), SEVEN)) == [("NA", "141", "F")]

    def test_a_hold_without_a_tube_can_be_discarded(self, tx: Connection) -> None:
        tubes = Tubes()
        file(tx, tubes, message(row("K", "4.1"), specimen=None), NO_ID, entry=12)
        desk.discard(tubes, tx, only_hold(tx), BY, LATER)
        file(tx, tubes, message(row("K", "4.1"), specimen=None), NO_ID, entry=12)
        assert views.holds(tx) == []


class TestPlace:
    ENTRY = (message(row("K", "4.1"), specimen=None), message(row("K", "5.5", "09:50:00"), specimen=None))

    def hold_both(self, tx: Connection, tubes: Tubes) -> None:
        for part, one in enumerate(self.ENTRY):
            tubes.file(tx, one, NO_ID, LINE, arrival(12, part))

    def test_the_message_that_was_held_is_filed_under_the_named_specimen(self, tx: Connection) -> None:
        tubes = Tubes()
        self.hold_both(tx, tubes)
        second = views.holds(tx)[0].id
        receipt = desk.place(tubes, tx, second, self.ENTRY, A, LINE, BY, LATER)
        assert (sent(receipt), receipt.key) == ([("K", "5.5", "F")], A.key)
        assert len(views.holds(tx)) == 1

    def test_a_driver_that_reads_it_differently_now_places_nothing(self, tx: Connection) -> None:
        tubes = Tubes()
        self.hold_both(tx, tubes)
        with pytest.raises(BridgeError, match="reads this message differently"):
            desk.place(tubes, tx, views.holds(tx)[0].id, self.ENTRY[::-1], A, LINE, BY, LATER)
        assert (len(views.holds(tx)), views.tubes(tx)) == (2, [])

    def test_it_needs_a_specimen(self, tx: Connection) -> None:
        tubes = Tubes()
        self.hold_both(tx, tubes)
        with pytest.raises(BridgeError, match="names no specimen"):
            desk.place(tubes, tx, views.holds(tx)[0].id, self.ENTRY, NO_ID, LINE, BY, LATER)
        assert len(views.holds(tx)) == 2

    def test_releasing_needs_a_specimen_as_well(self, tx: Connection) -> None:
        tubes = Tubes()
        self.hold_both(tx, tubes)
        with pytest.raises(BridgeError, match="names no tube"):
            desk.release(tubes, tx, views.holds(tx)[0].id, BY, LATER)

    def test_a_hold_that_has_a_tube_is_not_placed_but_moved(self, tx: Connection) -> None:
        tubes = Tubes()
        file(tx, tubes, changed(message(row("K", "4.1")), complete=False))
        with pytest.raises(BridgeError, match="belongs to a tube"):
            desk.place(tubes, tx, only_hold(tx), self.ENTRY, B, LINE, BY, LATER)


class TestMove:
    def test_delivered_results_are_taken_back_first_and_then_reported_of_the_other_specimen(self, tx: Connection) -> None:
        tubes = Tubes()
        first = file(tx, tubes, message(row("K", "4.1"), row("NA", "141")))
        tubes.seal(tx, first.tube_id or 0, first.seq)
        out, into = desk.move_results(tubes, tx, first.tube_id or 0, [("line-1", "K", "")], "last", B, BY, LATER)
        assert (sent(out), out.key) == ([("K", "4.1", "W")], A.key)
        assert (sent(into), into.key) == ([("K", "4.1", "F")], B.key)
        assert (known(tx, tubes, A), known(tx, tubes, B)) == ({"NA": "141"}, {"K": "4.1"})

    def test_a_retransmission_after_the_move_adds_nothing_under_either_id(self, tx: Connection) -> None:
        tubes = Tubes()
        one = message(row("K", "4.1"))
        first = file(tx, tubes, one)
        desk.move_results(tubes, tx, first.tube_id or 0, [("line-1", "K", "")], "last", B, BY, LATER)
        assert file(tx, tubes, one, A).reports == file(tx, tubes, one, B).reports == ()
        assert (known(tx, tubes, A), known(tx, tubes, B), views.holds(tx)) == ({}, {"K": "4.1"}, [])

    def test_a_move_may_be_taken_back(self, tx: Connection) -> None:
        tubes = Tubes()
        first = file(tx, tubes, message(row("K", "4.1")))
        _, into = desk.move_results(tubes, tx, first.tube_id or 0, [("line-1", "K", "")], "last", B, BY, LATER)
        out, back = desk.move_results(tubes, tx, into.tube_id or 0, [("line-1", "K", "")], "last", A, BY, LATER)
        assert (sent(out), sent(back)) == ([("K", "4.1", "W")], [("K", "4.1", "F")])
        assert (known(tx, tubes, A), known(tx, tubes, B)) == ({"K": "4.1"}, {})

    def test_a_correction_of_a_moved_result_under_the_old_id_is_held(self, tx: Connection) -> None:
        tubes = Tubes()
        first = file(tx, tubes, message(row("K", "4.1")))
        desk.move_results(tubes, tx, first.tube_id or 0, [("line-1", "K", "")], "last", B, BY, LATER)
        late = file(tx, tubes, message(row("K", "4.4", status="C")), A)
        assert (late.reports, views.holds(tx)[0].reason) == ((), "conflicting value")

    def test_held_results_of_a_reused_number_go_to_their_own_specimen(self, tx: Connection) -> None:
        tubes = Tubes()
        file(tx, tubes, message(row("K", "4.1")), SEVEN)
        file(tx, tubes, message(row("K", "5.9", "14:00:00"), row("UREA", "30", "14:00:00")), SEVEN)
        out, into = desk.move_hold(tubes, tx, only_hold(tx), B, BY, LATER)
        assert (out.reports, sent(into)) == ((), [("K", "5.9", "F"), ("UREA", "30", "F")])
        assert (known(tx, tubes, SEVEN), known(tx, tubes, B)) == ({"K": "4.1"}, {"K": "5.9", "UREA": "30"})

    def test_moving_where_the_same_waits_as_a_possible_id_correction_settles_it(self, tx: Connection) -> None:
        tubes = Tubes()
        one = message(row("K", "4.1"))
        first = file(tx, tubes, one, A)
        file(tx, tubes, one, B)
        out, into = desk.move_results(tubes, tx, first.tube_id or 0, [("line-1", "K", "")], "last", B, BY, LATER)
        assert (sent(out), sent(into)) == ([("K", "4.1", "W")], [("K", "4.1", "F")])
        assert (views.holds(tx), known(tx, tubes, B)) == ([], {"K": "4.1"})

    def test_results_of_several_analyzers_move_together(self, tx: Connection) -> None:
        tubes = Tubes()
        first = file(tx, tubes, message(row("K", "4.1"), serial="BS8-00017"))
        file(tx, tubes, message(row("WBC", "6.1")), A, Context("blood-1"))
        slots = [("BS8-00017", "K", ""), ("blood-1", "WBC", "")]
        out, *into = desk.move_results(tubes, tx, first.tube_id or 0, slots, "last", B, BY, LATER)
        assert {(one.analyzer, one.source) for one in out.reports} == {("line-1", "BS8-00017"), ("blood-1", "blood-1")}
        assert {(one.analyzer, one.source) for each in into for one in each.reports} == {
            ("line-1", "BS8-00017"),
            ("blood-1", "blood-1"),
        }
        assert known(tx, tubes, B) == {"K": "4.1", "WBC": "6.1"}

    def test_moved_results_of_several_entries_are_each_read_in_their_own(self, tx: Connection) -> None:
        tubes = Tubes()
        first = file(tx, tubes, message(row("K", "4.1"), row("NA", "140")), entry=901)
        file(tx, tubes, message(row("K", "4.4", "10:15:00")), entry=902)
        slots = [("line-1", "K", ""), ("line-1", "NA", "")]
        _, *into = desk.move_results(tubes, tx, first.tube_id or 0, slots, "last", B, BY, LATER)
        assert {run.observation.value: run.journal_id for run in views.view(tx, into[0].tube_id or 0).runs} == {
            "4.4": 902,
            "140": 901,
        }

    def test_a_value_that_contradicts_the_other_specimens_is_held_there(self, tx: Connection) -> None:
        tubes = Tubes()
        first = file(tx, tubes, message(row("K", "4.1")), A)
        file(tx, tubes, message(row("K", "5.5")), B)
        desk.move_results(tubes, tx, first.tube_id or 0, [("line-1", "K", "")], "last", B, BY, LATER)
        assert (views.holds(tx)[0].reason, known(tx, tubes, B)) == ("conflicting value", {"K": "5.5"})

    def test_nothing_is_moved_to_the_same_specimen_or_out_of_nothing(self, tx: Connection) -> None:
        tubes = Tubes()
        first = file(tx, tubes, message(row("K", "4.1")))
        with pytest.raises(BridgeError, match="already"):
            desk.move_results(tubes, tx, first.tube_id or 0, [("line-1", "K", "")], "last", A, BY, LATER)
        with pytest.raises(BridgeError, match="none of these"):
            desk.move_results(tubes, tx, first.tube_id or 0, [("line-1", "NA", "")], "last", B, BY, LATER)
        doubt = Key("", "x", doubt=Reason.SPECIMEN_UNMATCHED, detail="odd")
        with pytest.raises(BridgeError, match="odd"):
            desk.move_results(tubes, tx, first.tube_id or 0, [("line-1", "K", "")], "last", doubt, BY, LATER)


class TestMoveWhatTheDeviceDoubts:
    def test_held_it_is_still_held_under_the_new_specimen(self, tx: Connection) -> None:
        tubes = Tubes()
        file(tx, tubes, message(DOUBTED))
        receipts = desk.move_hold(tubes, tx, only_hold(tx), B, BY, LATER)
        assert [sent(one) for one in receipts] == [[], []]
        assert [one.reason for one in views.holds(tx)] == ["doubted by the analyzer"]

    def test_let_go_before_it_is_withdrawn_there_and_reported_here(self, tx: Connection) -> None:
        tubes = Tubes()
        first = file(tx, tubes, message(DOUBTED))
        desk.release(tubes, tx, only_hold(tx), BY, LATER)
        slot = next(iter(tubes.state(tx, first.tube_id or 0).slots))
        receipts = desk.move_results(tubes, tx, first.tube_id or 0, [slot], "last", B, BY, LATER)
        assert [sent(one) for one in receipts] == [[("WBC", "7.31", "W")], [("WBC", "7.31", "F")]]
        assert known(tx, tubes, B) == {"WBC": "7.31"}


class TestWithhold:
    def held(self, tx: Connection, tubes: Tubes, tube_id: int, *codes: str, reason: Reason = Reason.UNDER_REVIEW) -> Receipt:
        slots = [("line-1", code, "") for code in codes]
        return desk.withhold(tubes, tx, tube_id, slots, "last", reason, "haemolysed", BY, LATER)

    def test_the_hold_names_the_entry_of_the_run_that_was_reported(self, tx: Connection) -> None:
        tubes = Tubes()
        first = file(tx, tubes, message(row("K", "4.1")), entry=901)
        file(tx, tubes, message(row("K", "4.4", "10:15:00")), entry=902)
        self.held(tx, tubes, first.tube_id or 0, "K")
        assert [hold.journal_id for hold in views.holds(tx)] == [902]

    def test_what_a_person_holds_is_withdrawn_and_reported_anew_when_it_is_released(self, tx: Connection) -> None:
        tubes = Tubes()
        first = file(tx, tubes, message(row("K", "6.9"), row("NA", "140")))
        tubes.seal(tx, first.tube_id or 0, first.seq)
        receipt = self.held(tx, tubes, first.tube_id or 0, "K")
        assert sent(receipt) == [("K", "6.9", "W")]
        assert known(tx, tubes, A) == {"NA": "140"}
        (hold,) = views.holds(tx)
        assert (hold.reason, hold.detail, hold.codes, hold.results) == ("under review", "haemolysed", ("K",), 1)
        assert (views.tubes(tx)[0].results, views.tubes(tx)[0].held) == (1, 1)
        assert sent(desk.release(tubes, tx, hold.id, BY, LATER)) == [("K", "6.9", "F")]
        assert known(tx, tubes, A) == {"K": "6.9", "NA": "140"}

    def test_a_retransmission_does_not_end_a_person_s_hold(self, tx: Connection) -> None:
        tubes = Tubes()
        whole = message(row("K", "6.9"))
        first = file(tx, tubes, whole)
        self.held(tx, tubes, first.tube_id or 0, "K")
        assert file(tx, tubes, whole).reports == ()
        assert known(tx, tubes, A) == {}

    def test_a_rerun_is_reported_while_the_first_run_is_held_and_stays_after_its_release(self, tx: Connection) -> None:
        tubes = Tubes()
        first = file(tx, tubes, message(row("K", "6.9")))
        self.held(tx, tubes, first.tube_id or 0, "K")
        assert sent(file(tx, tubes, message(row("K", "4.1", "10:20:00")))) == [("K", "4.1", "F")]
        assert sent(desk.release(tubes, tx, only_hold(tx), BY, LATER)) == []
        assert known(tx, tubes, A) == {"K": "4.1"}

    def test_a_held_result_is_moved_to_another_specimen_without_a_second_withdrawal(self, tx: Connection) -> None:
        tubes = Tubes()
        first = file(tx, tubes, message(row("K", "6.9")))
        self.held(tx, tubes, first.tube_id or 0, "K")
        receipts = desk.move_hold(tubes, tx, only_hold(tx), B, BY, LATER)
        assert [sent(receipt) for receipt in receipts] == [[], [("K", "6.9", "F")]]
        assert known(tx, tubes, B) == {"K": "6.9"}

    def test_a_discarded_one_does_not_come_back(self, tx: Connection) -> None:
        tubes = Tubes()
        whole = message(row("K", "6.9"))
        first = file(tx, tubes, whole)
        self.held(tx, tubes, first.tube_id or 0, "K")
        desk.discard(tubes, tx, only_hold(tx), BY, LATER)
        assert file(tx, tubes, whole).reports == ()
        assert known(tx, tubes, A) == {}

    def test_nothing_is_held_for_a_reason_that_a_person_cannot_end(self, tx: Connection) -> None:
        tubes = Tubes()
        first = file(tx, tubes, message(row("K", "6.9")))
        with pytest.raises(BridgeError, match="for this reason"):
            self.held(tx, tubes, first.tube_id or 0, "K", reason=Reason.NO_ORDER)
        with pytest.raises(BridgeError, match="is reported"):
            self.held(tx, tubes, first.tube_id or 0, "MG")
        assert known(tx, tubes, A) == {"K": "6.9"}
