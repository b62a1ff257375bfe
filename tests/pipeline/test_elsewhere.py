"""What a person took to another specimen than its message names stays there, and is filed there once its mapping is mended."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from lis_bridge import journal
from lis_bridge.pipeline.deciding import Decisions, Reader
from lis_bridge.pipeline.process import Process, Processed
from lis_bridge.runtime.attempts import Attempts
from lis_bridge.settings import Destination
from lis_bridge.storage import Store
from lis_bridge.storage.schema.deliveries import delivery_part
from lis_bridge.tubes import views
from lis_bridge.tubes.keys import SpecimenRules

from .clocks import Stopped
from .test_process import FORMULAS, NOW, TESTS, ZONE, arrives, hl7, holds, instrument, potassium, step, values

LIS = Destination.model_validate({"id": "lis", "link": "mllp://127.0.0.1:2575", "window_seconds": 2.0})
UNKNOWN = "XYZ9|XYZ9|7.5|mmol/L|-|N|||F||7.5|{}||x|0|"
AT, MINUTE = "20260318094543", "202603180945"
WIRE, TO = "AB260318045", "2603180457"


def only_digits(codes: dict[str, str] | None = None) -> Process:
    """A site whose barcodes are digits: it does not know the wire's id."""
    rules = SpecimenRules(re.compile(r"[0-9]{10}"), 24, ZONE)
    return Process({"one": instrument("mindray-bs", codes=codes)}, [LIS], rules, TESTS, FORMULAS, Stopped(NOW))


def mended() -> Process:
    return step("mindray-bs", codes={"XYZ9": "Na"})


def decide(store: Store, decision: Callable[[Decisions, Reader, int], object]) -> None:
    """Of the one hold that is open."""
    with store.write() as tx:
        (hold,) = views.holds(tx)
        reader = Reader({"one": instrument("mindray-bs").plan}, FORMULAS, TESTS)
        decision(Decisions(tx, [LIS], "chen", NOW), reader, hold.id)


def moved(store: Store, to: str = TO) -> None:
    decide(store, lambda decisions, reader, hold: decisions.move(hold, to, reader))


def replayed(store: Store, process: Process, done: Processed) -> Processed:
    with store.write() as tx:
        journal.reopen(tx, done.journal_id)
        entry = journal.get(tx, done.journal_id)
        assert entry is not None
        return process(tx, entry)


def reported(store: Store) -> dict[str, dict[str | None, str | None]]:
    with store.read() as tx:
        keys = [tube.key for tube in views.tubes(tx)]
    return {key: found for key in keys if (found := values(store, key))}


@pytest.mark.parametrize("time", [AT, MINUTE])
def test_a_message_that_a_person_placed_gets_what_waited_for_a_code_where_he_placed_it(store: Store, time: str) -> None:
    done = arrives(store, only_digits(), hl7(potassium(), UNKNOWN.format(time), specimen=WIRE))
    moved(store)
    assert holds(store) == [("unknown code", 1)]
    again = replayed(store, only_digits({"XYZ9": "Na"}), done)
    assert (again.results, again.owed, again.messages) == (1, True, 1)
    assert (reported(store), holds(store)) == ({TO: {"K": "4.10", "Na": "7.5"}}, [])


@pytest.mark.parametrize("time", [AT, MINUTE])
def test_what_a_person_moved_before_its_code_was_known_is_filed_where_he_moved_it(store: Store, time: str) -> None:
    done = arrives(store, step("mindray-bs"), hl7(potassium(), UNKNOWN.format(time), specimen="2603180111"))
    moved(store)
    replayed(store, mended(), done)
    assert reported(store) == {"2603180111": {"K": "4.10"}, TO: {"Na": "7.5"}}
    assert holds(store) == []


def test_a_second_replay_files_nothing_more(store: Store) -> None:
    done = arrives(store, step("mindray-bs"), hl7(UNKNOWN.format(AT), specimen="2603180111"))
    moved(store)
    assert [replayed(store, mended(), done).results for _ in range(2)] == [1, 0]
    with store.read() as tx:
        assert tx.scalar(select(func.count()).select_from(delivery_part)) == 1


def test_what_still_has_no_mapping_waits_where_it_is(store: Store) -> None:
    done = arrives(store, step("mindray-bs"), hl7(UNKNOWN.format(AT), specimen="2603180111"))
    moved(store)
    again = replayed(store, step("mindray-bs"), done)
    assert (again.results, again.held, holds(store)) == (0, 0, [("unknown code", 1)])


def test_a_moved_row_of_one_specimen_takes_no_equal_row_of_another_along(store: Store) -> None:
    one = hl7(UNKNOWN.format(MINUTE), specimen="2603180111").removesuffix(b"\x1c\r")
    other = hl7(UNKNOWN.format(MINUTE), specimen="2603180222").partition(b"\r")[2]
    done = arrives(store, step("mindray-bs"), one + other)
    assert done.messages == 2
    with store.write() as tx:
        hold = next(hold for hold in views.holds(tx) if hold.key == "2603180111")
        reader = Reader({"one": instrument("mindray-bs").plan}, FORMULAS, TESTS)
        Decisions(tx, [LIS], "chen", NOW).move(hold.id, TO, reader)
    replayed(store, mended(), done)
    assert reported(store) == {"2603180222": {"Na": "7.5"}, TO: {"Na": "7.5"}}
    with store.read() as tx:
        assert {tube.key: tube.results for tube in views.tubes(tx)} == {"2603180111": 0, "2603180222": 1, TO: 1}


def test_a_trial_tells_of_it(store: Store) -> None:
    done = arrives(store, step("mindray-bs"), hl7(UNKNOWN.format(AT), specimen="2603180111"))
    moved(store)
    with store.write() as tx:
        journal.reopen(tx, done.journal_id)
        entry = journal.get(tx, done.journal_id)
        assert entry is not None
        filings = Attempts(mended()).take(tx, entry).filings
    told = [(one.receipt.key, [row.code for row in one.message.observations], list(one.receipt.outcomes)) for one in filings]
    assert told == [("2603180111", ["XYZ9"], ["repeat"]), (TO, ["XYZ9"], ["new"])]


@pytest.mark.parametrize("time", [AT, MINUTE])
def test_a_message_that_a_person_placed_is_not_filed_again_once_its_own_id_is_known(store: Store, time: str) -> None:
    done = arrives(store, only_digits(), hl7(potassium(time=time), specimen=WIRE))
    moved(store)
    replayed(store, step("mindray-bs"), done)
    assert (reported(store), holds(store)) == ({TO: {"K": "4.10"}}, [])


def test_a_message_that_a_person_discarded_does_not_come_back_once_its_own_id_is_known(store: Store) -> None:
    done = arrives(store, only_digits(), hl7(potassium(), specimen=WIRE))
    decide(store, lambda decisions, reader, hold: decisions.discard(hold))
    replayed(store, step("mindray-bs"), done)
    assert (reported(store), holds(store)) == ({}, [])
