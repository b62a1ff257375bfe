"""What a database knows of itself: facts that were drawn once, and what its messages are packed beside."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table, Text

from lis_bridge.storage.schema.base import metadata

instance = Table(
    "instance",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""One row per fact of this database: ``prefix`` (start of every MSH-10, drawn once)."""

packing_model = Table(
    "packing_model",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # of family and content
    Column("family", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
"""What messages of a family are packed beside (``storage.packing``). A row that is lost takes with it what refers to it."""
