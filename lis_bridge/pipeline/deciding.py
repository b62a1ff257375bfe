"""What a person decides about held and about delivered results, and what the LIS is owed for it, in the one transaction that the caller opened.

Command line and console both decide here. The service need not run: what is owed waits in the outbox.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from lis_bridge import journal, outbox
from lis_bridge.catalogue.derive import Formulas
from lis_bridge.catalogue.plan import Plan
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core.faults import BridgeError, UsageError
from lis_bridge.core.results import Message
from lis_bridge.pipeline.deriving import with_derived
from lis_bridge.settings import Destination
from lis_bridge.tubes import desk, keys
from lis_bridge.tubes.assembly import Context
from lis_bridge.tubes.events import Policy, Slot
from lis_bridge.tubes.store import Receipt, Tubes


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads a journal entry as the process step does; ``plans`` are by analyzer id."""

    plans: Mapping[str, Plan]
    formulas: Formulas
    tests: TestCatalogue

    def read(self, tx: Connection, journal_id: int) -> tuple[Plan, tuple[Message, ...]]:
        """The entry's plan and messages, with what is derived. Raises UsageError where its analyzer is configured no more."""
        entry = journal.get(tx, journal_id)
        plan = self.plans.get(entry.analyzer) if entry is not None else None
        if entry is None or plan is None:
            hint = "configure its analyzer with its driver again"
            raise UsageError("the message cannot be read", where=f"journal entry {journal_id}", hint=hint)
        return plan, tuple(
            with_derived(message, plan, self.formulas, self.tests)
            for message in plan.decode(entry.raw, complete=entry.complete).messages
        )


class Decisions:
    """The decisions of one person, ``by``, at one moment, ``at`` (aware)."""

    def __init__(self, tx: Connection, destinations: Sequence[Destination], by: str, at: datetime) -> None:
        self._tx = tx
        self._destinations = tuple(destinations)
        self._tubes = Tubes()
        self._by = by
        self._at = at

    def release(self, hold_id: int) -> tuple[Receipt, ...]:
        """Let a hold's results go to the LIS. Raises BridgeError."""
        return self._owed((desk.release(self._tubes, self._tx, hold_id, self._by, self._at),))

    def discard(self, hold_id: int) -> tuple[Receipt, ...]:
        """Decide that a hold's results are none. Raises BridgeError."""
        return self._owed((desk.discard(self._tubes, self._tx, hold_id, self._by, self._at),))

    def move(self, hold_id: int, specimen: str, reader: Reader) -> tuple[Receipt, ...]:
        """File what a hold keeps back under the specimen that the person names. Raises BridgeError."""
        hold = desk.open_hold(self._tx, hold_id)
        key = keys.named(specimen)
        if hold.tube_id is not None:
            return self._owed(desk.move_hold(self._tubes, self._tx, hold_id, key, self._by, self._at))
        plan, messages = reader.read(self._tx, hold.journal_id)
        context = Context(hold.analyzer, plan.manifest.runs.reported)
        return self._owed((desk.place(self._tubes, self._tx, hold_id, messages, key, context, self._by, self._at),))

    def move_results(
        self, tube_id: int, slots: Iterable[Slot], specimen: str, policies: Mapping[str, Policy]
    ) -> tuple[Receipt, ...]:
        """Take reported results back from a tube and report them of the specimen that the person names (promise 3).

        ``policies`` are by analyzer id; an analyzer that is configured no more is taken to report its last run. Every withdrawal comes
        before the first report of the new tube. Raises BridgeError, KeyError for no such tube.
        """
        key = keys.named(specimen)
        groups = self._by_policy(tube_id, slots, policies)
        if not groups:
            raise BridgeError("no result is named", where=f"tube {tube_id}", hint="name results that the tube reports")
        moved = [
            receipt
            for policy, group in groups.items()
            for receipt in desk.move_results(self._tubes, self._tx, tube_id, group, policy, key, self._by, self._at)
        ]
        return self._owed(tuple(sorted(moved, key=lambda receipt: receipt.tube_id != tube_id)))

    def _by_policy(self, tube_id: int, slots: Iterable[Slot], policies: Mapping[str, Policy]) -> dict[Policy, list[Slot]]:
        """The slots by what the driver of the analyzer that filled each says of several runs."""
        known = self._tubes.state(self._tx, tube_id).slots
        groups: dict[Policy, list[Slot]] = {}
        for slot in slots:
            analyzer = next((run.analyzer for run in reversed(known.get(slot, ()))), "")
            groups.setdefault(policies.get(analyzer, "last"), []).append(slot)
        return groups

    def _owed(self, receipts: tuple[Receipt, ...]) -> tuple[Receipt, ...]:
        """Owe every destination what follows; what is withdrawn from one tube goes before what another tube gets (promise 3)."""
        for destination in self._destinations:
            first: int | None = None
            for receipt in receipts:
                # The withdrawals of one tube share a delivery, which must not wait for itself.
                waits = first if receipt.tube_id != receipts[0].tube_id else None
                made = self._owe(destination, receipt, waits)
                first = first or made
        return receipts

    def _owe(self, destination: Destination, receipt: Receipt, after: int | None) -> int | None:
        if receipt.tube_id is None or not receipt.reports:
            return None
        stat = receipt.stat and destination.stat_at_once
        window = destination.window_seconds
        owed = outbox.owe(
            self._tx, destination.id, receipt.tube_id, receipt.reports, stat=stat, now=self._at, window=window, after=after
        )
        withdraws = any(report.status == "W" for report in receipt.reports)
        return owed if withdraws else None
