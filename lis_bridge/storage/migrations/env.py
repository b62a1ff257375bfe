"""Alembic's entry point: runs the revisions on the connection, and in the transaction, that ``upgrade`` hands over."""

from __future__ import annotations

from alembic import context

from lis_bridge.storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
