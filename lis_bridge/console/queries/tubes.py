"""Finding tubes: by what was typed or scanned, by day, analyzer and state; newest first, at the same cost in any size of database.

What was typed is looked for at the beginning of specimen id, patient's name and patient's id, over all tubes, by their indices. Where that finds
nothing, and for what no index answers (a part of a name, an analyzer, what went well), a page looks through the next ``LOOK`` tubes and says how far it came:
``Page.before`` then stands there, however few rows the page has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, literal_column, or_, select, union

from lis_bridge.console.queries.paging import ROWS, Page
from lis_bridge.console.queries.recent import COLUMNS, Row, rows_of
from lis_bridge.console.queries.since import first_since
from lis_bridge.storage import unindexed
from lis_bridge.storage.schema.critical_values import critical
from lis_bridge.storage.schema.deliveries import delivery
from lis_bridge.storage.schema.holds import hold
from lis_bridge.storage.schema.journal import journal
from lis_bridge.storage.schema.tubes import tube, tube_event

LOOK = 10_000
"""Tubes that one page looks through without an index: some days of a busy laboratory."""
COMMON = 100_000
"""What so many tubes begin with (a year) narrows nothing: the newest tubes are looked through instead."""

Wanted = Literal["", "held", "critical", "refused", "waiting", "delivered", "measuring", "dismissed"]
UNEVENTFUL: tuple[Wanted, ...] = ("delivered", "measuring")
"""States of nearly all tubes, or of none: no index leads to them."""

_t = tube.c
_BEGIN = (_t.specimen, _t.patient_name, _t.patient_id)
_HOLD = (_t.key, _t.specimen, _t.patient_name, _t.patient_id)


@dataclass(frozen=True, slots=True)
class Filters:
    """What is looked for; days are the laboratory's, ``until`` included. ``inside``: anywhere in the texts, not at their beginning."""

    text: str = ""
    analyzer: str = ""
    state: Wanted = ""
    since: datetime | None = None
    until: datetime | None = None
    inside: bool = False


@dataclass(frozen=True, slots=True)
class Looked:
    """A page, and whether ``text`` was looked for inside the texts, tube by tube."""

    page: Page[Row]
    inside: bool


def exact(tx: Connection, text: str) -> str | None:
    """The key that a scanner's input names: a tube's key, or the specimen id of a single tube."""
    query = select(_t.key).where(or_(_t.key == text, _t.specimen == text)).order_by((_t.key == text).desc()).limit(2)
    found = [row.key for row in tx.execute(query)]
    return found[0] if len(found) == 1 or text in found[:1] else None


def find(tx: Connection, filters: Filters, before: int | None = None, limit: int = ROWS) -> Looked:
    """A page of the tubes looked for; ``before`` is the last page's."""
    bounds = _bounds(tx, filters, before)
    if filters.text and not (filters.inside or _is_walked(filters)) and not _is_common(tx, filters.text):
        found = _beginning(tx, filters, bounds, limit)
        if found.rows or before is not None:
            return Looked(found, False)
    return Looked(_looked_through(tx, filters, bounds, limit), bool(filters.text))


def _bounds(tx: Connection, filters: Filters, before: int | None) -> tuple[int, int]:
    """The ids from which and up to which tubes are wanted; ids grow with time."""
    low = first_since(tx, tube, _t.created_at, filters.since) if filters.since else 1
    high = int(tx.execute(select(func.max(_t.id))).scalar_one() or 0)
    if filters.until:
        high = min(high, first_since(tx, tube, _t.created_at, filters.until + timedelta(days=1)) - 1)
    return low, high if before is None else min(high, before - 1)


def _is_walked(filters: Filters) -> bool:
    """Whether each tube must be looked at."""
    return bool(filters.analyzer) or filters.state in UNEVENTFUL


def _is_common(tx: Connection, text: str) -> bool:
    counts = (
        select(func.count()).select_from(select(_t.id).where(_begins(tx, column, text)).limit(COMMON).subquery())
        for column in _BEGIN
    )
    return any(int(tx.execute(count).scalar_one()) == COMMON for count in counts)


def _beginning(tx: Connection, filters: Filters, bounds: tuple[int, int], limit: int) -> Page[Row]:
    """One look at each index, at most a page of each; the newest of all of them."""
    low, high = bounds
    id = _t.id + 0  # hides the primary key: no planner may walk it from its end until enough texts begin so
    parts = [
        select(
            select(_t.id)
            .where(_begins(tx, column, filters.text), id.between(low, high), *_in_state(filters.state))
            .order_by(id.desc())
            .limit(limit + 1)
            .subquery()
        )
        for column in _BEGIN
    ]
    ids = sorted((row[0] for row in tx.execute(union(*parts))), reverse=True)[: limit + 1]
    return _page(tx, select(*COLUMNS).where(_t.id.in_(ids)), limit, None)


def _looked_through(tx: Connection, filters: Filters, bounds: tuple[int, int], limit: int) -> Page[Row]:
    low, high = bounds
    wanted: list[ColumnElement[bool]] = list(_in_state(filters.state))
    if filters.text:
        wanted.append(or_(*(column.icontains(filters.text, autoescape=True) for column in _HOLD)))
    if filters.analyzer:
        wanted.append(_measured_by(filters.analyzer))
    least = max(low, high - LOOK + 1) if filters.text or _is_walked(filters) else low
    query = select(*COLUMNS).where(_t.id.between(least, high), *wanted)
    return _page(tx, query, limit, least if least > low else None)


def _page(tx: Connection, query: Select[Any], limit: int, onwards: int | None) -> Page[Row]:
    """``onwards``: where the next page begins when this one shows all that was found."""
    found: Sequence[Any] = tx.execute(query.order_by(_t.id.desc()).limit(limit + 1)).all()
    rows = rows_of(tx, found[:limit])
    return Page(rows, rows[-1].id if len(found) > limit else onwards)


def _begins(tx: Connection, column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Such that the index of the column is used: SQLite's LIKE ignores case and therefore does without."""
    if tx.dialect.name == "sqlite":
        return and_(column >= text, column < text + "\U0010ffff")
    return column.startswith(text, autoescape=True)


def _in_state(state: Wanted) -> tuple[ColumnElement[bool], ...]:
    """Each but the uneventful ones is a small set that an index of its own holds."""
    if state == "held":
        return (_t.id.in_(select(hold.c.tube_id).where(hold.c.state == literal_column("'open'"), hold.c.tube_id.is_not(None))),)
    if state == "critical":
        return (_t.id.in_(select(critical.c.tube_id).where(critical.c.state == literal_column("'open'"))),)
    if state == "delivered":
        return (_t.held == 0, _has_delivery("delivered"), ~_has_delivery("dead", "open", "pending"))
    if state == "measuring":
        return (_t.held == 0, ~exists(select(delivery.c.id).where(delivery.c.tube_id == _t.id)))
    if state == "dismissed":
        given_up = select(delivery.c.tube_id).where(delivery.c.state == literal_column("'dismissed'"))
        return (_t.held == 0, _t.id.in_(given_up), ~_has_delivery("dead", "open", "pending", "delivered"))
    if state:
        states = ("dead",) if state == "refused" else ("open", "pending")
        return (_t.id.in_(select(delivery.c.tube_id).where(delivery.c.state.in_(states))),)
    return ()


def _has_delivery(*states: str) -> ColumnElement[bool]:
    """As ``recent.state_of`` asks of each tube."""
    return exists(select(delivery.c.id).where(delivery.c.tube_id == _t.id, unindexed(delivery.c.state).in_(states)))


def _measured_by(analyzer: str) -> ColumnElement[bool]:
    events = select(tube_event.c.id).join(journal, journal.c.id == tube_event.c.journal_id)
    return exists(events.where(tube_event.c.tube_id == _t.id, journal.c.analyzer == analyzer))
