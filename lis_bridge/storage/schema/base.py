"""What every table is made with: the one ``metadata`` that they stand in, and the type of their ids."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, MetaData

metadata = MetaData()

# SQLite makes only INTEGER PRIMARY KEY an alias of the rowid.
Id = BigInteger().with_variant(Integer, "sqlite")
