"""SQLite as the bridge needs it: a commit is on the disk, readers never wait for the writer.

The driver's own transaction control is off (isolation_level None); every transaction begins with an explicit BEGIN, so that
a writer takes its lock before it reads what it will change.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from lis_bridge.core.faults import StorageError

BUSY_SECONDS = 10
"""How long a transaction waits for another process's (the service beside a command) to end."""

# No mmap_size: an unreadable sector would then end the process with SIGBUS instead of an error that names the disk.
_PRAGMAS = (
    f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA cache_size=-32768",  # KiB
    "PRAGMA temp_store=MEMORY",
    "PRAGMA wal_autocheckpoint=4000",  # pages: what many tubes touch is brought over once, not with each of them
    "PRAGMA journal_size_limit=67108864",  # bytes that the WAL keeps after a burst
)
_FULL = 2


def engine(url: URL) -> Engine:
    """The engine of a file; creates its folder, raises StorageError where the path cannot be a database."""
    path = file_of(url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        hint = "check [storage] url and who may write there"
        raise StorageError(f"the folder cannot be made: {error.strerror}", where=str(path.parent), hint=hint) from error
    made = create_engine(
        url,
        connect_args={"isolation_level": None, "check_same_thread": False, "timeout": BUSY_SECONDS},
        paramstyle="named",
        pool_size=4,
        max_overflow=60,  # web requests read in parallel threads
    )
    event.listen(made, "connect", lambda connection, _record: prepare(connection, str(path)))
    event.listen(made, "begin", _begin)
    event.listen(made, "commit", _check_open)
    return made


def file_of(url: URL) -> Path:
    """The database file that an sqlite URL names; raises StorageError for a database in memory or a URI."""
    name = url.database or ":memory:"
    if name.startswith((":", "file:")):
        hint = "write sqlite:///data/bridge.db"
        raise StorageError("the database must be a file", where=url.render_as_string(), hint=hint)
    return Path(name)


def prepare(connection: sqlite3.Connection, where: str) -> None:
    """Set what durability needs on a new connection and check that it was granted (a network folder grants no WAL)."""
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    if mode != "wal":
        hint = "put the database on a local disk"
        raise StorageError(f"SQLite grants no write-ahead log here (journal mode {mode})", where=where, hint=hint)
    if connection.execute("PRAGMA synchronous").fetchone()[0] != _FULL:
        raise StorageError("SQLite refuses synchronous=FULL", where=where, hint="use an SQLite built with default options")


def _begin(connection: Connection) -> None:
    driver = _driver(connection)
    reading = connection.get_execution_options().get("reading", False)
    of = connection.connection.info  # of the driver's connection, which readers and writers share
    if of.get("query_only") is not reading:
        driver.execute(f"PRAGMA query_only={int(reading)}")
        of["query_only"] = reading
    driver.execute("BEGIN" if reading else "BEGIN IMMEDIATE")


def _check_open(connection: Connection) -> None:
    """SQLite may end a transaction by itself when the disk fails; the driver's commit would then succeed without any."""
    if not _driver(connection).in_transaction:
        hint = "check free space and the system's log; what was not acknowledged will be sent again"
        raise StorageError("the disk failed and the transaction was undone", where=str(connection.engine.url.database), hint=hint)


def _driver(connection: Connection) -> Any:
    return connection.connection.dbapi_connection
