"""PostgreSQL behind the same schema, for several nodes that share it.

Writers take one advisory lock per transaction, so that the code above may rely on what SQLite gives it: one writer at a time.
"""

from __future__ import annotations

from sqlalchemy import URL, Connection, Engine, create_engine, event

from lis_bridge.core.faults import StorageError
from lis_bridge.storage.refusals import refusals

WRITER_KEY = 0x4C495342
"""The advisory lock of the one writer ("LISB")."""

# synchronous_commit stands here because a server, a database or a role may have it off.
_OPTIONS = "-c synchronous_commit=on -c lock_timeout=10s -c timezone=UTC"


def engine(url: URL) -> Engine:
    """The engine of a server's database; raises StorageError where psycopg is missing or the server does not sync its log."""
    try:
        made = create_engine(
            url,
            connect_args={"options": _OPTIONS, "client_encoding": "UTF8", "connect_timeout": 10},
            pool_pre_ping=True,
            pool_size=4,
            max_overflow=16,
        )
    except ModuleNotFoundError as error:
        hint = "install psycopg[binary] into the bridge's environment"
        raise StorageError("the PostgreSQL driver is missing", where=_place(url), hint=hint) from error
    event.listen(made, "begin", _begin)
    _check_durable(made)
    return made


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get("reading", False):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    else:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_KEY})")


def _check_durable(made: Engine) -> None:
    with refusals(_place(made.url)), made.connect() as connection:
        synced = connection.exec_driver_sql("SHOW fsync").scalar_one()
    if synced != "on":
        hint = "set fsync = on in postgresql.conf"
        raise StorageError("the server does not bring its log to the disk", where=_place(made.url), hint=hint)


def _place(url: URL) -> str:
    return url.render_as_string(hide_password=True)
