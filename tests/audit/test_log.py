"""The audit log: a chain that shows every change, in the transaction of the act."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from lis_bridge import audit
from lis_bridge.audit import Broken, Head
from lis_bridge.audit.chain import digest
from lis_bridge.storage import Store

from . import promises
from .promises import entry, fill


def test_what_is_appended_is_a_whole_chain(store: Store) -> None:
    promises.what_is_appended_is_a_whole_chain(store)


def test_nothing_can_be_changed_or_deleted(store: Store) -> None:
    promises.nothing_can_be_changed_or_deleted(store)


def test_appends_at_one_time_make_one_chain(store: Store) -> None:
    promises.appends_at_one_time_make_one_chain(store)


def test_an_act_that_is_undone_leaves_no_entry(store: Store) -> None:
    fill(store, 1)

    def act_and_fail() -> None:
        with store.write() as tx:
            audit.append(tx, entry(1))
            raise RuntimeError("the act fails")

    with pytest.raises(RuntimeError):
        act_and_fail()
    with store.read() as tx:
        assert audit.newest(tx) == 1


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit SET actor = 'wang' WHERE id = 2", 2),
        ("UPDATE audit SET at = '2026-03-17T01:46:00.000000+00:00' WHERE id = 3", 3),
        ("UPDATE audit SET digest = (SELECT digest FROM audit WHERE id = 1) WHERE id = 2", 2),
        ("DELETE FROM audit WHERE id = 2", 3),
        ("DELETE FROM audit WHERE id = 1", 2),
        ("UPDATE audit SET actor = 'linc', via = 'onsole' WHERE id = 2", 2),
    ],
)
def test_who_goes_around_the_triggers_breaks_the_chain_there(statement: str, broken: int, store: Store) -> None:
    fill(store, 4)
    with store.write() as tx:
        for act in ("update", "delete"):
            tx.exec_driver_sql(f"DROP TRIGGER audit_no_{act}")
        tx.exec_driver_sql(statement)
    with store.read() as tx:
        found = audit.verify(tx)
    assert isinstance(found, Broken)
    assert found.id == broken


def test_entries_cut_off_at_the_end_are_missed_by_who_noted_the_head(store: Store) -> None:
    head = fill(store, 3)
    with store.write() as tx:
        tx.exec_driver_sql("DROP TRIGGER audit_no_delete")
        tx.exec_driver_sql("DELETE FROM audit WHERE id = 3")
    with store.read() as tx:
        assert isinstance(audit.verify(tx), Head)
        assert isinstance(audit.verify(tx, head), Broken)


def test_a_log_that_was_written_anew_is_not_the_one_that_was_noted(store: Store) -> None:
    fill(store, 3)
    with store.read() as tx:
        assert isinstance(audit.verify(tx, Head(2, "f" * 64)), Broken)


def test_the_digest_is_sha_256_over_the_one_before_and_the_row_as_json() -> None:
    """So that another program can follow the chain; ids, cells and their borders count."""
    expected = hashlib.sha256(b"0" * 64 + '[1,"a","甲"]'.encode()).hexdigest()
    assert digest("0" * 64, 1, ("a", "甲")) == expected
    assert digest("0" * 64, 1, ("a甲", "")) != expected
    assert digest("0" * 64, 2, ("a", "甲")) != expected


def test_the_log_is_there_after_the_store_was_closed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/other.db"
    with Store.open(url) as store:
        head = fill(store, 2)
    with Store.open(url) as store, store.read() as tx:
        assert audit.verify(tx) == head
