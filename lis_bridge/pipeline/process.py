"""One journal entry on its way to the LIS: decode → tube → holds → outbox → done, in the transaction that the caller opened.

It can be run again over old entries: what is known adds nothing. Controls, calibrations, queries and service messages end here; only a patient's
message reaches a tube (promise 6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import structlog
from sqlalchemy import Connection, bindparam, insert

from lis_bridge import journal, outbox
from lis_bridge.catalogue.derive import Formulas
from lis_bridge.catalogue.plan import Plan
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core.clock import Clock
from lis_bridge.core.results import Message
from lis_bridge.journal import Filed
from lis_bridge.pipeline.alarms import Alarms
from lis_bridge.pipeline.deriving import with_derived
from lis_bridge.pipeline.screening import Expectation, screen
from lis_bridge.settings import Destination
from lis_bridge.storage import Statement
from lis_bridge.storage.schema import control_result
from lis_bridge.tubes import keys
from lis_bridge.tubes.assembly import Context
from lis_bridge.tubes.keys import SpecimenRules
from lis_bridge.tubes.store import Arrival, Receipt, Tubes

_log = structlog.get_logger(__name__)

_CONTROL = Statement(
    insert(control_result).values(
        journal_id=bindparam("journal_id"), analyzer=bindparam("analyzer"), at=bindparam("at"), content=bindparam("content")
    )
)
_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class Instrument:
    """What the process step knows of one analyzer; ``space`` is its number space."""

    plan: Plan
    expected: Expectation
    space: str
    require_order: bool = False


@dataclass(frozen=True, slots=True)
class Processed:
    """What became of an entry; ``owed`` tells whether a destination has something new."""

    journal_id: int
    analyzer: str
    messages: int = 0
    results: int = 0
    held: int = 0
    owed: bool = False
    quarantined: str | None = None


class Process:
    """The process step of a site."""

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        destinations: Sequence[Destination],
        rules: SpecimenRules,
        tests: TestCatalogue,
        formulas: Formulas,
        clock: Clock,
    ) -> None:
        self._instruments = instruments
        self._destinations = tuple(destinations)
        self._rules = rules
        self._tests = tests
        self._alarms = Alarms(tests)
        self._formulas = formulas
        self._clock = clock
        self.tubes = Tubes()

    def __call__(self, tx: Connection, entry: Filed) -> Processed:
        """Process a pending entry in ``tx``; afterwards it is done or quarantined."""
        instrument = self._instruments.get(entry.analyzer)
        if instrument is None:
            detail = f"analyzer {entry.analyzer} is not configured; add it again, then replay"
            return self._aside(tx, entry, "unknown analyzer", detail)
        found = instrument.plan.decode(entry.raw, complete=entry.complete)
        refused = screen(found, instrument.expected)
        if refused is not None:
            return self._aside(tx, entry, refused.reason, refused.detail)
        now = self._clock.now()
        receipts = [
            self._take(tx, entry, instrument, message, Arrival(entry.id, part, now))
            for part, message in enumerate(found.messages)
        ]
        journal.done(tx, entry.id, instrument.plan.driver, instrument.plan.revision)
        return _summary(entry, receipts)

    def _aside(self, tx: Connection, entry: Filed, reason: str, detail: str) -> Processed:
        journal.quarantine(tx, entry.id, reason, detail)
        _log.warning("quarantined", journal=entry.id, analyzer=entry.analyzer, reason=reason)
        return Processed(entry.id, entry.analyzer, quarantined=reason)

    def _take(self, tx: Connection, entry: Filed, instrument: Instrument, message: Message, arrival: Arrival) -> Receipt | None:
        if message.kind == "qc":
            self._keep_control(tx, entry, message, arrival.at)
        if message.kind != "patient":
            return None
        message = with_derived(message, instrument.plan, self._formulas, self._tests)
        key = keys.key_of(message, instrument.space, self._rules, entry.received_at)
        context = Context(
            analyzer=entry.analyzer,
            policy=instrument.plan.manifest.runs.reported,
            order_known=not instrument.require_order,
            replayed=entry.driver is not None,
        )
        receipt = self.tubes.file(tx, message, key, context, arrival)
        self._alarms.note(tx, receipt, arrival.at)
        self._owe(tx, receipt, arrival.at)
        return receipt

    def _keep_control(self, tx: Connection, entry: Filed, message: Message, now: datetime) -> None:
        """A control's values, once per entry: a replay replaces nothing and doubles nothing."""
        if entry.driver is None:
            _CONTROL.run(tx, journal_id=entry.id, analyzer=entry.analyzer, at=now.isoformat(), content=_encode(message))

    def _owe(self, tx: Connection, receipt: Receipt, now: datetime) -> None:
        if receipt.tube_id is None or not receipt.reports:
            return
        for destination in self._destinations:
            outbox.owe(
                tx,
                destination.id,
                receipt.tube_id,
                receipt.reports,
                stat=receipt.stat and destination.stat_at_once,
                now=now,
                window=destination.window_seconds,
            )


def _summary(entry: Filed, receipts: Sequence[Receipt | None]) -> Processed:
    patients = [receipt for receipt in receipts if receipt is not None]
    return Processed(
        entry.id,
        entry.analyzer,
        messages=len(receipts),
        results=sum(len(receipt.reports) for receipt in patients),
        held=sum(len(receipt.opened) for receipt in patients),
        owed=any(receipt.reports for receipt in patients),
    )
