"""What waits, in numbers: they stand at the rail of every page, and the first of them at the locked door."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, func, literal_column, select

from lis_bridge.console.queries.work import open_criticals
from lis_bridge.storage.schema.critical_values import critical
from lis_bridge.storage.schema.deliveries import delivery
from lis_bridge.storage.schema.holds import hold
from lis_bridge.storage.schema.journal import journal


class Waiting(msgspec.Struct, frozen=True):
    """``raised`` is the number of the last critical value that ever came: another one is news."""

    criticals: int
    raised: int
    quarantine: int
    dead: int


def waiting(tx: Connection) -> Waiting:
    """Open critical values, holds and messages in quarantine, deliveries that the LIS does not take."""
    held = select(func.count()).select_from(hold).where(hold.c.state == literal_column("'open'"))
    unread = select(func.count()).select_from(journal).where(journal.c.state == literal_column("'quarantined'"))
    dead = select(func.count()).select_from(delivery).where(delivery.c.state == literal_column("'dead'"))
    counts = [int(tx.execute(query).scalar_one()) for query in (held, unread, dead)]
    return Waiting(open_criticals(tx), raised(tx), counts[0] + counts[1], counts[2])


def raised(tx: Connection) -> int:
    """The number of the last critical value that ever came; 0 before the first."""
    return int(tx.execute(select(func.max(critical.c.id))).scalar() or 0)
