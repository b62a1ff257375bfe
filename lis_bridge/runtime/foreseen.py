"""What a mapping would do with what waits for it, before it is made: the service's own process step in a transaction that is then undone.

The messages are read by the plan that would be in force before the database is locked; the lock lasts ``LOCK_SECONDS`` at most, and an entry.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal

import msgspec
from sqlalchemy import Connection

from lis_bridge import journal
from lis_bridge.core.clock import Clock
from lis_bridge.core.results import Message, Observation
from lis_bridge.journal import Filed
from lis_bridge.pipeline.process import Process, Reading
from lis_bridge.runtime.plans import Compiled, plan_of
from lis_bridge.runtime.trial import undone
from lis_bridge.runtime.work import process_of
from lis_bridge.settings import Config
from lis_bridge.storage import Store
from lis_bridge.tubes.assembly import Context
from lis_bridge.tubes.events import Outcome
from lis_bridge.tubes.judging import twin_of
from lis_bridge.tubes.keys import Key
from lis_bridge.tubes.prepared import Prepared
from lis_bridge.tubes.runs import source_of, token_of
from lis_bridge.tubes.state import HELD, TubeState
from lis_bridge.tubes.store import Arrival, Receipt, Tubes

LOCK_SECONDS = 0.2
"""A service cannot acknowledge meanwhile; no analyzer notices so little."""
AT_MOST = 20
"""Entries that are looked at, the ones that wait longest."""

Fate = Literal["goes", "held", "kept"]
_UNCHANGED = frozenset({Outcome.REPEAT, Outcome.INFO, Outcome.NO_RESULT, Outcome.EVIDENCE})


class Row(msgspec.Struct, frozen=True):
    """One result: it would go to the LIS, still be held (``reason`` says why), or be kept as history or as delivered before, and not be sent."""

    tube: str
    sex: str
    observation: Observation
    fate: Fate
    reason: str = ""


class Foreseen(msgspec.Struct, frozen=True):
    """What would become of the first ``looked`` of ``waiting`` entries; ``unread`` of them could not be understood at all."""

    rows: Sequence[Row]
    looked: int
    waiting: int
    unread: int


class _Watched(Tubes):
    """Tubes that note what would become of the rows of a code, and of every row that the mapping changes."""

    def __init__(self, code: str) -> None:
        super().__init__()
        self._code = code
        self.rows: list[Row] = []

    def file(
        self, tx: Connection, message: Message, key: Key, context: Context, arrival: Arrival, prepared: Prepared | None = None
    ) -> Receipt:
        receipt = super().file(tx, message, key, context, arrival, prepared)
        if receipt.tube_id is not None:
            self._note(self.state(tx, receipt.tube_id), message, context, receipt)
        return receipt

    def _note(self, state: TubeState, message: Message, context: Context, receipt: Receipt) -> None:
        source = source_of(message, context.analyzer)
        sent = {(report.observation.key, report.observation.aspect, token_of(report.observation)) for report in receipt.reports}
        sex = (message.patient.sex or "") if message.patient else ""
        for row, outcome in zip(message.observations, receipt.outcomes, strict=True):
            if not row.is_result or (row.key != self._code and outcome in _UNCHANGED):
                continue
            run = twin_of(state.slots.get((source, row.key, row.aspect), ()), token_of(row), row)
            if run is not None and run.standing is HELD:
                self.rows.append(Row(receipt.key, sex, row, "held", str(state.holds[run.hold].reason)))
            else:
                goes = (row.key, row.aspect, token_of(row)) in sent
                self.rows.append(Row(receipt.key, sex, row, "goes" if goes else "kept"))


def foresee(
    config: Config, compiled: Compiled, store: Store, clock: Clock, analyzer: str, code: str, entries: Sequence[int]
) -> Foreseen:
    """What a replay of the entries would do if ``config`` were in force; ``code`` is the device's. Takes a while: for a thread of its own.

    Raises DriverError, StorageError, and UsageError where an entry is processed just now.
    """
    process = _process(config, compiled, clock, analyzer)
    watched = process.tubes = _Watched(code)
    chosen = entries[:AT_MOST]
    read = _read(store, process, chosen)
    looked, until = 0, time.monotonic() + LOCK_SECONDS
    with undone(store) as tx:
        for entry, reading in read:
            journal.reopen(tx, entry.id)
            process(tx, entry, reading)
            looked += 1
            if time.monotonic() > until:
                break
    unread = len(chosen) - len(read)
    return Foreseen(watched.rows, looked + unread, len(entries), unread)


def _process(config: Config, compiled: Compiled, clock: Clock, analyzer: str) -> Process:
    """The process step of one analyzer, with a plan of its own: those of the service are not for other threads."""
    own = config.model_copy(update={"analyzers": tuple(one for one in config.analyzers if one.id == analyzer)})
    plans = {one.id: plan_of(one, own, compiled) for one in own.analyzers}
    return process_of(own, Compiled(compiled.library, compiled.tests, plans), clock)


def _read(store: Store, process: Process, entries: Sequence[int]) -> list[tuple[Filed, Reading]]:
    """What can be understood of the entries; no lock is held meanwhile."""
    with store.read() as tx:
        found = [entry for id in entries if (entry := journal.get(tx, id)) is not None]
    readings = [(entry, process.read(entry)) for entry in found]
    return [(entry, reading) for entry, reading in readings if reading.refused is None]
