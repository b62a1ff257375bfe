"""Tubes in a real database: stored once, the same after a restart, never under another tube."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import count

import pytest
from msgspec.structs import replace as changed
from sqlalchemy import Connection, func, select

from lis_bridge.core.faults import StorageError
from lis_bridge.core.holds import Reason
from lis_bridge.core.results import Message
from lis_bridge.storage import Store
from lis_bridge.storage.schema.holds import hold
from lis_bridge.storage.schema.tubes import tube, tube_event
from lis_bridge.tubes import views
from lis_bridge.tubes.assembly import Context
from lis_bridge.tubes.keys import Key
from lis_bridge.tubes.store import Arrival, Receipt, Tubes
from tests.tubes.samples import LINE, NOW, message, row, snapshot, values

A, B = Key("26031700881", "26031700881"), Key("26031700882", "26031700882")
SEVEN = Key("20260317-line-1-7", "7", numbered=True)
NO_ID = Key("", "", doubt=Reason.SPECIMEN_MISSING, detail="the message names no specimen")
_entries = count(1)


def arrival(entry: int | None = None, part: int = 0) -> Arrival:
    number = next(_entries) if entry is None else entry
    return Arrival(number, part, NOW + timedelta(seconds=number))


def file(tx: Connection, tubes: Tubes, one: Message, key: Key = A, context: Context = LINE, entry: int | None = None) -> Receipt:
    return tubes.file(tx, one, key, context, arrival(entry))


def sent(receipt: Receipt) -> list[tuple[str | None, str | None, str]]:
    return [(one.observation.test, one.observation.value, one.status) for one in receipt.reports]


@contextmanager
def undone(store: Store) -> Iterator[Connection]:
    """A transaction that the disk refuses at its end."""
    with suppress(ZeroDivisionError), store.write() as tx:
        yield tx
        raise ZeroDivisionError


def size(tx: Connection, table) -> int:
    return tx.execute(select(func.count()).select_from(table)).scalar_one()


def test_a_message_is_one_event_and_its_tubes_row_tells_of_it(tx: Connection) -> None:
    receipt = file(
        tx, Tubes(), message(row("K", "4.10"), row("X", "1", problem="unknown code", test=None), name="张三", stat=True)
    )
    found = tx.execute(select(tube)).mappings().one()
    assert (found["key"], found["version"], found["results"], found["held"]) == (A.key, 1, 1, 1)
    assert (found["patient_name"], found["stat"], size(tx, tube_event)) == ("张三", 1, 1)
    assert sent(receipt) == [("K", "4.10", "F")]
    assert (receipt.tube_id, receipt.seq, receipt.stat, len(receipt.opened)) == (found["id"], 1, True, 1)


def test_a_retransmission_writes_nothing(tx: Connection) -> None:
    tubes = Tubes()
    file(tx, tubes, message(row("K", "4.10")))
    again = file(tx, tubes, message(row("K", "4.10")))
    assert ([str(outcome) for outcome in again.outcomes], again.reports) == (["repeat"], ())
    assert (size(tx, tube_event), size(tx, tube)) == (1, 1)


def test_a_restart_knows_what_was_filed_before(tx: Connection) -> None:
    warm = Tubes()
    story = [
        message(row("K", "4.1"), row("X", "1", problem="unknown code", test=None), name="张三"),
        message(row("K", "4.4", "10:00:00"), row("NA", None)),
        changed(message(row("CL", "101"), row("CA", "2.2")), complete=False),
        message(row("CL", "101")),
        message(row("UREA", "30"), name="李四"),
    ]
    for one in story:
        receipt = file(tx, warm, one)
    assert receipt.tube_id is not None
    cold = Tubes().state(tx, receipt.tube_id)
    known = warm.state(tx, receipt.tube_id)
    assert cold is not known
    assert snapshot(cold) == snapshot(known)
    assert {one.id for one in cold.holds.values()} == {one.id for one in known.holds.values()}
    assert all(not file(tx, Tubes(), one).reports for one in story)


def test_a_long_story_without_any_cache_is_the_same_as_with_one(tx: Connection) -> None:
    kept, forgetful = Tubes(), Tubes(kept=1)
    rows = [row(f"T{number}", f"{number}.0", f"09:{number:02}:00") for number in range(30)]
    for one in rows:
        file(tx, kept, message(one), A)
        file(tx, forgetful, message(one), B, Context("line-2"))
        forgetful.open(tx, SEVEN, NOW)  # pushes B out
    tube_a, tube_b = views.find(tx, A.key), views.find(tx, B.key)
    assert tube_a is not None
    assert tube_b is not None
    assert (
        values(Tubes().state(tx, tube_a))
        == values(Tubes().state(tx, tube_b))
        == {f"T{number}": f"{number}.0" for number in range(30)}
    )


def test_an_undone_transaction_leaves_no_trace_in_memory(store: Store) -> None:
    tubes = Tubes()
    with store.write() as tx:
        file(tx, tubes, message(row("K", "4.1")))
    with undone(store) as tx:
        file(tx, tubes, message(row("NA", "141")))
    with store.write() as tx:
        again = file(tx, tubes, message(row("NA", "141")))
    assert sent(again) == [("NA", "141", "F")]


def test_an_undone_new_tube_does_not_lend_its_results_to_the_next_one(store: Store) -> None:
    tubes = Tubes()
    moment = Arrival(1, 0, NOW)
    with undone(store) as tx:
        tubes.file(tx, message(row("K", "4.1")), A, LINE, moment)
    with store.write() as tx:
        Tubes().file(tx, message(row("NA", "141")), B, LINE, moment)  # another process, the same row id
        receipt = tubes.file(tx, message(row("CL", "101")), B, LINE, arrival())
    assert receipt.tube_id is not None
    with store.write() as tx:
        assert values(tubes.state(tx, receipt.tube_id)) == {"NA": "141", "CL": "101"}


def test_what_a_command_writes_beside_the_service_is_seen(tx: Connection) -> None:
    service, command = Tubes(), Tubes()
    file(tx, service, message(row("K", "4.1")))
    file(tx, command, message(row("NA", "141")))
    assert not file(tx, service, message(row("NA", "141"))).reports


def test_two_writers_of_one_version_are_refused(tx: Connection) -> None:
    tubes = Tubes()
    receipt = file(tx, tubes, message(row("K", "4.1")))
    state = tubes.state(tx, receipt.tube_id or 0)
    state.version += 5
    with pytest.raises(StorageError, match="changed under this transaction"):
        tubes.receive(tx, state, message(row("NA", "141")), LINE, arrival())


def test_after_sealing_a_newer_run_is_a_correction(tx: Connection) -> None:
    tubes = Tubes()
    first = file(tx, tubes, message(row("K", "4.1")))
    assert first.tube_id is not None
    tubes.seal(tx, first.tube_id, first.seq)
    rerun = file(tx, tubes, message(row("K", "4.4", "10:00:00")))
    assert sent(rerun) == [("K", "4.4", "C")]


def test_a_seal_never_goes_back(tx: Connection) -> None:
    tubes = Tubes()
    for number in range(3):
        receipt = file(tx, tubes, message(row(f"T{number}", "1")))
    assert receipt.tube_id is not None
    tubes.seal(tx, receipt.tube_id, 3)
    tubes.seal(tx, receipt.tube_id, 1)
    assert tx.execute(select(tube.c.sealed)).scalar_one() == 3


class TestPossibleIdCorrection:
    WHOLE = message(row("K", "4.1"), row("NA", "141", "09:46:10"))

    def test_the_same_results_under_a_second_id_are_held(self, tx: Connection) -> None:
        tubes = Tubes()
        file(tx, tubes, self.WHOLE, A)
        second = file(tx, tubes, self.WHOLE, B)
        assert ([str(outcome) for outcome in second.outcomes], second.reports) == (["held", "held"], ())
        (found,) = views.holds(tx)
        assert (found.reason, found.key, found.results) == ("possible id correction", B.key, 2)

    def test_only_the_rows_that_stand_elsewhere_are_held(self, tx: Connection) -> None:
        tubes = Tubes()
        file(tx, tubes, self.WHOLE, A)
        second = file(tx, tubes, message(*self.WHOLE.observations, row("CL", "101", "09:47:00")), B)
        assert sent(second) == [("CL", "101", "F")]

    @pytest.mark.parametrize(
        "other",
        [
            row("K", "4.2"),
            row("K", "4.1", "09:45:43"),
            row("K2", "4.1"),
            row("K", "4.1", aspect="I"),
        ],
    )
    def test_another_value_second_code_or_aspect_is_no_echo(self, tx: Connection, other) -> None:
        tubes = Tubes()
        file(tx, tubes, self.WHOLE, A)
        assert len(file(tx, tubes, message(other), B).reports) == 1

    def test_another_analyzer_is_no_echo(self, tx: Connection) -> None:
        tubes = Tubes()
        file(tx, tubes, self.WHOLE, A)
        assert len(file(tx, tubes, self.WHOLE, B, Context("line-2")).reports) == 2

    def test_minutes_are_too_coarse_to_tell(self, tx: Connection) -> None:
        tubes = Tubes()
        coarse = message(row("NIT", "NEG", "09:45"))
        file(tx, tubes, coarse, A)
        assert len(file(tx, tubes, coarse, B).reports) == 1

    def test_a_retransmission_under_the_first_id_is_still_a_repeat(self, tx: Connection) -> None:
        tubes = Tubes()
        for key in (A, B, A, B):
            receipt = file(tx, tubes, self.WHOLE, key)
            assert key is not B or not receipt.reports
        assert (len(views.holds(tx)), size(tx, tube_event)) == (1, 2)

    def test_more_rows_than_one_statement_takes(self, tx: Connection) -> None:
        tubes = Tubes()
        many = message(
            *(row(f"T{number}", "1", f"{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}") for number in range(1200))
        )
        file(tx, tubes, many, A)
        assert file(tx, tubes, many, B).reports == ()
        assert views.holds(tx)[0].results == 1200


class TestHolds:
    def test_a_hold_is_listed_with_reason_codes_and_tube(self, tx: Connection) -> None:
        unknown = row("10999", "1", problem="unknown code", test=None)
        file(tx, Tubes(), message(unknown, row("10998", "2", problem="unknown code", test=None), row("K", "4.1")), entry=77)
        (found,) = views.holds(tx)
        assert (found.reason, found.codes, found.results, found.journal_id) == ("unknown code", ("10999", "10998"), 2, 77)
        assert (found.key, found.state, views.open_counts(tx)) == (A.key, "open", {"unknown code": 1})

    def test_the_repeat_of_a_cut_off_transmission_closes_its_hold(self, tx: Connection) -> None:
        tubes = Tubes()
        whole = message(row("K", "4.1"), row("NA", "141"))
        cut = file(tx, tubes, changed(whole, complete=False))
        part = file(tx, tubes, message(row("K", "4.1")))
        (smaller,) = views.holds(tx)
        rest = file(tx, tubes, whole)
        assert (part.closed, smaller.codes, smaller.results) == ((), ("NA",), 1)
        assert rest.closed == cut.opened
        assert [one.state for one in views.holds(tx, state=None)] == ["replaced"]

    def test_a_key_that_was_a_barcode_is_never_mixed_with_a_running_number(self, tx: Connection) -> None:
        tubes = Tubes()
        file(tx, tubes, message(row("K", "4.1")), Key(SEVEN.key, SEVEN.key))
        assert file(tx, tubes, message(row("NA", "141")), SEVEN).reports == ()
        assert views.holds(tx)[0].reason == "identity doubtful"


class TestWithoutATube:
    def test_results_without_an_id_are_held_beside_their_journal_entry(self, tx: Connection) -> None:
        receipt = file(tx, Tubes(), message(row("K", "4.1"), row("M", "CBC", test=None), specimen=None), NO_ID, entry=12)
        (found,) = views.holds(tx)
        assert (found.tube_id, found.key, found.journal_id, found.results) == (None, None, 12, 1)
        assert (receipt.tube_id, receipt.reports, receipt.opened) == (None, (), (found.id,))
        assert size(tx, tube) == 0

    def test_processing_the_entry_again_opens_no_second_hold(self, tx: Connection) -> None:
        for _ in range(2):
            file(tx, Tubes(), message(row("K", "4.1"), specimen=None), NO_ID, entry=12)
        assert len(views.holds(tx)) == 1

    def test_a_value_that_a_mended_mapping_lets_derive_opens_no_second_hold(self, tx: Connection) -> None:
        tubes = Tubes()
        measured = row("K", "4.1"), row("NA", "141")
        file(tx, tubes, message(*measured, specimen=None), NO_ID, entry=12)
        file(tx, tubes, message(*measured, row("NA/K", "34.4", derived="a formula"), specimen=None), NO_ID, entry=12)
        assert len(views.holds(tx)) == 1

    def test_two_messages_of_one_entry_are_two_holds_even_with_equal_results(self, tx: Connection) -> None:
        tubes = Tubes()
        for part in (0, 1):
            tubes.file(tx, message(row("NIT", "NEG", None), specimen=None), NO_ID, LINE, arrival(12, part))
        assert len(views.holds(tx)) == 2

    def test_equal_results_of_two_entries_may_be_two_specimens(self, tx: Connection) -> None:
        for entry in (12, 13):
            file(tx, Tubes(), message(row("NIT", "NEG"), specimen=None), NO_ID, entry=entry)
        assert len(views.holds(tx)) == 2

    def test_a_replay_that_can_place_it_closes_the_hold(self, tx: Connection) -> None:
        tubes = Tubes()
        one = message(row("K", "4.1"))
        held = file(tx, tubes, one, Key("", "70.5", doubt=Reason.SPECIMEN_UNMATCHED), entry=12)
        placed = file(tx, tubes, one, A, Context("line-1", replayed=True), entry=12)
        assert (sent(placed), placed.closed) == ([("K", "4.1", "F")], held.opened)
        assert views.holds(tx) == []


class TestViews:
    def test_a_tube_is_found_by_part_of_key_specimen_or_patient(self, tx: Connection) -> None:
        tubes = Tubes()
        file(tx, tubes, message(row("K", "4.1"), name="张三"), A)
        file(tx, tubes, message(row("K", "5.1", "09:50:00")), SEVEN)
        assert [one.key for one in views.tubes(tx, search="00881")] == [A.key]
        assert [one.key for one in views.tubes(tx, search="张")] == [A.key]
        assert [one.key for one in views.tubes(tx, search="%")] == []
        assert [one.key for one in views.tubes(tx)] == [SEVEN.key, A.key]
        assert [one.key for one in views.tubes(tx, before=views.tubes(tx)[0].id, limit=1)] == [A.key]
        assert views.tubes(tx, held=True) == []

    def test_a_tube_is_named_by_its_key_or_its_specimen_id(self, tx: Connection) -> None:
        file(tx, Tubes(), message(row("K", "5.1")), SEVEN)
        assert views.find(tx, "7") == views.find(tx, SEVEN.key) is not None
        assert views.find(tx, "8") is None

    def test_a_tubes_page_shows_every_run_and_where_it_came_from(self, tx: Connection) -> None:
        tubes = Tubes()
        file(tx, tubes, message(row("K", "4.1")), entry=31)
        receipt = file(tx, tubes, message(row("K", "4.4", "10:00:00"), row("K", "9.9")), entry=32)
        shown = views.view(tx, receipt.tube_id or 0)
        assert [(one.observation.value, one.standing, one.journal_id, one.reason) for one in shown.runs] == [
            ("4.1", "superseded", 31, None),
            ("4.4", "reported", 32, None),
            ("9.9", "held", 32, "conflicting value"),
        ]
        assert shown.runs[2].hold == views.holds(tx)[0].id

    def test_no_such_tube_is_a_key_error(self, tx: Connection) -> None:
        with pytest.raises(KeyError):
            views.view(tx, 4)
        with pytest.raises(KeyError):
            Tubes().state(tx, 4)

    def test_one_hold_is_found_by_its_id(self, tx: Connection) -> None:
        file(tx, Tubes(), message(row("X", "1", problem="unknown code", test=None)))
        (found,) = views.holds(tx)
        assert views.hold_line(tx, found.id) == found
        assert views.hold_line(tx, found.id + 1) is None
        assert views.holds(tx, tube_id=found.tube_id, before=found.id) == []


def test_no_table_holds_an_open_hold_without_its_tube_knowing_it(tx: Connection) -> None:
    tubes = Tubes()
    receipt = file(tx, tubes, message(row("K", "4.1"), row("X", "1", problem="unknown code", test=None)))
    open_rows = set(tx.execute(select(hold.c.id).where(hold.c.state == "open")).scalars())
    assert open_rows == {one.id for one in tubes.state(tx, receipt.tube_id or 0).holds.values()}
