"""One journal entry on its way to the LIS: tube → holds → outbox → done, in the transaction that the caller opened.

Reading comes before it (``read``): it needs no database, so that no lock is held meanwhile, and it may go on in another thread. What follows from
the message alone is prepared there too; the transaction takes it where nothing that it knows speaks against it.
What no window holds back is sealed in the same transaction, and handed on as it was built. The step can be run again over old entries:
what is known adds nothing. Controls, calibrations, queries and service messages end here; only a patient's message reaches a tube (promise 6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock

import msgspec
import structlog
from sqlalchemy import Connection, bindparam, insert

from lis_bridge import journal
from lis_bridge.catalogue.derive import Formulas
from lis_bridge.catalogue.plan import Plan
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core.clock import Clock
from lis_bridge.core.results import Message
from lis_bridge.forward.oru import Draft
from lis_bridge.journal import Filed
from lis_bridge.outbox import Ready
from lis_bridge.pipeline import pictures
from lis_bridge.pipeline.alarms import Alarms
from lis_bridge.pipeline.deriving import with_derived
from lis_bridge.pipeline.outlet import Outlet
from lis_bridge.pipeline.screening import Expectation, Refused, screen
from lis_bridge.settings import Destination
from lis_bridge.storage import Statement
from lis_bridge.storage.schema.controls import control_result
from lis_bridge.tubes.assembly import Context
from lis_bridge.tubes.events import Policy
from lis_bridge.tubes.keys import Key, SpecimenRules, key_of
from lis_bridge.tubes.prepared import Prepared, prepare
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
    """What the process step knows of one analyzer; ``space`` is its number space. ``dated_at_reception``: a running number without a date is of
    the day on which it was received.
    """

    plan: Plan
    expected: Expectation
    space: str
    require_order: bool = False
    dated_at_reception: bool = False

    @property
    def policy(self) -> Policy:
        """Which of several runs the driver reports."""
        return self.plan.manifest.runs.reported

    def key_of(self, message: Message, rules: SpecimenRules, received_at: datetime) -> Key:
        """The key of a message's tube."""
        return key_of(message, self.space, rules, received_at, dated_at_reception=self.dated_at_reception)


@dataclass(frozen=True, slots=True)
class Part:
    """One message of an entry; of a patient's, what could be prepared: for its tube, and for each destination."""

    message: Message
    prepared: Prepared | None = None
    drafts: tuple[Draft | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What an entry's bytes say: its messages, with what is derived, or why it is put aside whole."""

    instrument: Instrument | None
    parts: tuple[Part, ...] = ()
    refused: Refused | None = None


@dataclass(frozen=True, slots=True)
class Processed:
    """What became of an entry; ``owed`` tells whether a destination has something new.

    ``ready`` is what may be sent at once, by destination; ``collected`` tells whether more waits to be sealed.
    """

    journal_id: int
    analyzer: str
    messages: int = 0
    results: int = 0
    held: int = 0
    owed: bool = False
    quarantined: str | None = None
    ready: tuple[tuple[str, Ready], ...] = ()
    collected: bool = False


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
        self._reading = Lock()  # plans keep caches
        self._outlets = tuple(Outlet(destination, tests, rules.zone) for destination in destinations)
        self._rules = rules
        self._tests = tests
        self._alarms = Alarms(tests)
        self._formulas = formulas
        self._clock = clock
        self.tubes = Tubes()

    def exchange(self, analyzer: str, plan: Plan) -> None:
        """From now on this analyzer's entries are read by ``plan``, also those that were read already and are not processed yet."""
        self._instruments = {**self._instruments, analyzer: replace(self._instruments[analyzer], plan=plan)}

    def read(self, entry: Filed) -> Reading:
        """What the entry says. Touches no database."""
        with self._reading:
            return self._read(entry)

    def _read(self, entry: Filed) -> Reading:
        instrument = self._instruments.get(entry.analyzer)
        if instrument is None:
            detail = f"analyzer {entry.analyzer} is not configured; add it again, then replay"
            return Reading(None, refused=Refused("unknown analyzer", detail))
        found = instrument.plan.decode(entry.raw, complete=entry.complete)
        refused = screen(found, instrument.expected)
        if refused is not None:
            return Reading(instrument, refused=refused)
        return Reading(instrument, tuple(self._part(entry.analyzer, instrument, message) for message in found.messages))

    def _part(self, analyzer: str, instrument: Instrument, found: Message) -> Part:
        message = with_derived(found, instrument.plan, self._formulas, self._tests)
        if message.kind != "patient":
            return Part(message)
        prepared = prepare(message, analyzer, instrument.policy)
        return Part(message, prepared, tuple(outlet.draft(message, prepared) for outlet in self._outlets))

    def __call__(self, tx: Connection, entry: Filed, reading: Reading | None = None) -> Processed:
        """Process a pending entry in ``tx``; afterwards it is done or quarantined. It is read here where that was not done by the present plan."""
        if reading is None or reading.instrument is not self._instruments.get(entry.analyzer):
            reading = self.read(entry)
        instrument = reading.instrument
        if reading.refused is not None or instrument is None:
            assert reading.refused is not None
            return self._aside(tx, entry, *reading.refused)
        now = self._clock.now()
        ready: list[tuple[str, Ready | None]] = []
        receipts = [
            receipt
            for place, part in enumerate(reading.parts)
            for receipt in self._take(tx, entry, instrument, part, Arrival(entry.id, place, now), ready)
        ]
        journal.done(tx, entry.id, instrument.plan.driver, instrument.plan.revision)
        return _summary(entry, len(reading.parts), receipts, ready)

    def _aside(self, tx: Connection, entry: Filed, reason: str, detail: str) -> Processed:
        journal.quarantine(tx, entry.id, reason, detail)
        _log.warning("quarantined", journal=entry.id, analyzer=entry.analyzer, reason=reason)
        return Processed(entry.id, entry.analyzer, quarantined=reason)

    def _take(
        self,
        tx: Connection,
        entry: Filed,
        instrument: Instrument,
        part: Part,
        arrival: Arrival,
        ready: list[tuple[str, Ready | None]],
    ) -> list[Receipt]:
        message = part.message
        if message.kind == "qc":
            self._keep_control(tx, entry, message, arrival.at)
        if message.kind != "patient":
            return []
        key = instrument.key_of(message, self._rules, entry.received_at)
        context = Context(
            analyzer=entry.analyzer,
            policy=instrument.policy,
            order_known=not instrument.require_order,
            replayed=entry.driver is not None,
        )
        receipt = self.tubes.file(tx, message, key, context, arrival, part.prepared)
        if message.images or message.curves:
            pictures.keep(tx, self.tubes, receipt, message, entry.id, entry.analyzer, arrival.at)
        self._owe(tx, receipt, part.drafts, arrival, ready)
        if not context.replayed:
            return [receipt]
        others = self.tubes.file_elsewhere(tx, message, context, arrival, receipt.tube_id)
        for other in others:
            if other.tube_id is not None:
                pictures.release(tx, self.tubes.state(tx, other.tube_id))
            self._owe(tx, other, (None,) * len(self._outlets), arrival, ready)
        return [receipt, *others]

    def _owe(
        self,
        tx: Connection,
        receipt: Receipt,
        drafts: Sequence[Draft | None],
        arrival: Arrival,
        ready: list[tuple[str, Ready | None]],
    ) -> None:
        self._alarms.note(tx, receipt, arrival.at)
        if receipt.tube_id is not None and receipt.reports:
            for outlet, draft in zip(self._outlets, drafts, strict=True):
                ready.append((outlet.destination, outlet.owe(tx, receipt, self.tubes.seal, arrival.at, draft)))

    def _keep_control(self, tx: Connection, entry: Filed, message: Message, now: datetime) -> None:
        """A control's values, once per entry: a replay replaces nothing and doubles nothing."""
        if entry.driver is None:
            _CONTROL.run(tx, journal_id=entry.id, analyzer=entry.analyzer, at=now.isoformat(), content=_encode(message))


def _summary(entry: Filed, messages: int, receipts: Sequence[Receipt], ready: Sequence[tuple[str, Ready | None]]) -> Processed:
    return Processed(
        entry.id,
        entry.analyzer,
        messages=messages,
        results=sum(len(receipt.reports) for receipt in receipts),
        held=sum(len(receipt.opened) for receipt in receipts),
        owed=any(receipt.reports for receipt in receipts),
        ready=tuple((destination, one) for destination, one in ready if one is not None),
        collected=any(one is None for _, one in ready),
    )
