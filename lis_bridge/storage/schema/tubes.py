"""Specimens, the events that make each of them what it is, and the index that finds a result under a second specimen id."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from lis_bridge.storage.schema.base import Id, metadata

tube = Table(
    "tube",
    metadata,
    Column("id", Id, primary_key=True),
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
    Column("id", Id, primary_key=True),
    Column("tube_id", Id, ForeignKey("tube.id"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("journal_id", Id),
    Column("at", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Index("tube_event_order", "tube_id", "seq", unique=True),
)

observed = Table(
    "observed",
    metadata,
    Column("at", BigInteger, primary_key=True, autoincrement=False),  # epoch seconds of the observation
    Column("fingerprint", BigInteger, primary_key=True, autoincrement=False),  # of analyzer, code, aspect and value
    Column("tube_id", Id, nullable=False),
    sqlite_with_rowid=False,
)
"""Finds the same analyzer, test, time and value under a second specimen id. Ordered by time, so that inserts stay local."""

observed_tail = Table(
    "observed_tail",
    metadata,
    Column("id", Id, primary_key=True),
    Column("tube_id", Id, nullable=False),
    Column("drawn", BigInteger, nullable=False),  # by its writer, who knows the row by it
    Column("before", BigInteger),  # what was drawn for the row before
    Column("content", LargeBinary, nullable=False),  # msgpack: fingerprints by second
)
"""What a few messages add to ``observed``, one row for each, until it is brought over together."""
