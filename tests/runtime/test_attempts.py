"""Entries tried by the service's own step on a real database: what was filed is told, what raised leaves nothing, and all of it is undone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from lis_bridge import journal, settings
from lis_bridge.core.clock import SystemClock
from lis_bridge.runtime.attempts import Attempt, Attempts, undone
from lis_bridge.runtime.plans import compiled
from lis_bridge.runtime.work import process_of
from lis_bridge.storage import Store
from lis_bridge.tubes import views

from ..cli.filing import KEY, arrives, configured, content, message, opened

OTHER = "2603180458"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return configured(tmp_path)


@pytest.fixture
def store(config: Path) -> Iterator[Store]:
    """A tube with one delivered result, and another."""
    with opened(config, message(("K", "4.10")), message(("K", "4.20"), specimen=OTHER)) as store:
        yield store


def attempts_of(config: Path) -> Attempts:
    found = settings.load(config)
    return Attempts(process_of(found, compiled(found), SystemClock()))


def take(tx: Connection, attempts: Attempts, id: int) -> Attempt:
    entry = journal.get(tx, id)
    assert entry is not None
    return attempts.take(tx, entry)


def reported(tx: Connection) -> dict[str, int]:
    return {line.key: line.results for line in views.tubes(tx)}


def test_what_was_reported_before_is_told_and_an_entry_sees_those_before_it(config: Path, store: Store) -> None:
    first = arrives(store, message(("K", "4.10"), ("Na", "140")))
    second = arrives(store, message(("Na", "140")))
    before = content(config)
    attempts = attempts_of(config)
    with undone(store) as tx:
        (filing,) = take(tx, attempts, first).filings
        assert [known and (known.row.value, known.own, known.delivered) for known in filing.before] == [
            ("4.10", True, True),
            None,
        ]
        assert [str(outcome) for outcome in filing.receipt.outcomes] == ["repeat", "new"]
        (filing,) = take(tx, attempts, second).filings
        assert [known and (known.row.value, known.own, known.delivered) for known in filing.before] == [("140", True, False)]
        assert reported(tx) == {KEY: 2, OTHER: 1}
    assert content(config) == before


def test_an_entry_that_raises_in_its_second_message_has_filed_nothing_of_its_first(config: Path, store: Store) -> None:
    damaged = arrives(store, message(("Na", "140")) + message(("Na", "141"), specimen=OTHER))
    whole = arrives(store, message(("Cl", "101")))
    with sqlite3.connect(config.parent / "bridge.db") as connection:
        connection.execute("UPDATE tube_event SET content = x'00ff' WHERE tube_id = 2")
    attempts = attempts_of(config)
    with undone(store) as tx:
        failed = take(tx, attempts, damaged)
        assert (failed.processed, list(failed.filings)) == (None, [])
        assert " at " in failed.failure
        assert reported(tx) == {KEY: 1, OTHER: 1}
        taken = take(tx, attempts, whole)
        assert [filing.receipt.key for filing in taken.filings] == [KEY]
        assert reported(tx) == {KEY: 2, OTHER: 1}
