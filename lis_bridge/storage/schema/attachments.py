"""What comes beside results, and which LIS was told of it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from lis_bridge.storage.schema.base import Id, metadata

attachment = Table(
    "attachment",
    metadata,
    Column("id", Id, primary_key=True),
    Column("tube_id", Id, ForeignKey("tube.id"), nullable=False),
    Column("journal_id", Id, nullable=False),
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
    Column("attachment_id", Id, ForeignKey("attachment.id"), primary_key=True),
    Column("tube_id", Id, primary_key=True),  # the tube that it was told of
    Column("withdraw", Integer, nullable=False),  # 1: it was another's or is held back, which is still to be told
)
Index("attachment_told_of", attachment_told.c.attachment_id)
