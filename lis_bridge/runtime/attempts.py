"""Entries that are processed by the service's own step in a transaction that is then undone: what a replay's trial and a mapping's preview share.

So what they tell is true by construction: the same decoding, tubes and outbox. The database is locked meanwhile, and a service beside it cannot
acknowledge; both end after a time of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from sqlalchemy import Connection

from lis_bridge.core.faults import StorageError
from lis_bridge.core.results import Message, Observation
from lis_bridge.journal import Filed
from lis_bridge.pipeline.process import Process, Processed, Reading
from lis_bridge.runtime.logs import place_of
from lis_bridge.storage import Store
from lis_bridge.tubes.assembly import Context
from lis_bridge.tubes.events import Slot
from lis_bridge.tubes.judging import current_of, is_delivered
from lis_bridge.tubes.keys import Key
from lis_bridge.tubes.prepared import Prepared
from lis_bridge.tubes.runs import source_of, token_of
from lis_bridge.tubes.state import TubeState
from lis_bridge.tubes.store import Arrival, Receipt, Tubes


class _Undo(Exception):  # noqa: N818
    """Ends a transaction that must leave nothing."""


@contextmanager
def undone(store: Store) -> Iterator[Connection]:
    """A transaction that leaves nothing; it locks the database while it lasts."""
    with suppress(_Undo), store.write() as tx:
        yield tx
        raise _Undo


class Reported(NamedTuple):
    """What the LIS is told of a row's measurement, else of its test; ``own`` where it is this very run, ``delivered`` where a LIS may have seen it."""

    row: Observation
    own: bool
    delivered: bool


class Filing(NamedTuple):
    """A message as it was filed; ``before`` says of each row what was reported until then."""

    message: Message
    context: Context
    receipt: Receipt
    before: Sequence[Reported | None]


class Attempt(NamedTuple):
    """What became of an entry. Of one that raised, ``failure`` says what and where, and there is nothing else."""

    processed: Processed | None
    filings: Sequence[Filing] = ()
    failure: str = ""


class Attempts:
    """Entries that are processed one after the other in one transaction; each sees what those before it have filed."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.tubes = process.tubes = _Watched()

    def take(self, tx: Connection, entry: Filed, reading: Reading | None = None) -> Attempt:
        """Process a pending entry; one that raises leaves nothing, as where the service puts it aside. Raises StorageError."""
        filings = self.tubes.filings = []
        try:
            with tx.begin_nested():
                return Attempt(self._process(tx, entry, reading), filings)
        except StorageError:
            raise
        except Exception as error:
            return Attempt(None, failure=failure_of(error))


def failure_of(error: Exception) -> str:
    """What is said of an entry that raised: what, and where; never a value."""
    return f"{type(error).__name__} at {place_of(error)}"


class _Watched(Tubes):
    """Tubes that note how each message was filed."""

    def __init__(self) -> None:
        super().__init__()
        self.filings: list[Filing] = []

    def file(
        self, tx: Connection, message: Message, key: Key, context: Context, arrival: Arrival, prepared: Prepared | None = None
    ) -> Receipt:
        before = self._before(tx, message, key, context, arrival)
        receipt = super().file(tx, message, key, context, arrival, prepared)
        self.filings.append(Filing(message, context, receipt, before))
        return receipt

    def file_rest(self, tx: Connection, state: TubeState, message: Message, context: Context, arrival: Arrival) -> Receipt:
        before = _reported_of(state, message, context)
        receipt = super().file_rest(tx, state, message, context, arrival)
        self.filings.append(Filing(message, context, receipt, before))
        return receipt

    def _before(
        self, tx: Connection, message: Message, key: Key, context: Context, arrival: Arrival
    ) -> Sequence[Reported | None]:
        if key.doubt is not None or not message.closed or not message.observations:
            return [None] * len(message.observations)
        return _reported_of(self.open(tx, key, arrival.at), message, context)


def _reported_of(state: TubeState, message: Message, context: Context) -> Sequence[Reported | None]:
    source = source_of(message, context.analyzer)
    return [_reported(state, (source, row.key, row.aspect), row) for row in message.observations]


def _reported(state: TubeState, slot: Slot, row: Observation) -> Reported | None:
    run = current_of(state, slot, row.test)
    if run is None:
        return None
    own = any(one is run for one in state.slots.get(slot, ())) and run.token == token_of(row)
    return Reported(run.row, own, is_delivered(state, slot, run))
