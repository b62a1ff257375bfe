"""What came in, byte for byte: one of the bridge's two promises (the other is in ``deliveries``)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from lis_bridge.storage.schema.base import Id, metadata

journal = Table(
    "journal",
    metadata,
    Column("id", Id, primary_key=True),
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
    Column("journal_id", Id, ForeignKey("journal.id"), primary_key=True),
    Column("size", Integer, nullable=False),  # bytes before packing
    Column("packing", BigInteger, nullable=False),  # storage.packing
    Column("content", LargeBinary, nullable=False),
)
"""The wire's bytes of each entry."""

frame = Table(
    "frame",
    metadata,
    Column("id", Id, primary_key=True),
    Column("session", Text, nullable=False, index=True),  # one per connection and transmission
    Column("analyzer", Text, nullable=False),
    Column("peer", Text, nullable=False, default=""),
    Column("framing", Text, nullable=False),
    Column("received_at", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
)
"""Acknowledged frames of transmissions that have not ended; the message's end moves them into ``journal`` in one transaction."""
