"""What is owed to whom: one of the bridge's two promises (the other is in ``journal``)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from lis_bridge.storage.schema.base import Id, metadata

delivery = Table(
    "delivery",
    metadata,
    Column("id", Id, primary_key=True),
    Column("destination", Text, nullable=False),
    Column("tube_id", Id, nullable=False, index=True),
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
    Column("delivery_id", Id, ForeignKey("delivery.id"), primary_key=True),
    Column("packing", BigInteger, nullable=False),  # storage.packing
    Column("content", LargeBinary, nullable=False),
)
"""The HL7 bytes of each delivery that was sealed."""

delivery_part = Table(
    "delivery_part",
    metadata,
    Column("id", Id, primary_key=True),
    Column("delivery_id", Id, ForeignKey("delivery.id"), nullable=False, index=True),
    Column("content", LargeBinary, nullable=False),  # msgpack list of tubes.assembly.Report
)
"""What an open delivery has collected; gone once it is sealed."""
