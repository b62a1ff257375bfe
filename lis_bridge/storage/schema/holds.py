"""What is kept from the LIS until a person decides."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text

from lis_bridge.storage.schema.base import Id, metadata

hold = Table(
    "hold",
    metadata,
    Column("id", Id, primary_key=True),
    Column("tube_id", Id),  # none where no tube could be named
    Column("journal_id", Id, nullable=False, index=True),
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
