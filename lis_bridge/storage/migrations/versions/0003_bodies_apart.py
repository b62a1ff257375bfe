"""Long bytes in tables of their own: a change of state must not write an entry's or a delivery's bytes again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_PLAIN, _DEFLATED = 0, 1


def upgrade() -> None:
    op.create_table(
        "packing_model",
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("family", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "journal_raw",
        sa.Column("journal_id", _ID, sa.ForeignKey("journal.id"), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("packing", sa.BigInteger, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("journal_id"),
    )
    op.execute(
        "INSERT INTO journal_raw (journal_id, size, packing, content) "
        f"SELECT id, length(raw), {_PLAIN}, raw FROM journal ORDER BY id"
    )
    op.drop_column("journal", "raw")
    op.create_table(
        "delivery_message",
        sa.Column("delivery_id", _ID, sa.ForeignKey("delivery.id"), nullable=False),
        sa.Column("packing", sa.BigInteger, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("delivery_id"),
    )
    op.execute(
        "INSERT INTO delivery_message (delivery_id, packing, content) "
        f"SELECT id, {_DEFLATED}, message FROM delivery WHERE message IS NOT NULL ORDER BY id"
    )
    op.drop_column("delivery", "message")
