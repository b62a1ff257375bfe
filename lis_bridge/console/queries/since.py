"""Where a moment stands in a table whose numbers grow with time: found by halving, so that no index on the time is needed."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from sqlalchemy import Column, Connection, Table, func, select


def first_since(tx: Connection, table: Table, column: Column[str], moment: datetime) -> int:
    """The smallest id from which rows are of ``moment`` or later; one more than the last id where none is."""
    wanted = moment.astimezone(UTC).isoformat(timespec="microseconds")
    # One at a time: SQLite answers a smallest and a largest together by reading all.
    low, high = (int(tx.execute(select(end(table.c.id))).scalar_one() or 0) for end in (func.min, func.max))
    high += 1
    while low < high:
        middle = (low + high) // 2
        row = tx.execute(select(table.c.id, column).where(table.c.id >= middle).order_by(table.c.id).limit(1)).first()
        if row is None or row[1] >= wanted:
            high = middle
        else:
            low = int(row[0]) + 1
    return low


def midnight(now: datetime) -> datetime:
    """The start of the day of ``now``, which is in the laboratory's zone."""
    return datetime.combine(now.date(), time(), now.tzinfo)


def hours_ago(now: datetime, hours: int) -> datetime:
    """So many hours before."""
    return now - timedelta(hours=hours)
