"""The log of who saw what and who did what, which the database itself seals."""

from __future__ import annotations

from sqlalchemy import DDL, Column, Index, Table, Text, event

from lis_bridge.storage.schema.base import Id, metadata

audit = Table(
    "audit",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("via", Text, nullable=False),  # console, API, command line, service
    Column("address", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),  # "tube 2026…", "hold 12"
    Column("detail", Text, nullable=False),  # JSON
    Column("digest", Text, nullable=False),  # SHA-256 of the digest before and of this row
)
"""Who saw what and who did what: appended, never changed; each row's digest covers all rows before it."""
Index("audit_subject", audit.c.subject, audit.c.id)
Index("audit_actor", audit.c.actor, audit.c.id)
Index("audit_action", audit.c.action, audit.c.id)
Index("audit_actor_action", audit.c.actor, audit.c.action, audit.c.id)

_SEALED = "RAISE(ABORT, 'the audit log is append-only')"
_APPEND_ONLY = {
    "sqlite": tuple(
        f"CREATE TRIGGER audit_no_{act} BEFORE {act.upper()} ON audit BEGIN SELECT {_SEALED}; END" for act in ("update", "delete")
    ),
    "postgresql": (
        "CREATE FUNCTION audit_sealed() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$",
        "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_sealed()",
    ),
}
"""What makes the database itself refuse a change of ``audit``; by dialect."""
for _dialect, _texts in _APPEND_ONLY.items():
    for _text in _texts:
        event.listen(audit, "after_create", DDL(_text).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]
