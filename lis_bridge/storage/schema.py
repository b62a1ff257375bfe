"""The tables, one schema for SQLite and PostgreSQL.

Two of them are the promises of the bridge: ``journal`` (what came in, byte for byte) and ``delivery`` (what is owed to whom).
Results are stored as one compact set per message (``tube_event.content``, msgpack, packed) beside a narrow identity index
(``observed``), so that a year of 160 million results stays within the disk of a small server and a tube's cost does not grow
with the database. What changes its state is narrow: long bytes that never change stand in a table beside it (``journal_raw``,
``delivery_message``), for a database writes a changed row anew with all that is in it.
"""

from __future__ import annotations

from sqlalchemy import DDL, BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, Text, event

metadata = MetaData()

# SQLite makes only INTEGER PRIMARY KEY an alias of the rowid.
_Id = BigInteger().with_variant(Integer, "sqlite")

instance = Table(
    "instance",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""One row per fact of this database: ``prefix`` (start of every MSH-10, drawn once)."""

journal = Table(
    "journal",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("analyzer", Text, nullable=False),
    Column("peer", Text, nullable=False, default=""),
    Column("received_at", Text, nullable=False),  # ISO 8601 UTC
    Column("framing", Text, nullable=False),
    Column("complete", Integer, nullable=False, default=1),  # 0: cut off before its end
    Column("state", Text, nullable=False, default="pending"),  # pending, done, quarantined, discarded
    Column("reason", Text),  # of a quarantine
    Column("detail", Text),
    Column("driver", Text),
    Column("revision", Integer),
)
Index("journal_open", journal.c.id, sqlite_where=journal.c.state == "pending", postgresql_where=journal.c.state == "pending")
Index(
    "journal_quarantined",
    journal.c.id,
    sqlite_where=journal.c.state == "quarantined",
    postgresql_where=journal.c.state == "quarantined",
)
Index(
    "journal_discarded",
    journal.c.id,
    sqlite_where=journal.c.state == "discarded",
    postgresql_where=journal.c.state == "discarded",
)
# Lists one analyzer's entries, and counts all of them without reading their bytes.
Index("journal_analyzer", journal.c.analyzer, journal.c.id)

journal_raw = Table(
    "journal_raw",
    metadata,
    Column("journal_id", _Id, ForeignKey("journal.id"), primary_key=True),
    Column("size", Integer, nullable=False),  # bytes before packing
    Column("packing", BigInteger, nullable=False),  # storage.packing
    Column("content", LargeBinary, nullable=False),
)
"""The wire's bytes of each entry."""

packing_model = Table(
    "packing_model",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # of family and content
    Column("family", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
"""What messages of a family are packed beside (``storage.packing``). A row that is lost takes with it what refers to it."""

frame = Table(
    "frame",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("session", Text, nullable=False, index=True),  # one per connection and transmission
    Column("analyzer", Text, nullable=False),
    Column("peer", Text, nullable=False, default=""),
    Column("framing", Text, nullable=False),
    Column("received_at", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
)
"""Acknowledged frames of transmissions that have not ended; the message's end moves them into ``journal`` in one transaction."""

tube = Table(
    "tube",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("specimen", Text, nullable=False),  # the wire's id
    Column("numbered", Integer, nullable=False, default=0),  # 1: a running number, not a barcode
    Column("patient_id", Text),
    Column("patient_name", Text),
    Column("stat", Integer, nullable=False, default=0),
    Column("version", Integer, nullable=False, default=0),  # number of its events
    Column("sealed", Integer, nullable=False, default=0),  # events up to this one may have reached a LIS
    Column("results", Integer, nullable=False, default=0),
    Column("held", Integer, nullable=False, default=0),
    Column("created_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False, index=True),
)
# A person types the beginning of them; PostgreSQL needs an operator class for that, whatever its collation.
Index("tube_specimen", tube.c.specimen, postgresql_ops={"specimen": "text_pattern_ops"})
Index("tube_patient_name", tube.c.patient_name, postgresql_ops={"patient_name": "text_pattern_ops"})
Index("tube_patient_id", tube.c.patient_id, tube.c.id, postgresql_ops={"patient_id": "text_pattern_ops"})

tube_event = Table(
    "tube_event",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("tube_id", _Id, ForeignKey("tube.id"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("journal_id", _Id),
    Column("at", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Index("tube_event_order", "tube_id", "seq", unique=True),
)

observed = Table(
    "observed",
    metadata,
    Column("at", BigInteger, primary_key=True, autoincrement=False),  # epoch seconds of the observation
    Column("fingerprint", BigInteger, primary_key=True, autoincrement=False),  # of analyzer, code, aspect and value
    Column("tube_id", _Id, nullable=False),
    sqlite_with_rowid=False,
)
"""Finds the same analyzer, test, time and value under a second specimen id. Ordered by time, so that inserts stay local."""

observed_tail = Table(
    "observed_tail",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("tube_id", _Id, nullable=False),
    Column("drawn", BigInteger, nullable=False),  # by its writer, who knows the row by it
    Column("before", BigInteger),  # what was drawn for the row before
    Column("content", LargeBinary, nullable=False),  # msgpack: fingerprints by second
)
"""What a few messages add to ``observed``, one row for each, until it is brought over together."""

hold = Table(
    "hold",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("tube_id", _Id),  # none where no tube could be named
    Column("journal_id", _Id, nullable=False, index=True),
    Column("analyzer", Text, nullable=False),
    Column("reason", Text, nullable=False),  # core.holds.Reason
    Column("detail", Text, nullable=False, default=""),
    Column("codes", Text, nullable=False, default=""),  # as a mapping is to say them, newline-joined
    Column("results", Integer, nullable=False, default=0),
    Column("state", Text, nullable=False, default="open"),  # open, released, discarded, replaced
    Column("created_at", Text, nullable=False),
    Column("decided_at", Text),
    Column("decided_by", Text),
)
Index("hold_open", hold.c.id, sqlite_where=hold.c.state == "open", postgresql_where=hold.c.state == "open")
Index("hold_tube", hold.c.tube_id)

control_result = Table(
    "control_result",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("journal_id", _Id, nullable=False, index=True),
    Column("analyzer", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),  # msgpack of core.results.Message
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("destination", Text, nullable=False),
    Column("tube_id", _Id, nullable=False, index=True),
    Column("control_id", Text, nullable=False, unique=True),  # MSH-10, never changes
    Column("state", Text, nullable=False),  # open, pending, delivered, dead, dismissed
    Column("stat", Integer, nullable=False, default=0),
    Column("due_at", Text, nullable=False),  # open: when its window closes; pending: the next try
    Column("attempts", Integer, nullable=False, default=0),
    Column("results", Integer, nullable=False, default=0),
    Column("verdict", Text),  # AA, AE, AR, CA, CE, CR, timeout, malformed
    Column("lis_text", Text),  # the LIS's own words
    Column("created_at", Text, nullable=False),
    Column("sealed_at", Text),
    Column("settled_at", Text),  # delivered, dead or dismissed
)
Index(
    "delivery_owed",
    delivery.c.destination,
    delivery.c.id,
    sqlite_where=delivery.c.state.in_(("open", "pending")),
    postgresql_where=delivery.c.state.in_(("open", "pending")),
)
Index("delivery_state", delivery.c.state, delivery.c.id)
Index("delivery_destination", delivery.c.destination, delivery.c.id)

delivery_message = Table(
    "delivery_message",
    metadata,
    Column("delivery_id", _Id, ForeignKey("delivery.id"), primary_key=True),
    Column("packing", BigInteger, nullable=False),  # storage.packing
    Column("content", LargeBinary, nullable=False),
)
"""The HL7 bytes of each delivery that was sealed."""

delivery_part = Table(
    "delivery_part",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("delivery_id", _Id, ForeignKey("delivery.id"), nullable=False, index=True),
    Column("content", LargeBinary, nullable=False),  # msgpack list of tubes.assembly.Report
)
"""What an open delivery has collected; gone once it is sealed."""

attachment = Table(
    "attachment",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("tube_id", _Id, ForeignKey("tube.id"), nullable=False),
    Column("journal_id", _Id, nullable=False),
    Column("analyzer", Text, nullable=False),
    Column("code", Text, nullable=False),  # the analyzer's name of it
    Column("kind", Text, nullable=False),  # image, curve
    Column("format", Text, nullable=False),  # as the analyzer says
    Column("media", Text, nullable=False),  # RFC 6838
    Column("size", Integer, nullable=False),
    Column("held", Integer, nullable=False),  # 1 while no result that it came with is reported
    Column("digest", Text, nullable=False),  # of analyzer, code and content
    Column("packing", BigInteger, nullable=False),  # storage.packing
    Column("content", LargeBinary, nullable=False),
    Column("at", Text, nullable=False),
)
"""Pictures, histograms and curves; they are no results."""
Index("attachment_tube", attachment.c.tube_id, attachment.c.digest)
Index("attachment_journal", attachment.c.journal_id)

attachment_told = Table(
    "attachment_told",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("attachment_id", _Id, ForeignKey("attachment.id"), primary_key=True),
    Column("tube_id", _Id, primary_key=True),  # the tube that it was told of
    Column("withdraw", Integer, nullable=False),  # 1: it was another's or is held back, which is still to be told
)
Index("attachment_told_of", attachment_told.c.attachment_id)

critical = Table(
    "critical",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("tube_id", _Id, ForeignKey("tube.id"), nullable=False),
    Column("source", Text, nullable=False),  # source, code and aspect are the slot of the tube
    Column("code", Text, nullable=False),
    Column("aspect", Text, nullable=False),
    Column("analyzer", Text, nullable=False),
    Column("test", Text, nullable=False),
    Column("value", Text, nullable=False),  # as the LIS is told
    Column("unit", Text),
    Column("side", Text, nullable=False),  # low, high
    Column("raised_at", Text, nullable=False),
    Column("state", Text, nullable=False),  # open, called, superseded
)
"""Values beyond a critical limit: each waits until somebody was told of it, or until another value took its place."""
Index(
    "critical_open",
    critical.c.id,
    sqlite_where=critical.c.state == "open",
    postgresql_where=critical.c.state == "open",
)
Index("critical_tube", critical.c.tube_id)

critical_call = Table(
    "critical_call",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("critical_id", _Id, ForeignKey("critical.id"), nullable=False, index=True),
    Column("told", Text, nullable=False),  # who answered
    Column("ward", Text, nullable=False),
    Column("read_back", Integer, nullable=False),
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
)

user = Table(
    "user",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),  # lower case
    Column("shown_as", Text, nullable=False),
    Column("role", Text, nullable=False),  # viewer, technician, engineer
    Column("password", Text, nullable=False),  # argon2id, encoded
    Column("language", Text, nullable=False),  # zh, en
    Column("disabled", Integer, nullable=False),
    Column("created_at", Text, nullable=False),
)

session = Table(
    "session",
    metadata,
    Column("token", Text, primary_key=True),  # SHA-256 of the cookie, never the cookie
    Column("user_id", _Id, ForeignKey("user.id"), nullable=False, index=True),
    Column("created_at", Text, nullable=False),
    Column("seen_at", Text, nullable=False),
)

api_token = Table(
    "api_token",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("user_id", _Id, ForeignKey("user.id"), nullable=False),
    Column("name", Text, nullable=False),  # what it is for
    Column("digest", Text, nullable=False, unique=True),  # SHA-256 of the token, never the token
    Column("role", Text, nullable=False),  # at most the user's
    Column("created_at", Text, nullable=False),
    Column("revoked_at", Text),
)

mapping = Table(
    "mapping",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("analyzer", Text, nullable=False),
    Column("kind", Text, nullable=False),  # code, unit, ignored
    Column("said", Text, nullable=False),  # the device's code, of an unusual material CODE@MATERIAL; a key of [analyzer.units]
    Column("means", Text, nullable=False),  # a test of the catalogue; a unit that it knows; of an ignored code nothing
    Column("by", Text, nullable=False),
    Column("at", Text, nullable=False),
)
"""What a person mapped while the service ran; it stands over the configuration's overrides."""
Index("mapping_said", mapping.c.analyzer, mapping.c.kind, mapping.c.said, unique=True)

audit = Table(
    "audit",
    metadata,
    Column("id", _Id, primary_key=True),
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
APPEND_ONLY = {
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
for _dialect, _texts in APPEND_ONLY.items():
    for _text in _texts:
        event.listen(audit, "after_create", DDL(_text).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]
