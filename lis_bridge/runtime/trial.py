"""What a replay would do with the chosen entries, and nothing of it done: entry by entry, and which reported results would be read differently.

A service beside it waits for the database meanwhile; that is why a trial ends after ``LOCK_SECONDS`` and names what it has not looked at.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec
from sqlalchemy import Connection

from lis_bridge import journal
from lis_bridge.core.clock import SystemClock
from lis_bridge.core.results import Observation
from lis_bridge.runtime.attempts import Attempt, Attempts, Filing, Reported, undone
from lis_bridge.runtime.plans import compiled
from lis_bridge.runtime.work import process_of
from lis_bridge.settings import Config
from lis_bridge.storage import Store
from lis_bridge.tubes.events import Outcome

LOCK_SECONDS = 3.0
"""Well below what an analyzer waits for a reply, and the writer of a service for the lock (ten)."""

_REPLACING = frozenset({Outcome.REPLACE, Outcome.CORRECT})


class Said(msgspec.Struct, frozen=True):
    """What the LIS knows, or would hear, of one measurement."""

    test: str | None
    value: str | None
    comparator: str
    unit: str | None
    ucum: str | None
    factor: str | None = None


class Change(msgspec.Struct, frozen=True):
    """A reported result that the replay reads differently; ``delivered``: a LIS may have seen it. ``outcome`` is what would become of it."""

    entry: int
    tube: str
    analyzer: str
    code: str
    delivered: bool
    outcome: str
    before: Said
    after: Said


class Looked(msgspec.Struct, frozen=True):
    """One entry: what it would be (done, quarantined or failed), and how many of its rows would have which outcome."""

    entry: int
    analyzer: str
    state: str
    reason: str | None
    tubes: tuple[str, ...]
    outcomes: dict[str, int]
    owed: int


class Trial(msgspec.Struct, frozen=True):
    """What would happen; ``rest`` are entries that were not looked at for want of time."""

    entries: tuple[Looked, ...]
    changes: tuple[Change, ...]
    rest: tuple[int, ...]

    @property
    def harmless(self) -> bool:
        """True when every entry was read and nothing that a LIS may have seen would be read differently."""
        failed = any(looked.state == "failed" for looked in self.entries)
        return not (failed or self.rest or any(change.delivered for change in self.changes))


def trial(config: Config, store: Store, entries: Sequence[int], seconds: float = LOCK_SECONDS) -> Trial:
    """Replay the entries and undo it; at least one is looked at. Raises BridgeError where an entry is not there or waits already."""
    attempts = Attempts(process_of(config, compiled(config), SystemClock()))
    looked: list[Looked] = []
    changes: list[Change] = []
    until = time.monotonic() + seconds
    with undone(store) as tx:
        for id in entries:
            one, found = _look(tx, attempts, id)
            looked.append(one)
            changes += found
            if time.monotonic() > until:
                break
    return Trial(tuple(looked), tuple(changes), tuple(entries[len(looked) :]))


def _look(tx: Connection, attempts: Attempts, id: int) -> tuple[Looked, list[Change]]:
    journal.reopen(tx, id)
    entry = journal.get(tx, id)
    assert entry is not None
    attempt = attempts.take(tx, entry)
    return _looked(id, entry.analyzer, attempt), [change for filing in attempt.filings for change in _changes(id, filing)]


def _looked(id: int, analyzer: str, attempt: Attempt) -> Looked:
    if attempt.processed is None:
        return Looked(id, analyzer, "failed", attempt.failure, (), {}, 0)
    reason = attempt.processed.quarantined
    receipts = [filing.receipt for filing in attempt.filings]
    counts = Counter(str(outcome) for receipt in receipts for outcome in receipt.outcomes)
    tubes = tuple(dict.fromkeys(receipt.key for receipt in receipts if receipt.key))
    owed = sum(len(receipt.reports) for receipt in receipts)
    return Looked(id, analyzer, "quarantined" if reason else "done", reason, tubes, dict(counts), owed)


def _changes(id: int, filing: Filing) -> Iterator[Change]:
    message, context, receipt, befores = filing
    for row, outcome, before in zip(message.observations, receipt.outcomes, befores, strict=True):
        if before is not None and _differs(before, row, outcome):
            said = (_said(before.row), _said(row))
            yield Change(id, receipt.key, context.analyzer, row.key, before.delivered, str(outcome), *said)


def _differs(before: Reported, row: Observation, outcome: Outcome) -> bool:
    """True where the row takes the reported one's place, or reads it differently."""
    return (outcome in _REPLACING or (before.own and row.value is not None)) and _said(before.row) != _said(row)


def _said(row: Observation) -> Said:
    return Said(row.test, row.value, row.comparator, row.unit, row.ucum, row.factor)
