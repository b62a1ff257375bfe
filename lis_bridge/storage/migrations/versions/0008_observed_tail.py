"""The newest fingerprints stand together, a row for each message."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

# SQLite makes only INTEGER PRIMARY KEY an alias of the rowid.
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "observed_tail",
        sa.Column("id", _ID, nullable=False),
        sa.Column("tube_id", _ID, nullable=False),
        sa.Column("drawn", sa.BigInteger, nullable=False),
        sa.Column("before", sa.BigInteger),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
