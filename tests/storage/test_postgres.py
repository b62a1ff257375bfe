"""The same promises on PostgreSQL: set LIS_BRIDGE_TEST_POSTGRES to the URL of a server where databases may be made and dropped."""

from __future__ import annotations

from threading import Thread

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, select

from lis_bridge.core.faults import StorageError
from lis_bridge.storage import Store, Writer
from lis_bridge.storage.schema import metadata
from lis_bridge.storage.schema.database import instance
from tests.postgres import needed, url

__all__ = ["url"]

pytestmark = needed


def put(tx, name: str) -> None:
    tx.execute(insert(instance).values(name=name, value=""))


def names(store: Store) -> set[str]:
    with store.read() as tx:
        return set(tx.execute(select(instance.c.name)).scalars())


def test_the_revisions_make_the_tables_of_the_schema(store: Store) -> None:
    with store.read() as tx:
        assert compare_metadata(MigrationContext.configure(tx, opts={"compare_type": True}), metadata) == []


def test_a_commit_waits_for_the_disk(store: Store) -> None:
    with store.write() as tx:
        assert tx.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


def test_a_reader_cannot_write_and_sees_one_state(store: Store) -> None:
    with store.read() as before:
        assert before.execute(select(instance)).all() == []
        with store.write() as tx:
            put(tx, "a")
        assert before.execute(select(instance)).all() == []
    with pytest.raises(StorageError, match="cannot be written"), store.read() as tx:
        put(tx, "b")
    assert names(store) == {"a"}


def test_one_writer_at_a_time(store: Store, url: str) -> None:
    seen: list[set[str]] = []
    other = Store.open(url)

    def second() -> None:
        with other.write() as tx:
            seen.append(set(tx.execute(select(instance.c.name)).scalars()))

    thread = Thread(target=second)
    with store.write() as tx:
        thread.start()
        put(tx, "first")
        while not tx.exec_driver_sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").scalar():
            assert not seen
    thread.join()
    other.close()
    assert seen == [{"first"}]


def test_work_that_raises_is_undone_without_its_neighbours(store: Store, writer: Writer) -> None:
    with store.write():  # the writer waits, so that what follows is one batch
        futures = [writer.submit(lambda tx, name=name: put(tx, name)) for name in "abac"]
    errors = [type(future.exception()).__name__ for future in futures]
    assert errors == ["NoneType", "NoneType", "IntegrityError", "NoneType"]
    assert names(store) == {"a", "b", "c"}


def test_a_lost_connection_is_told_and_taken_up_again(store: Store, writer: Writer) -> None:
    pid = writer.submit(lambda tx: tx.exec_driver_sql("SELECT pg_backend_pid()").scalar()).result()
    with store.write() as tx:
        tx.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")
    error = writer.submit(lambda tx: put(tx, "refused")).exception()
    assert isinstance(error, StorageError)
    assert error.hint
    writer.submit(lambda tx: put(tx, "later")).result()
    assert names(store) == {"later"}


def test_a_server_out_of_reach_is_named_without_its_password() -> None:
    with pytest.raises(StorageError, match="out of reach") as refused:
        Store.open("postgresql+psycopg://user:secret@127.0.0.1:1/none")
    assert "secret" not in str(refused.value)
