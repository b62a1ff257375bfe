"""The revisions: together they are the schema, and they are applied whole or not at all."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, make_url

from lis_bridge import journal, outbox
from lis_bridge.core.faults import StorageError
from lis_bridge.storage import Store, migrations, sqlite
from lis_bridge.storage.schema import metadata

AT = "2026-03-17T01:00:00.000000+00:00"


def definitions(tx: Connection) -> set[str]:
    """Every CREATE statement of tables and indexes, in any order of columns and constraints."""
    rows = tx.exec_driver_sql("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name <> 'alembic_version'")
    return {" ".join(sorted(re.split(r"[\s,]+", row[0]))) for row in rows}


def test_the_revisions_make_the_tables_of_the_schema(store: Store) -> None:
    with store.read() as tx:
        context = MigrationContext.configure(tx, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_the_revisions_make_the_same_indexes_and_options(store: Store) -> None:
    """Autogenerate does not look at partial indexes and WITHOUT ROWID; the text of the definitions does."""
    fresh = create_engine("sqlite://")
    metadata.create_all(fresh)
    with fresh.connect() as expected, store.read() as tx:
        assert definitions(tx) == definitions(expected)


def test_head_is_the_newest_revision_and_what_a_store_is_at(store: Store) -> None:
    config = Config()
    config.set_main_option("script_location", "lis_bridge.storage:migrations")
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [migrations.HEAD]
    with store.read() as tx:
        assert migrations.revision(tx) == migrations.HEAD


def test_a_migration_that_fails_leaves_nothing_behind(url: str) -> None:
    engine = sqlite.engine(make_url(url))

    def break_off() -> None:
        with engine.begin() as tx:
            migrations.upgrade(tx, "here")
            assert inspect(tx).has_table("journal")
            raise RuntimeError("the power fails")

    with pytest.raises(RuntimeError):
        break_off()
    with engine.connect() as tx:
        assert inspect(tx).get_table_names() == []
    engine.dispose()


def test_a_database_of_a_newer_version_is_refused_and_left_alone(url: str, path: Path) -> None:
    with Store.open(url) as store, store.write() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StorageError, match="another version") as refused:
        Store.open(url, exclusive=True)
    assert refused.value.where == str(path)
    engine = sqlite.engine(make_url(url))
    with engine.connect() as tx:
        assert migrations.revision(tx) == "9999"
    engine.dispose()


def test_a_command_does_not_migrate_under_a_running_service(url: str) -> None:
    with Store.open(url, exclusive=True) as service:
        with service.write() as tx:
            tx.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
        with pytest.raises(StorageError, match="another lis-bridge"):
            Store.open(url)


def test_bytes_that_an_older_version_stored_are_read(url: str) -> None:
    """As revision 0001 kept them: the wire's bytes and the message in the rows themselves."""
    config = Config()
    config.set_main_option("script_location", "lis_bridge.storage:migrations")
    config.set_main_option("path_separator", "os")
    engine = sqlite.engine(make_url(url))
    raw, message = bytes(range(256)) * 8, b"MSH|^~\\&|" + b"x" * 2000
    with engine.begin() as tx:
        config.attributes["connection"] = tx
        command.upgrade(config, "0001")
        row = ("x1", "", AT, "mllp", 1, raw, "done")
        tx.exec_driver_sql(
            "INSERT INTO journal (analyzer, peer, received_at, framing, complete, raw, state) VALUES (?, ?, ?, ?, ?, ?, ?)", row
        )
        tx.exec_driver_sql(f"INSERT INTO tube VALUES (1, 'T1', 'T1', 0, NULL, NULL, 0, 1, 0, 0, 0, '{AT}', '{AT}')")
        for id, kept in ((1, zlib.compress(message, 1)), (2, None)):
            tx.exec_driver_sql(
                "INSERT INTO delivery (id, destination, tube_id, control_id, state, stat, due_at, attempts, results, message, created_at) "
                "VALUES (?, 'lis', 1, ?, ?, 0, ?, 0, 1, ?, ?)",
                (id, f"LB-{id}", "open" if kept is None else "pending", AT, kept, AT),
            )
    engine.dispose()
    with Store.open(url) as store, store.read() as tx:
        entry = journal.get(tx, 1)
        assert entry is not None
        assert entry.raw == raw
        assert journal.lines(tx)[0].size == len(raw)
        found = [outbox.get(tx, id) for id in (1, 2)]
        assert [one and one.message for one in found] == [message, None]
        assert outbox.messages(tx, [1]) == {1: ("LB-1", message)}
