"""The schema's revisions, applied by Alembic when a store is opened; Alembic is imported only where one is missing.

A revision is written out in full and never edited once released. ``schema.metadata`` equals what the revisions make together.
"""

from __future__ import annotations

from sqlalchemy import Connection, inspect

from lis_bridge.core.faults import StorageError

HEAD = "0008"
"""The newest revision; a store at this one needs nothing."""


def revision(tx: Connection) -> str | None:
    """The revision that the database is at; None for an empty one."""
    if not inspect(tx).has_table("alembic_version"):
        return None
    found = tx.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return None if found is None else str(found)


def upgrade(tx: Connection, where: str) -> None:
    """Apply what is missing inside the transaction; raises StorageError for a database of a newer lis-bridge."""
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", "lis_bridge.storage:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = tx
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        hint = "use the newest lis-bridge that has worked on it"
        raise StorageError("the database was written by another version", where=where, hint=hint) from error
