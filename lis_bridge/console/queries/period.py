"""From one day to another, as a person names them, in numbers of a table that grows with time."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo

from sqlalchemy import Column, Connection, Table

from lis_bridge.console.queries.since import first_since


def span(
    tx: Connection, table: Table, column: Column[str], since: date | None, until: date | None, before: int | None, zone: tzinfo
) -> tuple[int | None, int | None]:
    """The first id of the days, and the id that a page must stay below; ``until`` is the last day, ``before`` the page's own bound."""
    first = first_since(tx, table, column, _starts(since, zone)) if since else None
    if until is None:
        return first, before
    end = first_since(tx, table, column, _starts(until + timedelta(days=1), zone))
    return first, end if before is None else min(end, before)


def _starts(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone)
