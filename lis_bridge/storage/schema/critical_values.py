"""Values beyond a critical limit, and who was told of them."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text

from lis_bridge.storage.schema.base import Id, metadata

critical = Table(
    "critical",
    metadata,
    Column("id", Id, primary_key=True),
    Column("tube_id", Id, ForeignKey("tube.id"), nullable=False),
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
    Column("id", Id, primary_key=True),
    Column("critical_id", Id, ForeignKey("critical.id"), nullable=False, index=True),
    Column("told", Text, nullable=False),  # who answered
    Column("ward", Text, nullable=False),
    Column("read_back", Integer, nullable=False),
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
)
