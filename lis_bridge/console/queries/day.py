"""The analyzers' messages of today in ten-minute bins, carried on from the last look, so that a look costs what came since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from threading import Lock

from sqlalchemy import Connection, select

from lis_bridge.console.queries.since import first_since, hours_ago, midnight
from lis_bridge.storage.schema.journal import journal

BIN_SECONDS = 600
BARS = 12
"""Two hours."""
_HOURS = 2


class Day:
    """Counts of one site; may be asked from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._last = 0
        self._day: datetime | None = None
        self._bins: Counter[tuple[str, int]] = Counter()
        self._today: Counter[str] = Counter()

    def look(self, tx: Connection, now: datetime) -> None:
        """Count what came since the last look; ``now`` is in the laboratory's zone."""
        with self._lock:
            day = midnight(now)
            if self._day != day:
                self._begin(tx, now, day)
            query = select(journal.c.id, journal.c.analyzer, journal.c.received_at).where(journal.c.id > self._last)
            for id, analyzer, received_at in tx.execute(query.order_by(journal.c.id)):
                self._last = id
                at = datetime.fromisoformat(received_at)
                self._bins[analyzer, _bin(at)] += 1
                self._today[analyzer] += at >= day

    def today(self, analyzer: str) -> int:
        """Messages since midnight."""
        return self._today[analyzer]

    def bars(self, analyzer: str, now: datetime) -> Sequence[int]:
        """Messages in each ten minutes of the last two hours, the oldest first."""
        last = _bin(now)
        return [self._bins[analyzer, number] for number in range(last - BARS + 1, last + 1)]

    def _begin(self, tx: Connection, now: datetime, day: datetime) -> None:
        self._day = day
        self._bins.clear()
        self._today.clear()
        self._last = first_since(tx, journal, journal.c.received_at, min(day, hours_ago(now, _HOURS))) - 1


def _bin(at: datetime) -> int:
    return int(at.timestamp()) // BIN_SECONDS
