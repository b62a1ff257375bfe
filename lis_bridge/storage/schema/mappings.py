"""What persons mapped, whichever way."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table, Text

from lis_bridge.storage.schema.base import Id, metadata

mapping = Table(
    "mapping",
    metadata,
    Column("id", Id, primary_key=True),
    Column("analyzer", Text, nullable=False),
    Column("kind", Text, nullable=False),  # code, unit, ignored
    Column("said", Text, nullable=False),  # the device's code, of an unusual material CODE@MATERIAL; a key of [analyzer.units]
    Column("means", Text, nullable=False),  # a test of the catalogue; a unit that it knows; of an ignored code nothing
    Column("by", Text, nullable=False),
    Column("at", Text, nullable=False),
)
"""What a person mapped while the service ran; it stands over the configuration's overrides."""
Index("mapping_said", mapping.c.analyzer, mapping.c.kind, mapping.c.said, unique=True)
