"""Which delivery goes next to one destination. This file knows order and time, never the database.

Two rules. A tube's deliveries go strictly in the order of their ids: only the first of a tube that is neither delivered nor
dismissed may be taken, and a dead one holds back what stands behind it. Among tubes STAT goes first, then the smaller id.

Every delivery is in one place of ``_entries``; the heaps hold offers that are checked when they come up, so that nothing is
ever searched: 100,000 waiting deliveries cost as much per message as ten.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Literal


@dataclass(slots=True)
class _Entry:
    tube: int
    stat: bool
    due: float
    state: Literal["waiting", "taken", "dead"] = "waiting"


class Agenda:
    """The deliveries owed to one destination; times are seconds of a clock that never runs backwards."""

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}
        self._tubes: dict[int, deque[int]] = {}
        self._later: list[tuple[float, int]] = []
        self._ready: list[tuple[bool, int]] = []

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, id: int) -> bool:
        return id in self._entries

    def add(self, id: int, tube: int, *, stat: bool = False, due: float = 0.0) -> None:
        """A delivery that is owed from now on."""
        self._insert(id, _Entry(tube, stat, due))
        self._offer(tube)

    def add_dead(self, id: int, tube: int) -> None:
        """A dead delivery: nothing behind it goes."""
        self._insert(id, _Entry(tube, False, 0.0, "dead"))

    def dead(self) -> list[int]:
        """The dead deliveries, which persons decide about."""
        return [id for id, entry in self._entries.items() if entry.state == "dead"]

    def take(self, now: float) -> int | None:
        """The delivery to send now, or None; it stays taken until it is settled one way or another."""
        while self._later and self._later[0][0] <= now:
            _, id = heappop(self._later)
            if id in self._entries:
                heappush(self._ready, (not self._entries[id].stat, id))
        while self._ready:
            _, id = heappop(self._ready)
            entry = self._entries.get(id)
            if entry and entry.state == "waiting" and entry.due <= now and self._tubes[entry.tube][0] == id:
                entry.state = "taken"
                return id
        return None

    def next_due(self) -> float | None:
        """When ``take`` may have something again, as far as waiting alone changes that."""
        if self._ready:
            return 0.0
        return self._later[0][0] if self._later else None

    def gone(self, id: int) -> None:
        """Delivered or dismissed: the next of its tube may go."""
        entry = self._entries.pop(id)
        queue = self._tubes[entry.tube]
        queue.remove(id)
        if queue:
            self._offer(entry.tube)
        else:
            del self._tubes[entry.tube]

    def died(self, id: int) -> None:
        """Dead: the tube waits for a person."""
        self._entries[id].state = "dead"

    def again(self, id: int, due: float = 0.0) -> None:
        """Owed again, from ``due`` on: not sent, not answered, to be retried, or resent by a person."""
        entry = self._entries[id]
        entry.state = "waiting"
        entry.due = due
        self._offer(entry.tube)

    def _insert(self, id: int, entry: _Entry) -> None:
        if id in self._entries:
            raise ValueError(f"delivery {id} is on the agenda already")
        self._entries[id] = entry
        queue = self._tubes.setdefault(entry.tube, deque())
        if queue and queue[-1] > id:
            insort(queue, id)
        else:
            queue.append(id)

    def _offer(self, tube: int) -> None:
        id = self._tubes[tube][0]
        entry = self._entries[id]
        if entry.state == "waiting":
            heappush(self._later, (entry.due, id))
