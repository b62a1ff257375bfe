"""Today in figures: tubes, results, how long from a tube's first result until the LIS had its last, and what waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, case, func, select

from lis_bridge.console.queries.since import first_since, midnight
from lis_bridge.storage.schema.deliveries import delivery
from lis_bridge.storage.schema.tubes import tube

HOURS = 24


class Figures(msgspec.Struct, frozen=True):
    """Since midnight; turnarounds in seconds, None before the first delivery. ``by_hour`` has one count for each hour so far."""

    tubes: int
    results: int
    median: float | None
    ninetieth: float | None
    waiting: int
    tubes_by_hour: Sequence[int]
    results_by_hour: Sequence[int]


def figures(tx: Connection, now: datetime) -> Figures:
    """The figures of the day of ``now``, which is in the laboratory's zone."""
    day = midnight(now)
    first = first_since(tx, tube, tube.c.created_at, day)
    tubes, results = _by_hour(tx, first, day, now)
    spans = sorted(_turnarounds(tx, first))
    return Figures(sum(tubes), sum(results), _at(spans, 0.5), _at(spans, 0.9), _waiting(tx), tubes, results)


def _waiting(tx: Connection) -> int:
    """Counted by state: what was delivered in all the years is not looked at."""
    return sum(
        int(tx.execute(select(func.count()).select_from(delivery).where(delivery.c.state == state)).scalar_one())
        for state in ("open", "pending")
    )


def _by_hour(tx: Connection, first: int, day: datetime, now: datetime) -> tuple[list[int], list[int]]:
    hours = int((now - day).total_seconds() // 3600) + 1
    tubes, results = [0] * hours, [0] * hours
    for created_at, count in tx.execute(select(tube.c.created_at, tube.c.results).where(tube.c.id >= first)):
        hour = int((datetime.fromisoformat(created_at) - day).total_seconds() // 3600)
        if 0 <= hour < hours:
            tubes[hour] += 1
            results[hour] += count
    return tubes, results


def _turnarounds(tx: Connection, first: int) -> list[float]:
    # The state is no condition of the query: SQLite would look through all that was ever delivered, for its index says so.
    taken = case((delivery.c.state == "delivered", delivery.c.settled_at))
    query = (
        select(tube.c.created_at, func.max(taken))
        .join(delivery, delivery.c.tube_id == tube.c.id)
        .where(tube.c.id >= first)
        .group_by(tube.c.id, tube.c.created_at)
    )
    return [
        (datetime.fromisoformat(last) - datetime.fromisoformat(created_at)).total_seconds()
        for created_at, last in tx.execute(query)
        if last is not None
    ]


def _at(ordered: Sequence[float], share: float) -> float | None:
    """The value below which this share of the others lies (nearest rank)."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None
