"""The store: durable settings, two kinds of transaction, refusals that say what to do."""

from __future__ import annotations

import os
import sqlite3
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from lis_bridge.core.faults import StorageError
from lis_bridge.storage import Store, Writer, sqlite
from lis_bridge.storage.schema.database import instance
from lis_bridge.storage.schema.deliveries import delivery_part


def put(tx, name: str, value: str = "") -> None:
    tx.execute(insert(instance).values(name=name, value=value))


def names(store: Store) -> list[str]:
    with store.read() as tx:
        return list(tx.execute(select(instance.c.name).order_by(instance.c.name)).scalars())


def pragmas(tx) -> dict[str, object]:
    return {name: tx.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "foreign_keys")}


DURABLE = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_every_connection_has_wal_full_sync_and_foreign_keys(store: Store, writer: Writer) -> None:
    with store.write() as tx:
        assert pragmas(tx) == DURABLE
    with store.read() as first, store.read() as second:
        assert pragmas(first) == pragmas(second) == DURABLE
    assert writer.submit(pragmas).result() == DURABLE


def test_a_connection_without_wal_is_refused() -> None:
    with pytest.raises(StorageError, match="journal mode memory") as refused:
        sqlite.prepare(sqlite3.connect(":memory:"), "here")
    assert refused.value.where == "here"
    assert "local disk" in refused.value.hint


def test_parent_folders_are_made_and_data_outlives_the_store(url: str, path: Path) -> None:
    with Store.open(url) as store, store.write() as tx:
        put(tx, "prefix", "X7")
    assert path.is_file()
    with Store.open(url) as again:
        assert names(again) == ["prefix"]


def test_an_exception_undoes_the_transaction(store: Store) -> None:
    def fail() -> None:
        with store.write() as tx:
            put(tx, "a")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert names(store) == []


def test_a_writer_holds_the_lock_before_it_reads(store: Store, url: str) -> None:
    """Two transactions that read, then write, cannot both start from the same state."""
    other = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=0)
    with store.write() as tx:
        tx.execute(select(instance))
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
    other.close()


def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(StorageError, match="cannot be written"), store.read() as tx:
        put(tx, "a")
    with store.write() as tx:
        put(tx, "b")
    assert names(store) == ["b"]


def test_a_reader_sees_one_state_while_another_writes(store: Store) -> None:
    with store.read() as before:
        assert before.execute(select(instance)).all() == []
        with store.write() as tx:
            put(tx, "a")
        assert before.execute(select(instance)).all() == []
    assert names(store) == ["a"]


def test_a_broken_constraint_is_not_taken_for_a_broken_disk(store: Store) -> None:
    with pytest.raises(IntegrityError), store.write() as tx:
        tx.execute(insert(delivery_part).values(delivery_id=99, content=b""))


def test_a_transaction_that_the_database_ended_is_never_reported_as_committed(store: Store) -> None:
    def look_away() -> None:
        with store.write() as tx:
            put(tx, "a")
            tx.exec_driver_sql("ROLLBACK")  # what SQLite does by itself on some disk errors

    with pytest.raises(StorageError, match="undone"):
        look_away()
    assert names(store) == []


def test_a_command_waits_for_the_service_to_commit(store: Store, url: str) -> None:
    beside = Store.open(url)
    done: list[str] = []

    def command() -> None:
        with beside.write() as tx:
            done.extend(tx.execute(select(instance.c.name)).scalars())
            put(tx, "command")

    with store.write() as tx:
        thread = Thread(target=command)
        thread.start()
        put(tx, "service")
    thread.join()
    beside.close()
    assert done == ["service"]
    assert names(store) == ["command", "service"]


@pytest.mark.parametrize(
    "bad",
    ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x.db?uri=true", "mysql://host/db", "postgresql://host/db", "bridge.db"],
)
def test_a_url_that_names_no_durable_database_is_refused_with_an_example(bad: str) -> None:
    with pytest.raises(StorageError) as refused:
        Store.open(bad)
    assert "sqlite:///" in refused.value.hint


@pytest.mark.skipif(find_spec("psycopg") is not None, reason="the PostgreSQL driver is installed")
def test_a_missing_postgresql_driver_is_named_with_its_remedy() -> None:
    with pytest.raises(StorageError, match="driver is missing") as refused:
        Store.open("postgresql+psycopg://bridge:secret@host/bridge")
    assert "psycopg" in refused.value.hint
    assert "secret" not in str(refused.value)


def test_a_file_that_is_no_database_is_refused_and_left_alone(url: str, path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"a letter to the laboratory " * 100)
    with pytest.raises(StorageError, match="no database") as refused:
        Store.open(url, exclusive=True)
    assert refused.value.where == str(path)
    assert path.read_bytes() == b"a letter to the laboratory " * 100


def test_a_refused_store_lets_go_of_its_claim(url: str, path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database" * 100)
    with pytest.raises(StorageError):
        Store.open(url, exclusive=True)
    path.unlink()
    Store.open(url, exclusive=True).close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(StorageError, match="folder") as refused:
        Store.open(f"sqlite:///{tmp_path}/data/bridge.db")
    assert refused.value.where == str(tmp_path / "data")


def test_a_path_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be opened"):
        Store.open(f"sqlite:///{tmp_path}")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_without_the_right_to_write_is_refused(url: str, path: Path) -> None:
    Store.open(url).close()
    path.chmod(0o400)
    with pytest.raises(StorageError, match="cannot be written"):
        Store.open(url)
