"""The audit log page by page, and the check of its whole chain while somebody watches."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, datetime, tzinfo

import msgspec
from sqlalchemy import Connection

from lis_bridge import audit
from lis_bridge.console.queries.paging import Page, page_of
from lis_bridge.console.queries.period import span
from lis_bridge.storage.schema.audit import audit as table


class Wanted(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the list is narrowed to; ``subject`` as it is written (``tube 2026…``), days in the laboratory's zone."""

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    since: date | None = None
    until: date | None = None


def entries(tx: Connection, wanted: Wanted, zone: tzinfo, *, before: int | None = None, limit: int) -> Page[audit.Line]:
    """The newest first."""
    first, end = span(tx, table, table.c.at, wanted.since, wanted.until, before, zone)
    found = audit.lines(
        tx, actor=wanted.actor, action=wanted.action, subject=wanted.subject, since=first, before=end, limit=limit + 1
    )
    return page_of(found, limit, lambda line: line.id)


class Verification:
    """One check of the chain, begun ``at`` and up to the entry ``total``; it is run in a thread, and ``seen`` says how far it is."""

    def __init__(self, at: datetime, total: int) -> None:
        self.at = at
        self.total = total
        self.seen = 0
        self.found: audit.Head | audit.Broken | None = None

    def run(self, read: Callable[[], AbstractContextManager[Connection]]) -> None:
        """Follow the chain, each page in a snapshot of its own: the log only grows."""

        def page(last: int) -> list[audit.Line]:
            with read() as tx:
                found = audit.after(tx, last)
            self.seen = last + len(found)
            return found

        self.found = audit.follow(audit.all_of(page))

    @property
    def percent(self) -> int:
        """How far it is."""
        return min(100, 100 * self.seen // self.total) if self.total else 100
