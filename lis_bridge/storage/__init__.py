"""The engine, its one schema, transactions and the thread that writes.

SQLite embedded (WAL, synchronous=FULL), or PostgreSQL when several nodes share the data. In both, one writer at a time.
"""

from lis_bridge.storage.statements import Statement, unindexed
from lis_bridge.storage.store import Store
from lis_bridge.storage.writer import Writer

__all__ = ["Statement", "Store", "Writer", "unindexed"]
