"""What the console keeps: critical values and calls, users, sessions, and the audit log that refuses every change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

# SQLite makes only INTEGER PRIMARY KEY an alias of the rowid.
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_APPEND_ONLY = {
    "sqlite": (
        "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
        "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION audit_sealed() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$",
        "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_sealed()",
    ),
}


def upgrade() -> None:
    _critical()
    _users()
    _audit()


def _critical() -> None:
    op.create_table(
        "critical",
        sa.Column("id", _ID, nullable=False),
        sa.Column("tube_id", _ID, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("aspect", sa.Text, nullable=False),
        sa.Column("analyzer", sa.Text, nullable=False),
        sa.Column("test", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("unit", sa.Text),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("raised_at", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["tube_id"], ["tube.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    where = sa.text("state = 'open'")
    op.create_index("critical_open", "critical", ["id"], sqlite_where=where, postgresql_where=where)
    op.create_index("critical_tube", "critical", ["tube_id"])
    op.create_table(
        "critical_call",
        sa.Column("id", _ID, nullable=False),
        sa.Column("critical_id", _ID, nullable=False),
        sa.Column("told", sa.Text, nullable=False),
        sa.Column("ward", sa.Text, nullable=False),
        sa.Column("read_back", sa.Integer, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["critical_id"], ["critical.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_critical_call_critical_id", "critical_call", ["critical_id"])


def _users() -> None:
    op.create_table(
        "user",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("shown_as", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("password", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("disabled", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "session",
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("seen_at", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"]),
        sa.PrimaryKeyConstraint("token"),
    )
    op.create_index("ix_session_user_id", "session", ["user_id"])


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", _ID, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("via", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("audit_actor", "audit", ["actor", "id"])
    op.create_index("audit_subject", "audit", ["subject", "id"])
    for text in _APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(text)
