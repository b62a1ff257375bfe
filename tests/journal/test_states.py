"""What may become of an entry, and what may not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection

from lis_bridge import journal
from lis_bridge.core.faults import UsageError
from lis_bridge.journal import Entry, State
from lis_bridge.storage import Store

RAW = b"H|\\^&\rL|1|N\r"

MOVES: dict[State, Callable[[Connection, int], None]] = {
    "done": lambda tx, id: journal.done(tx, id, "mindray-bs", 3),
    "quarantined": lambda tx, id: journal.quarantine(tx, id, "unknown dialect", "byte 0: name the driver"),
    "discarded": lambda tx, id: journal.discard(tx, id, "noise, seen by the engineer"),
    "pending": lambda tx, id: journal.reopen(tx, id),
}
TO_REACH: dict[State, tuple[State, ...]] = {
    "pending": (),
    "done": ("done",),
    "quarantined": ("quarantined",),
    "discarded": ("quarantined", "discarded"),
}
ALLOWED = {
    ("pending", "done"),
    ("pending", "quarantined"),
    ("quarantined", "discarded"),
    ("done", "pending"),
    ("quarantined", "pending"),
    ("discarded", "pending"),
}


def entry_in(tx: Connection, state: State) -> int:
    id = journal.append(tx, Entry("line-1", "peer", datetime(2026, 3, 17, tzinfo=UTC), "lis1a", True, RAW))
    for step in TO_REACH[state]:
        MOVES[step](tx, id)
    return id


def found(tx: Connection, id: int) -> journal.Filed:
    filed = journal.get(tx, id)
    assert filed is not None
    return filed


@pytest.mark.parametrize("to", MOVES)
@pytest.mark.parametrize("state", TO_REACH)
def test_only_the_listed_moves_are_possible_and_the_bytes_stay(store: Store, state: State, to: State) -> None:
    with store.write() as tx:
        id, other = entry_in(tx, state), entry_in(tx, state)
        before = found(tx, id)
        if (state, to) in ALLOWED:
            MOVES[to](tx, id)
            assert found(tx, id).state == to
        else:
            with pytest.raises(UsageError, match=f"it is {state}") as refused:
                MOVES[to](tx, id)
            assert refused.value.where == f"journal entry {id}"
            assert refused.value.hint
            assert found(tx, id) == before
        assert found(tx, id).raw == RAW
        assert found(tx, other).state == state


@pytest.mark.parametrize("to", MOVES)
def test_an_entry_that_does_not_exist_is_named(store: Store, to: State) -> None:
    with pytest.raises(UsageError, match="no such entry"), store.write() as tx:
        MOVES[to](tx, 7)


def test_a_done_entry_knows_what_understood_it(store: Store) -> None:
    with store.write() as tx:
        filed = found(tx, entry_in(tx, "done"))
    assert (filed.driver, filed.revision, filed.reason) == ("mindray-bs", 3, None)


def test_a_quarantined_entry_says_why_and_a_discarded_one_still_does(store: Store) -> None:
    with store.write() as tx:
        quarantined, discarded = found(tx, entry_in(tx, "quarantined")), found(tx, entry_in(tx, "discarded"))
    assert (quarantined.reason, quarantined.detail) == ("unknown dialect", "byte 0: name the driver")
    assert (discarded.reason, discarded.detail) == ("unknown dialect", "noise, seen by the engineer")


def test_a_reopened_entry_waits_to_be_processed_again(store: Store) -> None:
    with store.write() as tx:
        id = entry_in(tx, "quarantined")
        assert journal.pending(tx, 10) == []
        journal.reopen(tx, id)
        (waiting,) = journal.pending(tx, 10)
    assert (waiting.id, waiting.reason) == (id, None)
