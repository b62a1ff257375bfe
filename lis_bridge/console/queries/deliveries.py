"""What is owed to the LIS and what became of it, page by page."""

from __future__ import annotations

from datetime import date, tzinfo

import msgspec
from sqlalchemy import Connection

from lis_bridge import outbox
from lis_bridge.console.queries.paging import Page, page_of
from lis_bridge.console.queries.period import span
from lis_bridge.outbox import Line, State
from lis_bridge.storage.schema.deliveries import delivery
from lis_bridge.tubes import views


class Wanted(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a list is narrowed to; ``tube`` is a key or a specimen id, ``since`` and ``until`` are days in the laboratory's zone."""

    state: State | None = None
    destination: str | None = None
    tube: str | None = None
    since: date | None = None
    until: date | None = None


def deliveries(tx: Connection, wanted: Wanted, zone: tzinfo, *, before: int | None = None, limit: int) -> Page[Line]:
    """The newest first."""
    tube_id = views.find(tx, wanted.tube) if wanted.tube else None
    if wanted.tube and tube_id is None:
        return Page(())
    first, end = span(tx, delivery, delivery.c.created_at, wanted.since, wanted.until, before, zone)
    found = outbox.lines(
        tx, destination=wanted.destination, state=wanted.state, tube_id=tube_id, since=first, before=end, limit=limit + 1
    )
    return page_of(found, limit, lambda line: line.id)
