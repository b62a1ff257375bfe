"""The first schema: journal, tubes, holds, controls, deliveries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# SQLite makes only INTEGER PRIMARY KEY an alias of the rowid.
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "control_result",
        sa.Column("id", _ID, nullable=False),
        sa.Column("journal_id", _ID, nullable=False),
        sa.Column("analyzer", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_control_result_journal_id", "control_result", ["journal_id"])
    op.create_table(
        "delivery",
        sa.Column("id", _ID, nullable=False),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("tube_id", _ID, nullable=False),
        sa.Column("control_id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("stat", sa.Integer, nullable=False),
        sa.Column("due_at", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("results", sa.Integer, nullable=False),
        sa.Column("message", sa.LargeBinary),
        sa.Column("verdict", sa.Text),
        sa.Column("lis_text", sa.Text),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("sealed_at", sa.Text),
        sa.Column("settled_at", sa.Text),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("control_id"),
    )
    op.create_index(
        "delivery_owed",
        "delivery",
        ["destination", "id"],
        sqlite_where=sa.text("state IN ('open', 'pending')"),
        postgresql_where=sa.text("state IN ('open', 'pending')"),
    )
    op.create_index("delivery_state", "delivery", ["state", "id"])
    op.create_index("ix_delivery_tube_id", "delivery", ["tube_id"])
    op.create_table(
        "frame",
        sa.Column("id", _ID, nullable=False),
        sa.Column("session", sa.Text, nullable=False),
        sa.Column("analyzer", sa.Text, nullable=False),
        sa.Column("peer", sa.Text, nullable=False),
        sa.Column("framing", sa.Text, nullable=False),
        sa.Column("received_at", sa.Text, nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_frame_session", "frame", ["session"])
    op.create_table(
        "hold",
        sa.Column("id", _ID, nullable=False),
        sa.Column("tube_id", _ID),
        sa.Column("journal_id", _ID, nullable=False),
        sa.Column("analyzer", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("codes", sa.Text, nullable=False),
        sa.Column("results", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("decided_at", sa.Text),
        sa.Column("decided_by", sa.Text),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "hold_open", "hold", ["id"], sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'")
    )
    op.create_index("hold_tube", "hold", ["tube_id"])
    op.create_index("ix_hold_journal_id", "hold", ["journal_id"])
    op.create_table(
        "instance",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "journal",
        sa.Column("id", _ID, nullable=False),
        sa.Column("analyzer", sa.Text, nullable=False),
        sa.Column("peer", sa.Text, nullable=False),
        sa.Column("received_at", sa.Text, nullable=False),
        sa.Column("framing", sa.Text, nullable=False),
        sa.Column("complete", sa.Integer, nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("detail", sa.Text),
        sa.Column("driver", sa.Text),
        sa.Column("revision", sa.Integer),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("journal_analyzer", "journal", ["analyzer", "id"])
    op.create_index(
        "journal_discarded",
        "journal",
        ["id"],
        sqlite_where=sa.text("state = 'discarded'"),
        postgresql_where=sa.text("state = 'discarded'"),
    )
    op.create_index(
        "journal_open",
        "journal",
        ["id"],
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "journal_quarantined",
        "journal",
        ["id"],
        sqlite_where=sa.text("state = 'quarantined'"),
        postgresql_where=sa.text("state = 'quarantined'"),
    )
    op.create_table(
        "observed",
        sa.Column("at", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("fingerprint", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("tube_id", _ID, nullable=False),
        sa.PrimaryKeyConstraint("at", "fingerprint"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tube",
        sa.Column("id", _ID, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("specimen", sa.Text, nullable=False),
        sa.Column("numbered", sa.Integer, nullable=False),
        sa.Column("patient_id", sa.Text),
        sa.Column("patient_name", sa.Text),
        sa.Column("stat", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("sealed", sa.Integer, nullable=False),
        sa.Column("results", sa.Integer, nullable=False),
        sa.Column("held", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("updated_at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("ix_tube_updated_at", "tube", ["updated_at"])
    op.create_table(
        "delivery_part",
        sa.Column("id", _ID, nullable=False),
        sa.Column("delivery_id", _ID, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_delivery_part_delivery_id", "delivery_part", ["delivery_id"])
    op.create_table(
        "tube_event",
        sa.Column("id", _ID, nullable=False),
        sa.Column("tube_id", _ID, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("journal_id", _ID),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(["tube_id"], ["tube.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("tube_event_order", "tube_event", ["tube_id", "seq"], unique=True)
