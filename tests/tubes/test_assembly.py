"""What becomes of each observation (DESIGN sections 3 and 4, promises 3, 4 and 5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import replace as changed

from lis_bridge.core.results import Message
from lis_bridge.tubes.assembly import Context, file
from tests.tubes.samples import LINE, file_all, message, outcomes, owed, reasons, refolded, row, snapshot, tube, values


class TestRetransmission:
    def test_a_first_transmission_is_reported_once(self) -> None:
        state = tube()
        filing = file(state, message(row("K", "4.10"), row("NA", "141")), LINE)
        assert owed(filing) == [("K", "4.10", "F"), ("NA", "141", "F")]
        assert values(state) == {"K": "4.10", "NA": "141"}

    def test_a_retransmission_adds_nothing(self) -> None:
        state = tube()
        whole = message(row("K", "4.10"), row("NA", "141"))
        _, again = file_all(state, [whole, whole])
        assert outcomes(again) == ["repeat", "repeat"]
        assert (again.event, again.reports, state.version) == (None, [], 1)

    def test_a_partial_retransmission_adds_nothing(self) -> None:
        state = tube()
        _, again = file_all(state, [message(row("K", "4.10"), row("NA", "141")), message(row("NA", "141"))])
        assert (outcomes(again), again.event) == (["repeat"], None)

    def test_a_retransmission_with_one_more_result_adds_that_one(self) -> None:
        state = tube()
        _, more = file_all(state, [message(row("K", "4.10")), message(row("K", "4.10"), row("NA", "141"))])
        assert outcomes(more) == ["repeat", "new"]
        assert owed(more) == [("NA", "141", "F")]

    @pytest.mark.parametrize("status", ["F", "R", None])
    def test_the_mark_previously_transmitted_is_no_other_value(self, status: str | None) -> None:
        state = tube()
        _, again = file_all(state, [message(row("K", "4.10")), message(row("K", "4.10", status=status))])
        assert outcomes(again) == ["repeat"]

    def test_results_without_any_time_are_told_apart_by_position(self) -> None:
        state = tube()
        whole = message(row("K", "4.1", None), row("K", "4.3", None, occurrence=1))
        first, again = file_all(state, [whole, whole])
        assert outcomes(first) == ["new", "replace"]
        assert (outcomes(again), values(state)) == (["repeat", "repeat"], {"K": "4.3"})

    def test_the_second_of_two_positions_may_come_again_alone(self) -> None:
        state = tube()
        whole = message(row("K", "4.1", None), row("K", "4.3", None, occurrence=1))
        *_, again = file_all(state, [whole, message(row("K", "4.3", None))])
        assert (outcomes(again), values(state)) == (["repeat"], {"K": "4.3"})

    def test_an_equal_row_within_one_message_is_one_result(self) -> None:
        filing = file(tube(), message(row("K", "4.1"), row("K", "4.1")), LINE)
        assert outcomes(filing) == ["new", "repeat"]

    def test_aspects_of_one_code_are_two_results(self) -> None:
        filing = file(tube(), message(row("HBS", "0.01"), row("HBS", "NEG", aspect="I")), LINE)
        assert outcomes(filing) == ["new", "new"]

    def test_materials_of_one_code_are_two_results_and_the_newer_does_not_replace_the_other(self) -> None:
        state = tube()
        urine = row("ALB", "12", "10:10:00", test="U-ALB", material="urine")
        filings = file_all(state, [message(row("ALB", "41")), message(urine), message(urine)])
        assert [outcomes(filing) for filing in filings] == [["new"], ["new"], ["repeat"]]
        assert values(state) == {"ALB": "41", "U-ALB": "12"}
        assert snapshot(refolded(state, filings)) == snapshot(state)

    @pytest.mark.parametrize(("then", "now"), [("", "urine"), ("urine", ""), ("urine", "csf")])
    def test_a_measurement_sent_again_as_of_another_material_waits_for_a_person(self, then: str, now: str) -> None:
        state = tube()
        wrong = row("ALB", "41", "10:10:00", material=then)
        filings = file_all(state, [message(wrong, row("K", "4.1")), message(changed(wrong, test="ALB2", material=now))])
        assert [outcomes(filing) for filing in filings] == [["new", "new"], ["held"]]
        assert (values(state), reasons(state)) == ({"ALB": "41", "K": "4.1"}, ["conflicting value"])
        assert snapshot(refolded(state, filings)) == snapshot(state)

    @pytest.mark.parametrize("other", [{"value": "42"}, {"observed_at": "2026-03-17T10:10:01+08:00"}, {"code": "CRE"}])
    def test_another_measurement_of_another_material_is_a_result_of_its_own(self, other: dict[str, Any]) -> None:
        state = tube()
        serum = row("ALB", "41", "10:10:00")
        _, urine = file_all(state, [message(serum), message(changed(serum, **{"test": "U-ALB", "material": "urine", **other}))])
        assert outcomes(urine) == ["new"]

    @pytest.mark.parametrize(("then", "now"), [("Ser", ""), ("", "urine")])
    def test_what_waits_for_a_mapping_ends_where_a_replay_reads_it_as_of_another_material(self, then: str, now: str) -> None:
        """A driver that was mended, or the version before materials were known: the hold names a code that is looked up no more."""
        state = tube()
        waits = row("ALB", "41", test=None, problem="unknown code", material=then, span=(90, 140))
        still = row("NEW", "7", test=None, problem="unknown code")
        filings = file_all(state, [message(waits, still), message(changed(waits, test="ALB", problem=None, material=now))])
        assert [outcomes(filing) for filing in filings] == [["held", "held"], ["new"]]
        assert (values(state), state.held, reasons(state)) == ({"ALB": "41"}, 1, ["unknown code"])
        assert snapshot(refolded(state, filings)) == snapshot(state)

    @pytest.mark.parametrize(
        "other", [{"span": (91, 141)}, {"value": "42"}, {"run": "2"}, {"observed_at": "2026-03-17T09:45:43+08:00"}]
    )
    def test_what_waits_for_a_mapping_does_not_end_by_another_row_of_another_material(self, other: dict[str, Any]) -> None:
        state = tube()
        waits = row("ALB", "41", test=None, problem="unknown code", material="urine", span=(90, 140))
        file_all(state, [message(waits), message(changed(waits, **{"test": "ALB", "problem": None, "material": "", **other}))])
        assert (state.held, reasons(state)) == (1, ["unknown code"])

    def test_two_analyzers_of_one_test_are_two_results(self) -> None:
        state = tube()
        file(state, message(row("K", "4.1")), Context("line-1"))
        second = file(state, message(row("K", "4.3")), Context("line-2"))
        assert owed(second) == [("K", "4.3", "F")]
        assert len(state.told) == 2

    def test_the_serial_number_tells_two_instruments_behind_one_link_apart(self) -> None:
        state = tube()
        one, other = message(row("K", "4.1"), serial="BS8-00017"), message(row("K", "4.3"), serial="BS8-00018")
        assert [outcomes(filing) for filing in file_all(state, [one, other])] == [["new"], ["new"]]

    def test_a_factory_serial_is_no_identity(self) -> None:
        state = tube()
        file(state, message(row("K", "4.1"), serial="0001"), Context("line-1"))
        second = file(state, message(row("K", "4.3"), serial="0001"), Context("line-2"))
        assert outcomes(second) == ["new"]


class TestConflicts:
    def test_another_value_of_the_same_time_is_held(self) -> None:
        state = tube()
        _, other = file_all(state, [message(row("K", "4.1")), message(row("K", "5.1"))])
        assert (outcomes(other), owed(other)) == (["held"], [])
        assert (values(state), reasons(state)) == ({"K": "4.1"}, ["conflicting value"])

    def test_another_value_without_time_or_marker_is_held(self) -> None:
        state = tube()
        _, other = file_all(state, [message(row("K", "4.1", None)), message(row("K", "5.1", None))])
        assert (outcomes(other), reasons(state)) == (["held"], ["conflicting value"])

    def test_a_date_alone_is_no_time(self) -> None:
        state = tube()
        day = {"observed_at": "2026-03-17"}
        _, other = file_all(state, [message(row("K", "4.1", **day)), message(row("K", "5.1", **day))])
        assert outcomes(other) == ["held"]

    @pytest.mark.parametrize("other", [row("K", "4.1", unit="mg/dL"), row("K", "4.1", comparator=">"), row("K", "4.10")])
    def test_unit_comparator_and_every_digit_belong_to_the_value(self, other) -> None:
        state = tube()
        _, filing = file_all(state, [message(row("K", "4.1")), message(other)])
        assert outcomes(filing) == ["held"]

    def test_a_held_value_that_comes_again_opens_no_second_hold(self) -> None:
        state = tube()
        *_, again = file_all(state, [message(row("K", "4.1")), message(row("K", "5.1")), message(row("K", "5.1"))])
        assert (outcomes(again), len(state.holds), state.held) == (["repeat"], 1, 1)

    def test_the_rest_of_the_message_goes_on(self) -> None:
        state = tube()
        _, filing = file_all(state, [message(row("K", "4.1")), message(row("K", "5.1"), row("NA", "141"))])
        assert owed(filing) == [("NA", "141", "F")]

    def test_two_codes_of_one_test_with_two_values_hold_the_second(self) -> None:
        state = tube()
        filing = file(state, message(row("10001", "4.1", test="K"), row("K-ISE", "4.4", test="K")), LINE)
        assert (outcomes(filing), reasons(state)) == (["new", "held"], ["conflicting value"])

    def test_two_codes_of_one_test_with_one_value_are_reported_once(self) -> None:
        filing = file(tube(), message(row("10001", "4.1", test="K"), row("K-ISE", "4.1", test="K")), LINE)
        assert (outcomes(filing), owed(filing)) == (["new", "stored"], [("K", "4.1", "F")])

    @pytest.mark.parametrize("status", ["D", "W"])
    def test_a_result_that_the_device_withdraws_is_held_for_a_person(self, status: str) -> None:
        state = tube()
        _, withdrawn = file_all(state, [message(row("K", "4.1")), message(row("K", "4.1", status=status))])
        assert (outcomes(withdrawn), values(state)) == (["held"], {"K": "4.1"})

    def test_a_result_that_is_withdrawn_before_it_was_ever_seen_is_not_reported(self) -> None:
        state = tube()
        assert owed(file(state, message(row("K", "4.1", status="D")), LINE)) == []
        assert reasons(state) == ["conflicting value"]

    @pytest.mark.parametrize("status", ["C", "D", "W", "X"])
    def test_a_value_that_the_device_takes_back_without_another_is_held_for_a_person(self, status: str) -> None:
        state = tube()
        back = message(row("K", None, status=status))
        _, taken_back, again = file_all(state, [message(row("K", "4.1")), back, back])
        assert (outcomes(taken_back), outcomes(again), reasons(state)) == (["held"], ["repeat"], ["conflicting value"])
        assert (owed(taken_back), values(state)) == ([], {"K": "4.1"})

    @pytest.mark.parametrize("other", [{"status": "F"}, {"status": "X", "time": "10:00:00"}])
    def test_no_result_that_takes_nothing_back_is_none(self, other: dict[str, Any]) -> None:
        state = tube()
        _, none = file_all(state, [message(row("K", "4.1")), message(row("K", None, **other))])
        assert outcomes(none) == ["no result"]

    @pytest.mark.parametrize("device_first", [True, False])
    def test_a_measured_value_takes_the_place_of_a_derived_one(self, device_first: bool) -> None:
        state = tube()
        measured, derived = message(row("V1", "4.1", test="VISC")), message(row("VISC", "4.2", derived="by formula"))
        file_all(state, [measured, derived] if device_first else [derived, measured])
        assert values(state) == {"VISC": "4.1"}
        assert state.holds == {}


class TestDoubtedByTheDevice:
    """A row whose validity the device itself questions: never withdrawn, never silently clean."""

    DOUBTED = row("WBC", "7.31", status="W", doubted=True)
    FINAL = row("WBC", "7.31")

    def test_it_is_held_for_that_reason_and_the_rest_of_the_message_goes_on(self) -> None:
        state = tube()
        filing = file(state, message(self.DOUBTED, row("PLT", "262")), LINE)
        assert (owed(filing), reasons(state)) == ([("PLT", "262", "F")], ["doubted by the analyzer"])

    def test_it_is_held_once_however_often_it_comes(self) -> None:
        state = tube()
        _, again = file_all(state, [message(self.DOUBTED)] * 2)
        assert (outcomes(again), len(state.holds)) == (["repeat"], 1)

    def test_the_final_result_of_the_same_run_is_reported_and_ends_the_hold(self) -> None:
        state = tube()
        filings = file_all(state, [message(self.DOUBTED), message(self.FINAL)])
        assert (owed(filings[1]), reasons(state), state.held) == ([("WBC", "7.31", "F")], [], 0)
        assert snapshot(refolded(state, filings)) == snapshot(state)

    def test_another_final_value_of_the_same_run_is_reported_and_the_doubted_one_still_waits(self) -> None:
        state = tube()
        _, final = file_all(state, [message(self.DOUBTED), message(row("WBC", "7.42"))])
        assert (owed(final), reasons(state)) == ([("WBC", "7.42", "F")], ["doubted by the analyzer"])

    def test_a_doubt_after_the_final_result_is_held_and_the_reported_value_stands(self) -> None:
        state = tube()
        _, doubt = file_all(state, [message(self.FINAL), message(self.DOUBTED)])
        assert (outcomes(doubt), values(state), reasons(state)) == (["held"], {"WBC": "7.31"}, ["doubted by the analyzer"])

    def test_one_that_its_own_message_supersedes_is_only_kept(self) -> None:
        first, last = row("WBC", "7.31", status="W", doubted=True, superseded=True), row("WBC", "7.42", occurrence=1)
        state = tube()
        filing = file(state, message(first, last), LINE)
        assert (owed(filing), reasons(state)) == ([("WBC", "7.42", "F")], [])

    @pytest.mark.parametrize(("complete", "reported"), [(True, {"WBC": "7.31"}), (False, {})])
    def test_rows_of_one_message_settle_no_doubt_about_each_other(self, complete: bool, reported: dict[str, str]) -> None:
        state = tube()
        rows = (self.DOUBTED, row("WBC", "7.31"), row("PLT", "262", doubted=True))
        filings = file_all(state, [message(*rows, complete=complete)])
        assert (values(state), state.held) == (reported, 2 if complete else 3)
        assert snapshot(refolded(state, filings)) == snapshot(state)

    def test_what_was_held_as_deleted_is_held_as_doubted_once_the_driver_says_so(self) -> None:
        state = tube()
        filings = file_all(state, [message(row("WBC", "7.31", status="W")), message(self.DOUBTED)])
        assert reasons(state) == ["doubted by the analyzer"]
        assert snapshot(refolded(state, filings)) == snapshot(state)


class TestStatusAndRuns:
    def test_a_final_result_replaces_the_preliminary_one_before_delivery(self) -> None:
        state = tube()
        _, final = file_all(state, [message(row("K", "4.0", status="P")), message(row("K", "4.1"))])
        assert (outcomes(final), owed(final)) == (["replace"], [("K", "4.1", "F")])

    def test_after_delivery_it_goes_as_a_correction(self) -> None:
        state = tube()
        file(state, message(row("K", "4.0", status="P")), LINE)
        state.sealed = 1
        assert owed(file(state, message(row("K", "4.1")), LINE)) == [("K", "4.1", "C")]

    def test_a_preliminary_value_that_is_confirmed_after_delivery_is_not_sent_again(self) -> None:
        state = tube()
        file(state, message(row("K", "4.1", status="P")), LINE)
        state.sealed = 1
        filing = file(state, message(row("K", "4.1")), LINE)
        assert (outcomes(filing), owed(filing)) == (["confirmed"], [])
        assert owed(file(state, message(row("K", "4.3", status="C")), LINE)) == [("K", "4.3", "C")]

    def test_a_value_that_the_device_calls_corrected_is_a_correction(self) -> None:
        state = tube()
        file(state, message(row("K", "4.0")), LINE)
        state.sealed = 1
        assert owed(file(state, message(row("K", "4.4", status="C")), LINE)) == [("K", "4.4", "C")]

    def test_the_value_before_a_correction_is_still_a_retransmission(self) -> None:
        state = tube()
        *_, late = file_all(state, [message(row("K", "4.0")), message(row("K", "4.4", status="C")), message(row("K", "4.0"))])
        assert (outcomes(late), values(state)) == (["repeat"], {"K": "4.4"})

    def test_a_correction_waiting_for_delivery_stays_one_when_it_is_corrected(self) -> None:
        state = tube()
        file(state, message(row("K", "4.0")), LINE)
        state.sealed = 1
        file(state, message(row("K", "4.2", "10:00:00")), LINE)
        assert owed(file(state, message(row("K", "4.3", "10:10:00")), LINE)) == [("K", "4.3", "C")]

    def test_a_newer_run_replaces_before_delivery(self) -> None:
        state = tube()
        _, rerun = file_all(state, [message(row("K", "4.0")), message(row("K", "4.4", "10:00:00"))])
        assert (outcomes(rerun), owed(rerun)) == (["replace"], [("K", "4.4", "F")])

    def test_a_newer_run_is_a_correction_after_delivery(self) -> None:
        state = tube()
        file(state, message(row("K", "4.0"), row("NA", "141")), LINE)
        state.sealed = 1
        rerun = file(state, message(row("K", "4.4", "10:00:00")), LINE)
        assert (outcomes(rerun), owed(rerun)) == (["correct"], [("K", "4.4", "C")])

    def test_an_older_run_that_comes_late_is_kept_and_not_reported(self) -> None:
        state = tube()
        _, late = file_all(state, [message(row("K", "4.4", "10:00:00")), message(row("K", "4.0"))])
        assert (outcomes(late), owed(late), values(state)) == (["stored"], [], {"K": "4.4"})

    def test_with_policy_first_the_first_run_stays(self) -> None:
        state = tube()
        first = Context("line-1", "first")
        _, rerun = file_all(state, [message(row("K", "4.0")), message(row("K", "4.4", "10:00:00"))], first)
        assert (outcomes(rerun), values(state)) == (["stored"], {"K": "4.0"})

    def test_with_policy_first_an_earlier_run_that_comes_late_wins(self) -> None:
        state = tube()
        file_all(state, [message(row("K", "4.4", "10:00:00")), message(row("K", "4.0"))], Context("line-1", "first"))
        assert values(state) == {"K": "4.0"}

    def test_with_policy_marked_only_the_devices_mark_replaces(self) -> None:
        state = tube()
        marked = Context("line-1", "marked")
        runs = [message(row("K", "4.0")), message(row("K", "4.2", "10:00:00")), message(row("K", "4.4", "10:10:00", rerun=True))]
        assert [outcomes(filing) for filing in file_all(state, runs, marked)] == [["new"], ["held"], ["replace"]]
        assert values(state) == {"K": "4.4"}

    def test_declared_run_numbers_tell_runs_apart_without_a_time(self) -> None:
        state = tube()
        *_, late = file_all(
            state,
            [
                message(row("K", "4.0", None, run="1")),
                message(row("K", "4.4", None, run="3")),
                message(row("K", "4.2", None, run="2")),
            ],
        )
        assert (outcomes(late), values(state)) == (["stored"], {"K": "4.4"})

    def test_rows_that_the_driver_marks_superseded_are_kept_and_not_reported(self) -> None:
        state = tube()
        filing = file(state, message(row("K", "4.0", superseded=True), row("K", "4.4", occurrence=1)), LINE)
        assert (outcomes(filing), owed(filing)) == (["stored", "new"], [("K", "4.4", "F")])

    def test_a_sample_that_comes_again_with_its_rerun_appended_reports_the_rerun(self) -> None:
        state = tube(numbered=True)
        file(state, message(row("K", "4.0"), specimen="7"), LINE)
        state.sealed = 1
        again = file(state, message(row("K", "4.0", superseded=True), row("K", "4.4", occurrence=1), specimen="7"), LINE)
        assert (outcomes(again), owed(again)) == (["repeat", "correct"], [("K", "4.4", "C")])

    def test_a_rerun_that_comes_together_with_the_known_run_is_of_the_same_specimen(self) -> None:
        state = tube(numbered=True)
        _, again = file_all(
            state, [message(row("K", "4.0")), message(row("K", "4.0"), row("K", "4.4", "10:00:00", occurrence=1))]
        )
        assert (outcomes(again), values(state)) == (["repeat", "replace"], {"K": "4.4"})

    def test_the_second_position_may_come_before_the_first(self) -> None:
        state = tube()
        file_all(state, [message(row("K", "4.3", None, occurrence=1)), message(row("K", "4.1", None))])
        assert state.holds == {}

    def test_a_rerun_without_result_does_not_swallow_the_first_value(self) -> None:
        state = tube()
        filing = file(state, message(row("K", "4.0", superseded=True), row("K", None, occurrence=1)), LINE)
        assert (outcomes(filing), reasons(state)) == (["held", "no result"], ["conflicting value"])

    def test_a_rerun_that_is_mapped_to_another_test_takes_the_old_one_back(self) -> None:
        state = tube()
        file(state, message(row("10001", "4.0", test="NA")), LINE)
        state.sealed = 1
        rerun = file(state, message(row("10001", "4.4", "10:00:00", test="K")), LINE)
        assert owed(rerun) == [("NA", "4.0", "W"), ("K", "4.4", "F")]
        assert values(state) == {"K": "4.4"}


class TestRowsThatAreNoResults:
    def test_no_result_and_information_are_kept_and_never_reported(self) -> None:
        state = tube()
        whole = message(row("K", None), row("MODE", "CBC", test=None))
        first, again = file_all(state, [whole, whole])
        assert (outcomes(first), owed(first)) == (["no result", "info"], [])
        assert (outcomes(again), values(state)) == (["repeat", "repeat"], {})

    def test_a_value_that_comes_after_no_result_is_new(self) -> None:
        state = tube()
        _, late = file_all(state, [message(row("K", None)), message(row("K", "4.1"))])
        assert owed(late) == [("K", "4.1", "F")]

    def test_no_result_of_a_rerun_leaves_the_reported_value(self) -> None:
        state = tube()
        file_all(state, [message(row("K", "4.1")), message(row("K", None, "10:00:00"))])
        assert values(state) == {"K": "4.1"}

    @pytest.mark.parametrize("kind", ["qc", "calibration", "query", "other"])
    def test_nothing_but_a_patients_message_enters_a_tube(self, kind) -> None:
        with pytest.raises(ValueError, match="belongs to no tube"):
            file(tube(), Message(kind, observations=(row("K", "4.1"),)), LINE)


class TestMapping:
    UNKNOWN = row("10999", "4.1", test=None, problem="unknown code")

    def test_an_unknown_code_is_held_and_the_rest_goes_on(self) -> None:
        state = tube()
        filing = file(state, message(self.UNKNOWN, row("NA", "141")), LINE)
        assert (outcomes(filing), owed(filing)) == (["held", "new"], [("NA", "141", "F")])
        assert reasons(state) == ["unknown code"]

    def test_a_replay_after_the_mapping_is_mended_files_what_waited_once(self) -> None:
        state = tube()
        mended = message(row("10999", "4.1", test="K"), row("NA", "141"))
        _, replayed, again = file_all(state, [message(self.UNKNOWN, row("NA", "141")), mended, mended])
        assert (outcomes(replayed), owed(replayed)) == (["new", "repeat"], [("K", "4.1", "F")])
        assert (state.holds, state.held, outcomes(again)) == ({}, 0, ["repeat", "repeat"])

    def test_a_code_that_is_ignored_after_mending_closes_the_hold(self) -> None:
        state = tube()
        file_all(state, [message(self.UNKNOWN), message(row("10999", "4.1", test=None))])
        assert (state.holds, values(state)) == ({}, {})

    def test_a_problem_that_is_mended_by_half_stays_held_under_the_other_reason(self) -> None:
        state = tube()
        file_all(state, [message(self.UNKNOWN), message(row("10999", "4.1", test="K", problem="unknown unit"))])
        assert reasons(state) == ["unknown unit"]

    def test_a_hooks_own_words_hold_as_an_unknown_code(self) -> None:
        state = tube()
        file(state, message(row("X", "1", problem="cannot say")), LINE)
        assert reasons(state) == ["unknown code"]

    def test_a_mapping_that_changes_what_was_delivered_sends_nothing_by_itself(self) -> None:
        state = tube()
        file(state, message(row("10001", "4.1", test="NA")), LINE)
        state.sealed = 1
        replayed = file(state, message(row("10001", "4.1", test="K")), LINE)
        assert (outcomes(replayed), owed(replayed), values(state)) == (["remapped"], [], {"NA": "4.1"})

    def test_a_cut_off_transmission_remaps_nothing(self) -> None:
        state = tube()
        cut = changed(message(row("10001", "4.1", test="K")), complete=False)
        *_, filing = file_all(state, [message(row("10001", "4.1", test="NA")), cut])
        assert (outcomes(filing), state.held, values(state)) == (["repeat"], 0, {"NA": "4.1"})

    def test_a_mapping_that_changes_before_delivery_takes_the_waiting_result_along(self) -> None:
        state = tube()
        *_, filing = file_all(state, [message(row("10001", "4.1", test="NA")), message(row("10001", "4.1", test="K"))])
        assert owed(filing) == [("NA", "4.1", "W"), ("K", "4.1", "F")]

    def test_with_a_persons_word_the_old_test_is_taken_back_and_the_new_one_sent(self) -> None:
        state = tube()
        file(state, message(row("10001", "4.1", test="NA")), LINE)
        state.sealed = 1
        adopted = file(state, message(row("10001", "4.1", test="K")), replace(LINE, adopt=True))
        assert owed(adopted) == [("NA", "4.1", "W"), ("K", "4.1", "F")]

    def test_another_unit_after_mending_is_a_correction_with_a_persons_word(self) -> None:
        state = tube()
        file(state, message(row("GLU", "4.1")), LINE)
        state.sealed = 1
        adopted = file(state, message(row("GLU", "4.1", factor="0.0555")), replace(LINE, adopt=True))
        assert owed(adopted) == [("GLU", "4.1", "C")]


class TestCutOff:
    WHOLE = message(row("K", "4.1"), row("NA", "141"))

    def test_closed_groups_of_a_cut_off_transmission_are_held(self) -> None:
        state = tube()
        cut = file(state, changed(self.WHOLE, complete=False), LINE)
        assert (outcomes(cut), owed(cut)) == (["held", "held"], [])
        assert reasons(state) == ["transmission cut off"]

    def test_the_repeat_reports_them_once_and_ends_the_hold(self) -> None:
        state = tube()
        _, repeat, again = file_all(state, [changed(self.WHOLE, complete=False), self.WHOLE, self.WHOLE])
        assert owed(repeat) == [("K", "4.1", "F"), ("NA", "141", "F")]
        assert (state.holds, state.held, again.reports) == ({}, 0, [])

    def test_a_repeat_of_a_part_leaves_the_other_part_held(self) -> None:
        state = tube()
        file_all(state, [changed(self.WHOLE, complete=False), message(row("K", "4.1"))])
        assert (values(state), state.held) == ({"K": "4.1"}, 1)

    def test_a_second_cut_off_transmission_adds_nothing(self) -> None:
        state = tube()
        cut = changed(self.WHOLE, complete=False)
        assert outcomes(file_all(state, [cut, cut])[1]) == ["repeat", "repeat"]

    def test_what_was_reported_before_is_not_held_by_a_cut_off_repeat(self) -> None:
        state = tube()
        file_all(state, [self.WHOLE, changed(self.WHOLE, complete=False)])
        assert (state.held, len(state.told)) == (0, 2)

    def test_an_open_group_is_evidence_only(self) -> None:
        state = tube()
        filing = file(state, changed(self.WHOLE, complete=False, closed=False), LINE)
        assert (outcomes(filing), filing.event, state.slots) == (["evidence", "evidence"], None, {})


class TestDoubtfulIdentity:
    def test_a_second_first_run_under_a_running_number_holds_the_whole_message(self) -> None:
        state = tube(numbered=True)
        _, second = file_all(state, [message(row("K", "4.1")), message(row("K", "5.9", "14:00:00"), row("UREA", "30"))])
        assert (outcomes(second), owed(second)) == (["held", "held"], [])
        assert (values(state), reasons(state)) == ({"K": "4.1"}, ["identity doubtful"])

    def test_more_of_the_doubtful_specimen_is_held_as_well(self) -> None:
        state = tube(numbered=True)
        *_, more = file_all(
            state, [message(row("K", "4.1")), message(row("K", "5.9", "14:00:00")), message(row("UREA", "30", "14:01:00"))]
        )
        assert (outcomes(more), values(state)) == (["held"], {"K": "4.1"})

    def test_a_marked_rerun_under_a_running_number_is_a_rerun(self) -> None:
        state = tube(numbered=True)
        rerun = message(row("K", "4.4", "14:00:00", rerun=True), row("AG", "9", "14:00:00"))
        file_all(state, [message(row("K", "4.1"), row("AG", "11")), rerun])
        assert values(state) == {"K": "4.4", "AG": "9"}

    def test_a_second_run_that_the_device_calls_first_is_doubtful_even_beside_reruns(self) -> None:
        state = tube(numbered=True)
        mixed = message(row("K", "4.4", "14:00:00", rerun=False), row("NA", "141", "14:00:00", rerun=True))
        *_, filing = file_all(state, [message(row("K", "4.1", rerun=False)), mixed])
        assert outcomes(filing) == ["held", "held"]

    def test_a_barcode_may_be_measured_again(self) -> None:
        state = tube()
        file_all(state, [message(row("K", "4.1")), message(row("K", "5.9", "14:00:00"))])
        assert (values(state), state.holds) == ({"K": "5.9"}, {})

    def test_without_times_another_value_under_a_number_conflicts_and_casts_doubt_on_the_rest(self) -> None:
        state = tube(numbered=True)
        *_, second = file_all(state, [message(row("K", "4.1", None)), message(row("K", "5.9", None), row("UREA", "30", None))])
        assert (outcomes(second), sorted(reasons(state))) == (["held", "held"], ["conflicting value", "identity doubtful"])

    @pytest.mark.parametrize("numbered", [True, False])
    def test_another_patient_under_the_same_key_is_held(self, numbered: bool) -> None:
        state = tube(numbered=numbered)
        *_, other = file_all(state, [message(row("K", "4.1"), name="张三"), message(row("UREA", "30"), name="李四")])
        assert (outcomes(other), reasons(state)) == (["held"], ["identity doubtful"])
        assert state.patient is not None
        assert state.patient.name == "张三"

    @pytest.mark.parametrize("name", ["LI^Na", "li na", None])
    def test_the_same_name_written_otherwise_or_no_name_is_no_doubt(self, name: str | None) -> None:
        state = tube()
        *_, filing = file_all(state, [message(row("K", "4.1"), name="LI Na"), message(row("UREA", "30"), name=name)])
        assert outcomes(filing) == ["new"]

    def test_the_doubtful_patient_does_not_become_the_tubes(self) -> None:
        state = tube()
        file_all(state, [message(row("K", "4.1"), name="张三"), message(row("MODE", "x", test=None), name="李四")])
        *_, third = file_all(state, [message(row("UREA", "30"), name="李四")])
        assert outcomes(third) == ["held"]

    def test_a_doubtful_message_that_comes_again_opens_no_second_hold(self) -> None:
        state = tube(numbered=True)
        second = message(row("K", "5.9", "14:00:00"), row("UREA", "30", "14:00:00"))
        *_, again = file_all(state, [message(row("K", "4.1")), second, second])
        assert (outcomes(again), len(state.holds)) == (["repeat", "repeat"], 1)

    def test_the_same_results_under_another_specimen_are_held_as_told(self) -> None:
        state = tube()
        filing = file(state, message(row("K", "4.1"), row("NA", "141")), replace(LINE, foreign=frozenset({0})))
        assert (outcomes(filing), reasons(state)) == (["held", "new"], ["possible id correction"])

    def test_results_without_the_required_order_wait_for_it(self) -> None:
        state = tube()
        whole = message(row("K", "4.1"))
        file(state, whole, replace(LINE, order_known=False))
        assert reasons(state) == ["no order"]
        assert owed(file(state, whole, LINE)) == [("K", "4.1", "F")]


def test_folding_the_events_gives_the_state_that_filing_gave() -> None:
    state = tube(numbered=True)
    story = [
        message(row("K", "4.1"), row("X", "1", test=None, problem="unknown code"), row("M", "CBC", test=None), name="张三"),
        message(row("K", "4.1"), row("X", "1"), row("NA", None)),
        changed(message(row("CL", "101"), row("UREA", "5")), complete=False),
        message(row("CL", "101")),
        message(row("K", "4.4", "14:00:00", rerun=True)),
        message(row("K", "7.7", "15:00:00"), row("CA", "2.2")),
        message(row("AG", "9"), stat=True, name="李四"),
    ]
    filings = file_all(state, story)
    assert snapshot(refolded(state, filings)) == snapshot(state)
