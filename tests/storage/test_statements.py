"""Compiled statements do what Core does, with the caller's values only."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, insert, literal_column, select, update

from lis_bridge.core.faults import StorageError
from lis_bridge.storage import Statement, Store
from lis_bridge.storage.schema.database import instance

INSERT = Statement(insert(instance).values(name=bindparam("name"), value=bindparam("value")))
SELECT = Statement(select(instance.c.name, instance.c.value).where(instance.c.name == bindparam("of")))
RENAME = Statement(update(instance).where(instance.c.value == bindparam("of")).values(value="constant"))
ALL = Statement(select(instance.c.name).order_by(instance.c.name))

TEXT = st.text(st.characters(exclude_categories=("Cs",)))


@given(name=TEXT, value=TEXT)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_text_comes_back_as_it_went_in(store: Store, name: str, value: str) -> None:
    with store.write() as tx:
        INSERT.run(tx, name=name, value=value)
        assert SELECT.one(tx, of=name) == tx.execute(select(instance)).one() == (name, value)
        tx.rollback()


def test_run_counts_the_rows_and_constants_keep_their_values(store: Store) -> None:
    with store.write() as tx:
        for name in "abc":
            INSERT.run(tx, name=name, value="old" if name < "c" else "new")
        assert RENAME.run(tx, of="old") == 2
        assert SELECT.one(tx, of="a") == ("a", "constant")
        assert SELECT.one(tx, of="none") is None
        assert [row[0] for row in ALL.rows(tx)] == ["a", "b", "c"]


def test_a_page_given_up_half_way_does_not_stop_the_commit(store: Store) -> None:
    with store.write() as tx:
        for name in "abc":
            INSERT.run(tx, name=name, value="")
        assert next(ALL.rows(tx)) == ("a",)
    with store.read() as tx:
        assert len(list(ALL.rows(tx))) == 3


def test_a_statement_obeys_the_transaction_it_runs_in(store: Store) -> None:
    with pytest.raises(StorageError), store.read() as tx:
        INSERT.run(tx, name="a", value="")


def test_a_literal_stays_in_the_text(store: Store) -> None:
    fixed = Statement(select(instance.c.name).where(instance.c.value == literal_column("'x'")))
    with store.write() as tx:
        INSERT.run(tx, name="a", value="x")
        assert fixed.one(tx) == ("a",)
