"""Message control ids (MSH-10): this database's prefix and the delivery's number, at most 20 characters (HL7 v2.5.1 2.14.9.10).

Numbers are counted in ``instance`` and not taken from the table, so that none comes again when old deliveries are removed: a LIS
that knows the id would drop the new message.
"""

from __future__ import annotations

import secrets

from sqlalchemy import BigInteger, Connection, Text, bindparam, cast, insert, select, update

from lis_bridge.storage import Statement
from lis_bridge.storage.schema.database import instance

_PREFIX, _LAST = "prefix", "last_delivery"

_VALUE = Statement(select(instance.c.value).where(instance.c.name == bindparam("of")))
_INSERT = Statement(insert(instance).values(name=bindparam("name"), value=bindparam("value")))
_drawn = instance.alias("drawn")
_NEXT = Statement(
    update(instance)
    .where(instance.c.name == bindparam("of"))
    .values(value=cast(cast(instance.c.value, BigInteger) + 1, Text))
    .returning(instance.c.value, select(_drawn.c.value).where(_drawn.c.name == bindparam("prefix")).scalar_subquery())
)


def next_number(tx: Connection) -> tuple[int, str]:
    """The next delivery's id and control id."""
    row = _NEXT.one(tx, of=_LAST, prefix=_PREFIX)
    if row is None:
        _INSERT.run(tx, name=_LAST, value="1")
        row = ("1", None)
    number = int(row[0])
    return number, f"{row[1] or _prefix(tx)}-{number:010d}"


def _prefix(tx: Connection) -> str:
    row = _VALUE.one(tx, of=_PREFIX)
    if row is not None:
        return str(row[0])
    drawn = secrets.token_hex(4).upper()
    _INSERT.run(tx, name=_PREFIX, value=drawn)
    return drawn
