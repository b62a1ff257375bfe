"""The tables, one schema for SQLite and PostgreSQL; each subject has a module, which is where its tables are imported from.

Two of them are the promises of the bridge: ``journal`` (what came in, byte for byte) and ``delivery`` (what is owed to whom).
Results are stored as one compact set per message (``tube_event.content``, msgpack, packed) beside a narrow identity index
(``observed``), so that a year of 160 million results stays within the disk of a small server and a tube's cost does not grow
with the database. What changes its state is narrow: long bytes that never change stand in a table beside it (``journal_raw``,
``delivery_message``), for a database writes a changed row anew with all that is in it.

``metadata`` is whole wherever it comes from: whoever imports one subject has imported this package, and so all of them.
"""

from lis_bridge.storage.schema import (
    accounts,
    attachments,
    audit,
    controls,
    critical_values,
    database,
    deliveries,
    holds,
    journal,
    mappings,
    tubes,
)
from lis_bridge.storage.schema.base import metadata

__all__ = [
    "accounts",
    "attachments",
    "audit",
    "controls",
    "critical_values",
    "database",
    "deliveries",
    "holds",
    "journal",
    "mappings",
    "metadata",
    "tubes",
]
