"""What a replay would do: the service's own process step over the chosen entries, in a transaction that is then undone.

So it is true by construction: the same decoding, tubes and outbox. The database is locked meanwhile, and a service beside it cannot
acknowledge; that is why a trial ends after ``LOCK_SECONDS`` and names what it has not looked at.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from lis_bridge import journal
from lis_bridge.core.clock import SystemClock
from lis_bridge.core.faults import StorageError
from lis_bridge.core.results import Message, Observation
from lis_bridge.pipeline.process import Process
from lis_bridge.runtime.logs import place_of
from lis_bridge.runtime.plans import compiled
from lis_bridge.runtime.work import process_of
from lis_bridge.settings import Config
from lis_bridge.storage import Store
from lis_bridge.tubes.assembly import Context
from lis_bridge.tubes.events import Outcome, Slot
from lis_bridge.tubes.judging import current_of, is_delivered
from lis_bridge.tubes.keys import Key
from lis_bridge.tubes.prepared import Prepared
from lis_bridge.tubes.runs import source_of, token_of
from lis_bridge.tubes.state import TubeState
from lis_bridge.tubes.store import Arrival, Receipt, Tubes

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


class _Undo(Exception):  # noqa: N818
    """Ends a transaction that must leave nothing."""


@contextmanager
def undone(store: Store) -> Iterator[Connection]:
    """A transaction that leaves nothing; it locks the database while it lasts."""
    with suppress(_Undo), store.write() as tx:
        yield tx
        raise _Undo


class _Known(NamedTuple):
    """What was reported of a row's measurement before the message was filed."""

    row: Observation
    own: bool
    delivered: bool


class _Watched(Tubes):
    """Tubes that note what would become of each message."""

    def __init__(self) -> None:
        super().__init__()
        self.receipts: list[Receipt] = []
        self.changes: list[Change] = []

    def file(
        self, tx: Connection, message: Message, key: Key, context: Context, arrival: Arrival, prepared: Prepared | None = None
    ) -> Receipt:
        known = self._known(tx, message, key, context, arrival)
        receipt = super().file(tx, message, key, context, arrival, prepared)
        self.receipts.append(receipt)
        for row, outcome, before in zip(message.observations, receipt.outcomes, known, strict=True):
            if before is not None and _differs(before, row, outcome):
                said = (_said(before.row), _said(row))
                place = (arrival.journal_id, receipt.key, context.analyzer, row.key)
                self.changes.append(Change(*place, before.delivered, str(outcome), *said))
        return receipt

    def _known(self, tx: Connection, message: Message, key: Key, context: Context, arrival: Arrival) -> Sequence[_Known | None]:
        """For each row, before anything is filed."""
        if key.doubt is not None or not message.closed or not message.observations:
            return [None] * len(message.observations)
        state = self.open(tx, key, arrival.at)
        source = source_of(message, context.analyzer)
        return [_reported(state, (source, row.key, row.aspect), row) for row in message.observations]


def trial(config: Config, store: Store, entries: Sequence[int], seconds: float = LOCK_SECONDS) -> Trial:
    """Replay the entries and undo it; at least one is looked at. Raises BridgeError where an entry is not there or waits already."""
    process = process_of(config, compiled(config), SystemClock())
    watched = process.tubes = _Watched()
    looked: list[Looked] = []
    until = time.monotonic() + seconds
    with undone(store) as tx:
        for id in entries:
            looked.append(_look(tx, process, watched, id))
            if time.monotonic() > until:
                break
    return Trial(tuple(looked), tuple(watched.changes), tuple(entries[len(looked) :]))


def _look(tx: Connection, process: Process, watched: _Watched, id: int) -> Looked:
    journal.reopen(tx, id)
    entry = journal.get(tx, id)
    assert entry is not None
    watched.receipts.clear()
    changes = len(watched.changes)
    try:
        with tx.begin_nested():
            reason = process(tx, entry).quarantined
    except StorageError:
        raise
    except Exception as error:  # the service would put such an entry aside, and go on
        del watched.changes[changes:]
        return Looked(id, entry.analyzer, "failed", f"{type(error).__name__} at {place_of(error)}", (), {}, 0)
    receipts = watched.receipts
    counts = Counter(str(outcome) for receipt in receipts for outcome in receipt.outcomes)
    tubes = tuple(dict.fromkeys(receipt.key for receipt in receipts if receipt.key))
    owed = sum(len(receipt.reports) for receipt in receipts)
    return Looked(id, entry.analyzer, "quarantined" if reason else "done", reason, tubes, dict(counts), owed)


def _reported(state: TubeState, slot: Slot, row: Observation) -> _Known | None:
    """What the LIS is told of the row's measurement, else of its test; ``own`` where it is this very run."""
    run = current_of(state, slot, row.test)
    if run is None:
        return None
    own = any(one is run for one in state.slots.get(slot, ())) and run.token == token_of(row)
    return _Known(run.row, own, is_delivered(state, slot, run))


def _differs(before: _Known, row: Observation, outcome: Outcome) -> bool:
    """True where the row takes the reported one's place, or reads it differently."""
    return (outcome in _REPLACING or (before.own and row.value is not None)) and _said(before.row) != _said(row)


def _said(row: Observation) -> Said:
    return Said(row.test, row.value, row.comparator, row.unit, row.ucum, row.factor)
