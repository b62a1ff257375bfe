"""Results of quality control, which belong to no tube."""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, Table, Text

from lis_bridge.storage.schema.base import Id, metadata

control_result = Table(
    "control_result",
    metadata,
    Column("id", Id, primary_key=True),
    Column("journal_id", Id, nullable=False, index=True),
    Column("analyzer", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),  # msgpack of core.results.Message
)
