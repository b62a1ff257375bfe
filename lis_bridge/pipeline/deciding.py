"""What a person decides about held and about delivered results, and what the LIS is owed for it, in the one transaction that the caller opened.

Command line and console both decide here, and every decision is in the audit log with its person. The service need not run: what is owed
waits in the outbox.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from lis_bridge import attachments, audit, journal, mappings, outbox
from lis_bridge.catalogue.derive import Formulas
from lis_bridge.catalogue.plan import Plan
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core.faults import BridgeError, UsageError
from lis_bridge.core.holds import Reason
from lis_bridge.core.results import Message
from lis_bridge.mappings import Kind
from lis_bridge.pipeline import alarms, pictures, remapping
from lis_bridge.pipeline.deriving import with_derived
from lis_bridge.settings import Destination
from lis_bridge.tubes import desk, keys, withdrawals
from lis_bridge.tubes.assembly import Context
from lis_bridge.tubes.desk import OpenHold
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
    """The decisions of one person, ``by``, at one moment, ``at`` (aware); ``via`` and ``address`` say where he sits."""

    def __init__(
        self,
        tx: Connection,
        destinations: Sequence[Destination],
        by: str,
        at: datetime,
        *,
        via: audit.Via = "command line",
        address: str = "",
    ) -> None:
        self._tx = tx
        self._destinations = tuple(destinations)
        self._tubes = Tubes()
        self._by = by
        self._at = at
        self._via = via
        self._address = address

    def release(self, hold_id: int) -> tuple[Receipt, ...]:
        """Let a hold's results go to the LIS. Raises BridgeError."""
        hold = desk.open_hold(self._tx, hold_id)
        behind = self._taken_back(hold)
        if hold.tube_id is not None and set(behind) - {hold.tube_id}:
            desk.tell_apart(self._tubes, self._tx, self._tubes.state(self._tx, hold.tube_id))
        released = desk.release(self._tubes, self._tx, hold_id, self._by, self._at)
        assert released.tube_id is not None
        pictures.release(self._tx, self._tubes.state(self._tx, released.tube_id))
        receipts = self._owed((released,), behind=behind)
        self._note("hold released", f"hold {hold_id}", tubes=_keys(receipts), results=_count(receipts))
        return receipts

    def discard(self, hold_id: int) -> tuple[Receipt, ...]:
        """Decide that a hold's results are none. Raises BridgeError."""
        receipts = self._owed((desk.discard(self._tubes, self._tx, hold_id, self._by, self._at),))
        self._note("hold discarded", f"hold {hold_id}", tubes=_keys(receipts))
        return receipts

    def move(self, hold_id: int, specimen: str, reader: Reader) -> tuple[Receipt, ...]:
        """File what a hold keeps back under the specimen that the person names. Raises BridgeError."""
        hold = desk.open_hold(self._tx, hold_id)
        key = keys.named(specimen)
        if hold.tube_id is not None:
            entries = pictures.entries_of_hold(self._tx, self._tubes.state(self._tx, hold.tube_id), hold_id)
            behind = self._taken_back(hold)
            moved = desk.move_hold(self._tubes, self._tx, hold_id, key, self._by, self._at)
            for entry in entries:
                attachments.move(self._tx, entry, hold.tube_id, _other(moved, hold.tube_id))
            receipts = self._owed(moved, behind=behind)
        else:
            plan, messages = reader.read(self._tx, hold.journal_id)
            context = Context(hold.analyzer, plan.manifest.runs.reported)
            placed = desk.place(self._tubes, self._tx, hold_id, messages, key, context, self._by, self._at)
            pictures.keep_placed(self._tx, self._tubes, hold, messages, placed, self._at)
            receipts = self._owed((placed,))
        self._note("hold moved", f"hold {hold_id}", to=key.key, tubes=_keys(receipts), results=_count(receipts))
        return receipts

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
        entries = self._pictured(tube_id, groups)
        # What was released and not told yet leaves no withdrawal of its own; the one of the hold before may still be on its way.
        behind = (tube_id,) if withdrawals.were_made(self._tx, tube_id) else ()
        moved = [
            receipt
            for policy, group in groups.items()
            for receipt in desk.move_results(self._tubes, self._tx, tube_id, group, policy, key, self._by, self._at)
        ]
        for entry in entries:
            attachments.move(self._tx, entry, tube_id, _other(moved, tube_id))
        receipts = self._owed(tuple(sorted(moved, key=lambda receipt: receipt.tube_id != tube_id)), behind=behind)
        self._note("results moved", f"tube {receipts[0].key}", to=key.key, codes=_codes(groups))
        return receipts

    def withhold(
        self, tube_id: int, slots: Iterable[Slot], reason: Reason, why: str, policies: Mapping[str, Policy]
    ) -> tuple[Receipt, ...]:
        """Hold reported results of a tube back: what the LIS was not told yet it is not told, the rest is withdrawn (W), with the
        pictures of which no result is reported any more.

        One hold for each rule by which drivers choose among runs (``policies`` as in ``move_results``). Raises BridgeError, KeyError for no such tube.
        """
        groups = self._by_policy(tube_id, slots, policies)
        if not groups:
            raise BridgeError("no result is named", where=f"tube {tube_id}", hint="name results that the tube reports")
        entries = self._pictured(tube_id, groups)
        withheld = tuple(
            desk.withhold(self._tubes, self._tx, tube_id, group, policy, reason, why, self._by, self._at)
            for policy, group in groups.items()
        )
        for entry in entries:
            attachments.withhold(self._tx, entry, tube_id)
        receipts = self._owed(withheld)
        self._note("results held", f"tube {receipts[0].key}", reason=str(reason), why=why, codes=_codes(groups))
        return receipts

    def resend(self, delivery_id: int) -> None:
        """Make a dead delivery pending again. Raises UsageError."""
        outbox.resend(self._tx, delivery_id, self._at)
        self._note("delivery resent", f"delivery {delivery_id}")

    def dismiss(self, delivery_id: int, why: str = "") -> None:
        """Give a dead delivery up. Raises UsageError."""
        outbox.dismiss(self._tx, delivery_id, self._at)
        self._note("delivery dismissed", f"delivery {delivery_id}", **({"why": why} if why else {}))

    def replay(self, journal_id: int) -> None:
        """Have a journal entry processed again. Raises UsageError."""
        journal.reopen(self._tx, journal_id)
        self._note("entry replayed", f"journal entry {journal_id}")

    def discard_entry(self, journal_id: int, why: str) -> None:
        """Take a quarantined message off the list; its bytes stay in the journal. Raises UsageError."""
        journal.discard(self._tx, journal_id, f"{self._by}: {why}")
        self._note("entry discarded", f"journal entry {journal_id}", why=why)

    def map(self, analyzer: str, kind: Kind, said: str, means: str, tests: TestCatalogue) -> int:
        """Map a device's code or unit, and have what waited for it processed again: how many entries. Raises UsageError."""
        remapping.check(kind, said, means, tests)
        if kind == "code" and self._is_ignored(analyzer, said):
            hint = "an engineer takes that back first; see lis-bridge mapping list"
            raise UsageError("this code is ignored", where=said, hint=hint)
        mappings.add(self._tx, analyzer, kind, said, means, self._by, self._at)
        replayed = remapping.reopen(self._tx, remapping.waiting(self._tx, analyzer, kind, said))
        self._note(f"{kind} mapped", f"analyzer {analyzer}", said=said, means=means, replayed=replayed)
        return replayed

    def ignore(self, analyzer: str, code: str, codes: Collection[str]) -> int:
        """Say that a code is knowingly not reported, and have what waited for it processed again: how many entries.

        ``codes`` are those of the analyzer that mean a test. Its results stay in their tubes as rows that are no result. Raises UsageError.
        """
        remapping.check_ignored(code, codes)
        mappings.add(self._tx, analyzer, "ignored", code, "", self._by, self._at)
        replayed = remapping.reopen(self._tx, remapping.waiting(self._tx, analyzer, "ignored", code))
        self._note("code ignored", f"analyzer {analyzer}", said=code, replayed=replayed)
        return replayed

    def unmap(self, analyzer: str, kind: Kind, said: str) -> None:
        """Take a mapping back, or that a code is ignored; what was filed by it stays. Raises UsageError."""
        mappings.remove(self._tx, analyzer, kind, said)
        if kind == "ignored":
            self._note("code ignored no more", f"analyzer {analyzer}", said=said)
        else:
            self._note(f"{kind} mapping removed", f"analyzer {analyzer}", said=said)

    def _is_ignored(self, analyzer: str, code: str) -> bool:
        return any((one.analyzer, one.kind, one.said) == (analyzer, "ignored", code) for one in mappings.every(self._tx))

    def register_call(self, critical_id: int, *, told: str, ward: str, read_back: bool) -> None:
        """Note that a person was told of a critical value. Raises BridgeError."""
        alarms.register_call(self._tx, critical_id, told=told, ward=ward, read_back=read_back, by=self._by, at=self._at)
        self._note("critical value called", f"critical value {critical_id}", told=told, ward=ward, read_back=read_back)

    def _note(self, action: str, subject: str, **detail: Any) -> None:
        entry = audit.Entry(
            at=self._at,
            actor=self._by,
            via=self._via,
            address=self._address,
            action=action,
            subject=subject,
            detail=detail,
        )
        audit.append(self._tx, entry)

    def _pictured(self, tube_id: int, groups: Mapping[Policy, Iterable[Slot]]) -> set[int]:
        """The entries whose pictures go with these results."""
        slots = {slot for group in groups.values() for slot in group}
        return pictures.entries_of(self._tx, self._tubes.state(self._tx, tube_id), slots)

    def _by_policy(self, tube_id: int, slots: Iterable[Slot], policies: Mapping[str, Policy]) -> dict[Policy, list[Slot]]:
        """The slots by what the driver of the analyzer that filled each says of several runs."""
        known = self._tubes.state(self._tx, tube_id).slots
        groups: dict[Policy, list[Slot]] = {}
        for slot in slots:
            analyzer = next((run.analyzer for run in reversed(known.get(slot, ()))), "")
            groups.setdefault(policies.get(analyzer, "last"), []).append(slot)
        return groups

    def _taken_back(self, hold: OpenHold) -> tuple[int, ...]:
        """The tubes of which a LIS may still have to hear that results of this hold are theirs no more."""
        return () if hold.tube_id is None else withdrawals.tubes_of(self._tx, self._tubes.state(self._tx, hold.tube_id), hold.id)

    def _owed(self, receipts: tuple[Receipt, ...], *, behind: tuple[int, ...] = ()) -> tuple[Receipt, ...]:
        """Owe every destination what follows; what is withdrawn from one tube goes before what another tube gets (promise 3).

        ``behind``: tubes of which withdrawals may be owed already, as an earlier hold by hand or move owes them.
        """
        for receipt in receipts:
            alarms.shipped().note(self._tx, receipt, self._at, decided=True)
        for destination in self._destinations:
            first = {id: tube for tube in behind for id in outbox.unsettled(self._tx, destination.id, tube)}
            for receipt in receipts:
                # The deliveries of one tube keep their order as it is, and one of them must not wait for itself.
                made = self._owe(destination, receipt, tuple(id for id, tube in first.items() if tube != receipt.tube_id))
                if made is not None and receipt.tube_id is not None:
                    first[made] = receipt.tube_id
        return receipts

    def _owe(self, destination: Destination, receipt: Receipt, after: tuple[int, ...]) -> int | None:
        """The delivery, where it withdraws something."""
        if receipt.tube_id is None or not receipt.reports:
            return None
        stat = receipt.stat and destination.stat_at_once
        window = destination.window_seconds
        owed = outbox.owe(
            self._tx, destination.id, receipt.tube_id, receipt.reports, stat=stat, now=self._at, window=window, after=after
        )
        withdraws = any(report.status == "W" for report in receipt.reports)
        return owed if withdraws else None


def _other(receipts: Iterable[Receipt], tube_id: int) -> int:
    """The tube that results went to from this one."""
    return next((receipt.tube_id for receipt in receipts if receipt.tube_id not in (None, tube_id)), tube_id) or tube_id


def _keys(receipts: Iterable[Receipt]) -> list[str]:
    return list(dict.fromkeys(receipt.key for receipt in receipts if receipt.key))


def _count(receipts: Iterable[Receipt]) -> int:
    return sum(len(receipt.reports) for receipt in receipts)


def _codes(groups: Mapping[Policy, Iterable[Slot]]) -> list[str]:
    return sorted({code for slots in groups.values() for _, code, _ in slots})
