"""Pictures, histograms and curves of a tube, and which destination was told of which."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "attachment",
        sa.Column("id", _ID, nullable=False),
        sa.Column("tube_id", _ID, sa.ForeignKey("tube.id"), nullable=False),
        sa.Column("journal_id", _ID, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("analyzer", "code", "kind", "format", "media")),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("held", sa.Integer, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("packing", sa.BigInteger, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("attachment_tube", "attachment", ["tube_id", "digest"])
    op.create_index("attachment_journal", "attachment", ["journal_id"])
    op.create_table(
        "attachment_told",
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("attachment_id", _ID, sa.ForeignKey("attachment.id"), nullable=False),
        sa.Column("tube_id", _ID, nullable=False),
        sa.Column("withdraw", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("destination", "attachment_id", "tube_id"),
    )
    op.create_index("attachment_told_of", "attachment_told", ["attachment_id"])
