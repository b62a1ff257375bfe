"""What a mapping would do with what waits for it, before it is made, and nothing of it done.

The messages are read by the plan that would be in force before the database is locked; the lock lasts ``LOCK_SECONDS`` at most, and an entry.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec
import structlog

from lis_bridge import journal
from lis_bridge.core.clock import Clock
from lis_bridge.core.faults import StorageError
from lis_bridge.core.results import Observation
from lis_bridge.journal import Filed
from lis_bridge.pipeline.process import Process, Reading
from lis_bridge.runtime.attempts import Attempts, Filing, failure_of, undone
from lis_bridge.runtime.plans import Compiled, plan_of
from lis_bridge.runtime.work import process_of
from lis_bridge.settings import Config
from lis_bridge.storage import Store
from lis_bridge.tubes.events import Outcome
from lis_bridge.tubes.judging import twin_of
from lis_bridge.tubes.runs import source_of, token_of
from lis_bridge.tubes.state import HELD, TubeState

_log = structlog.get_logger(__name__)

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
    """What would become of the first ``looked`` of ``waiting`` entries: ``unread`` of them could not be understood at all, and ``failed``
    could not be tried, because reading or processing them raised.
    """

    rows: Sequence[Row]
    looked: int
    waiting: int
    unread: int
    failed: int


def foresee(
    config: Config, compiled: Compiled, store: Store, clock: Clock, analyzer: str, code: str, entries: Sequence[int]
) -> Foreseen:
    """What a replay of the entries would do if ``config`` were in force; ``code`` as the mapping says it. Takes a while: for a thread of its own.

    Raises DriverError, StorageError, and UsageError where an entry is processed just now.
    """
    process = _process(config, compiled, clock, analyzer)
    read, unread, failed = _understood(store, process, entries[:AT_MOST])
    rows, tried, raised = _tried(store, Attempts(process), read, code)
    return Foreseen(rows, unread + failed + tried, len(entries), unread, failed + raised)


def _process(config: Config, compiled: Compiled, clock: Clock, analyzer: str) -> Process:
    """The process step of one analyzer, with a plan of its own: those of the service are not for other threads."""
    own = config.model_copy(update={"analyzers": tuple(one for one in config.analyzers if one.id == analyzer)})
    plans = {one.id: plan_of(one, own, compiled) for one in own.analyzers}
    return process_of(own, Compiled(compiled.library, compiled.tests, plans), clock)


def _understood(store: Store, process: Process, entries: Sequence[int]) -> tuple[list[tuple[Filed, Reading]], int, int]:
    """What can be understood of the entries, how many cannot, and how many raised; no lock is held meanwhile."""
    understood: list[tuple[Filed, Reading]] = []
    unread = failed = 0
    for id in entries:
        try:
            found = _read(store, process, id)
        except StorageError:
            raise
        except Exception as error:
            _log_failure(id, failure_of(error))
            failed += 1
            continue
        if found is None:
            unread += 1
        else:
            understood.append(found)
    return understood, unread, failed


def _read(store: Store, process: Process, id: int) -> tuple[Filed, Reading] | None:
    with store.read() as tx:
        entry = journal.get(tx, id)
    reading = process.read(entry) if entry is not None else None
    return None if entry is None or reading is None or reading.refused is not None else (entry, reading)


def _tried(store: Store, attempts: Attempts, read: Sequence[tuple[Filed, Reading]], code: str) -> tuple[list[Row], int, int]:
    """What would become of the rows, how many entries were tried before the time was over, and how many of them raised."""
    rows: list[Row] = []
    tried = failed = 0
    until = time.monotonic() + LOCK_SECONDS
    with undone(store) as tx:
        for entry, reading in read:
            journal.reopen(tx, entry.id)
            attempt = attempts.take(tx, entry, reading)
            tried += 1
            if attempt.processed is None:
                _log_failure(entry.id, attempt.failure)
                failed += 1
            for filing in attempt.filings:
                if filing.receipt.tube_id is not None:
                    rows += _rows(attempts.tubes.state(tx, filing.receipt.tube_id), filing, code)
            if time.monotonic() > until:
                break
    return rows, tried, failed


def _rows(state: TubeState, filing: Filing, code: str) -> Iterator[Row]:
    """What became of the rows of a code, and of every row that the mapping changes."""
    message, context, receipt, _ = filing
    source = source_of(message, context.analyzer)
    sent = {(report.observation.key, report.observation.aspect, token_of(report.observation)) for report in receipt.reports}
    sex = (message.patient.sex or "") if message.patient else ""
    for row, outcome in zip(message.observations, receipt.outcomes, strict=True):
        if not row.is_result or (row.key != code and outcome in _UNCHANGED):
            continue
        run = twin_of(state.slots.get((source, row.key, row.aspect), ()), token_of(row), row)
        if run is not None and run.standing is HELD:
            yield Row(receipt.key, sex, row, "held", str(state.holds[run.hold].reason))
        else:
            goes = (row.key, row.aspect, token_of(row)) in sent
            yield Row(receipt.key, sex, row, "goes" if goes else "kept")


def _log_failure(entry: int, failure: str) -> None:
    _log.error("preview_failed", journal=entry, error=failure)
