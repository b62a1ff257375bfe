"""Tubes in the database: states folded from events, kept in memory while nobody else has written.

Every function takes the caller's transaction; nothing has happened until it is committed. A kept state is used only where the tube's row
says the same version and moment, so that a transaction that was undone, or a command beside the service, never leaves a stale one.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from lis_bridge.core.faults import StorageError
from lis_bridge.core.reports import Head, Report
from lis_bridge.core.results import Message
from lis_bridge.storage.packing import Packed, pack_like, unpack
from lis_bridge.tubes import assembly, events, tables, unplaced
from lis_bridge.tubes.assembly import Context, Filing
from lis_bridge.tubes.echoes import Echoes
from lis_bridge.tubes.elsewhere import mended
from lis_bridge.tubes.events import Event, Filed, HoldOpened, Outcome
from lis_bridge.tubes.keys import Key
from lis_bridge.tubes.prepared import First, Prepared, prepare
from lis_bridge.tubes.state import Hold, TubeState, fold, handle_of, know

_MODELLED = 255
"""The first byte of an event that is packed beside a model."""

KEPT_TUBES = 512
"""Tubes in memory: about 100 kB for one of 220 results."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a message stands: its journal entry, its place among the entry's messages, and the aware time of filing."""

    journal_id: int
    part: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a message or a decision. ``seq`` is the tube's version with it; ``tube_id`` is None where no tube could be named.

    ``outcomes`` has one entry per observation; ``opened`` and ``closed`` are ids of holds; ``head`` is what a message of a LIS says of the
    tube, where there are reports of a message.
    """

    tube_id: int | None
    key: str
    seq: int
    stat: bool = False
    outcomes: tuple[Outcome, ...] = ()
    reports: tuple[Report, ...] = ()
    opened: tuple[int, ...] = ()
    closed: tuple[int, ...] = ()
    head: Head | None = None


class _Kept(NamedTuple):
    """A tube in memory: its state, or (for a tube that has one event) what the state follows from, folded when somebody asks for it."""

    updated_at: str
    state: TubeState
    unfolded: Filed | None


class Tubes:
    """The tubes of one database; not to be shared between threads."""

    def __init__(self, kept: int = KEPT_TUBES) -> None:
        self._kept = kept
        self._states: OrderedDict[int, _Kept] = OrderedDict()
        self._echoes = Echoes()

    def file(
        self, tx: Connection, message: Message, key: Key, context: Context, arrival: Arrival, prepared: Prepared | None = None
    ) -> Receipt:
        """File a patient's message: at most one event, the holds it opens and closes. Raises ValueError for another kind of message.

        ``prepared`` is what ``prepare`` says of this message, this analyzer and this policy, where that was asked before.
        """
        if not message.closed or not message.observations:
            return Receipt(None, key.key, 0, message.stat, (Outcome.EVIDENCE,) * len(message.observations))
        if context.replayed and unplaced.is_decided(tx, message, arrival.journal_id, arrival.part):
            return _unplaced(message, Outcome.REPEAT)
        if key.doubt is not None:
            return self._hold_unplaced(tx, message, key, context, arrival)
        prepared = prepared or prepare(message, context.analyzer, context.policy)
        state = self.open(tx, key, arrival.at)
        informed = _informed(state, key, context, self._echoes.register(tx, state.tube_id, prepared.marks))
        if prepared.first is not None and state.is_new and _is_trusted(informed):
            receipt = self._begin(tx, state, message, prepared.first, arrival)
        else:
            receipt = self.receive(tx, state, message, informed, arrival, prepared.first)
        if context.replayed:
            closed = unplaced.close_placed(tx, message, arrival.journal_id, arrival.part, stamp(arrival.at))
            receipt = replace(receipt, closed=receipt.closed + closed)
        return receipt

    def file_elsewhere(
        self, tx: Connection, message: Message, context: Context, arrival: Arrival, home: int | None
    ) -> tuple[Receipt, ...]:
        """File what of a replayed message waits for a mapping, which has come, in other tubes than its ``home``: a person took it there."""
        waiting = {row[0] for row in tables.WAITING_FOR_MAPPING.rows(tx, entry=arrival.journal_id)} - {home}
        found = [(state := self.state(tx, tube_id), mended(state, message, context.analyzer)) for tube_id in sorted(waiting)]
        return tuple(self.file_rest(tx, state, rest, context, arrival) for state, rest in found if rest.observations)

    def file_rest(self, tx: Connection, state: TubeState, message: Message, context: Context, arrival: Arrival) -> Receipt:
        """File what of a message belongs to this tube, whatever the message says of its specimen."""
        return self.receive(tx, state, message, context, arrival)

    def _begin(self, tx: Connection, state: TubeState, message: Message, first: First, arrival: Arrival) -> Receipt:
        """File the first message of a tube as it was prepared; the state is not folded before it is needed."""
        state.version, state.stat = 1, message.stat
        know(state, message.patient)
        self._store(tx, state, first.event.analyzer, first.content, arrival, first.packed)
        self._update(tx, state, len(first.reports), stamp(arrival.at), first.event)
        return Receipt(state.tube_id, state.key, 1, state.stat, first.outcomes, first.reports, head=_head(state))

    def receive(
        self, tx: Connection, state: TubeState, message: Message, context: Context, arrival: Arrival, first: First | None = None
    ) -> Receipt:
        """File a message of this tube, whose context is complete; ``first`` is what it would be as the tube's first message."""
        filing = assembly.file(state, message, context)
        outcomes, reports = tuple(filing.outcomes), tuple(filing.reports)
        if filing.event is None:
            return Receipt(state.tube_id, state.key, state.version, state.stat, outcomes)
        if first is not None and _is_all_new(filing, first):
            reports = first.reports
        opened, closed = self.append(tx, state, filing.event, filing.event.holds, context.analyzer, arrival)
        return Receipt(state.tube_id, state.key, state.version, state.stat, outcomes, reports, opened, closed, _head(state))

    def _hold_unplaced(self, tx: Connection, message: Message, key: Key, context: Context, arrival: Arrival) -> Receipt:
        made, hold_id = unplaced.hold(tx, message, key, context.analyzer, arrival.journal_id, arrival.part, stamp(arrival.at))
        return _unplaced(message, Outcome.HELD if made else Outcome.REPEAT, (hold_id,) if made and hold_id else ())

    def open(self, tx: Connection, key: Key, at: datetime) -> TubeState:
        """The state of the tube with this key; an unknown one is made."""
        row = tables.TUBE_BY_KEY.one(tx, of=key.key)
        if row is not None:
            return self._state(tx, row)
        made = tables.INSERT_TUBE.one(tx, key=key.key, specimen=key.specimen, numbered=int(key.numbered), at=stamp(at))
        return self._keep(TubeState(int(made[0]), key.key, key.numbered, specimen=key.specimen), stamp(at))

    def state(self, tx: Connection, tube_id: int) -> TubeState:
        """The state of a tube; raises KeyError where there is none."""
        row = tables.TUBE_BY_ID.one(tx, of=tube_id)
        if row is None:
            raise KeyError(tube_id)
        return self._state(tx, row)

    def _state(self, tx: Connection, row: tuple[int, str, str, int, int, int, str]) -> TubeState:
        tube_id, key, specimen, numbered, version, sealed, updated_at = row
        kept = self._states.pop(tube_id, None)
        blank = TubeState(tube_id, key, bool(numbered), specimen=specimen)
        if kept is None or (kept.updated_at, kept.state.version, kept.state.key) != (updated_at, version, key):
            state = load(tx, blank)
        else:
            state = kept.state if kept.unfolded is None else fold(blank, kept.unfolded)
        state.sealed = sealed
        return self._keep(state, updated_at)

    def _keep(self, state: TubeState, updated_at: str, unfolded: Filed | None = None) -> TubeState:
        self._states[state.tube_id] = _Kept(updated_at, state, unfolded)
        if len(self._states) > self._kept:
            self._states.popitem(last=False)
        return state

    def append(
        self, tx: Connection, state: TubeState, event: Event, opened: tuple[HoldOpened, ...], analyzer: str, arrival: Arrival
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Store an event that the state has folded already; ids of the holds opened and of those closed by the same results.

        Raises StorageError where another process was faster; the transaction must then be undone.
        """
        at = stamp(arrival.at)
        for place, hold in enumerate(opened):
            hold.id = _insert_hold(tx, state, state.holds[handle_of(state.version, place)], analyzer, arrival.journal_id, at)
        self._store(tx, state, analyzer, events.encode(event), arrival)
        self._update(tx, state, len(state.told), at)
        return tuple(hold.id for hold in opened), _settle_touched(tx, state, at)

    def _store(
        self, tx: Connection, state: TubeState, analyzer: str, event: bytes, arrival: Arrival, prepared: Packed | None = None
    ) -> None:
        content, at = _stored(pack_like(tx, events.family(analyzer), event, prepared)), stamp(arrival.at)
        tables.INSERT_EVENT.run(
            tx, tube_id=state.tube_id, seq=state.version, journal_id=arrival.journal_id, at=at, content=content
        )

    def _update(self, tx: Connection, state: TubeState, reported: int, at: str, unfolded: Filed | None = None) -> None:
        changed = tables.UPDATE_TUBE.run(
            tx,
            of=state.tube_id,
            before=state.version - 1,
            now=state.version,
            person=state.patient.id if state.patient else None,
            called=state.patient.name if state.patient else None,
            urgent=int(state.stat),
            reported=reported,
            kept=state.held,
            at=at,
        )
        if changed != 1:
            self._states.pop(state.tube_id, None)
            raise StorageError("the tube changed under this transaction", where=f"tube {state.key}", hint="do it again")
        self._keep(state, at, unfolded)

    def seal(self, tx: Connection, tube_id: int, seq: int) -> None:
        """Note that a LIS may have seen the tube's events up to ``seq``: from now on what they reported is corrected, not replaced."""
        tables.SEAL_TUBE.run(tx, of=tube_id, seq=seq)


def _unplaced(message: Message, outcome: Outcome, opened: tuple[int, ...] = ()) -> Receipt:
    """Of a message that no tube gets."""
    outcomes = tuple(outcome if row.is_result else Outcome.INFO for row in message.observations)
    return Receipt(None, "", 0, message.stat, outcomes, opened=opened)


def _informed(state: TubeState, key: Key, context: Context, foreign: frozenset[int]) -> Context:
    """The context with what only the database knows."""
    doubt = "this key is a barcode and a running number's" if state.numbered != key.numbered else ""
    return replace(context, foreign=foreign, doubt=doubt or context.doubt) if foreign or doubt else context


def _is_trusted(context: Context) -> bool:
    """True where nothing but the message itself could hold its rows back, and nobody vouches for them."""
    return context.order_known and not (context.foreign or context.doubt or context.by)


def _is_all_new(filing: Filing, first: First) -> bool:
    """True where the rows were judged as they would be in an empty tube."""
    event = filing.event
    return event is not None and event.verdicts == first.event.verdicts and not (event.holds or event.by)


def _head(state: TubeState) -> Head:
    patient = state.patient
    named = (patient.id, patient.name) if patient else (None, None)
    return Head(state.key, state.specimen, state.numbered, *named)


def load(tx: Connection, state: TubeState) -> TubeState:
    """Fold a tube's stored events into an empty state."""
    for _, content, _, _ in tables.EVENTS.rows(tx, of=state.tube_id):
        fold(state, event_of(tx, content))
    state.touched.clear()
    return state


def event_of(tx: Connection, content: bytes) -> Event:
    """The event in a row of ``tube_event``."""
    return events.decode(_unpacked(tx, content))


def _stored(event: Packed) -> bytes:
    """One byte that says how it is packed, a model's number where there is one, then the event."""
    packing, content = event
    return bytes((packing,)) + content if packing < _MODELLED else bytes((_MODELLED,)) + packing.to_bytes(8) + content


def _unpacked(tx: Connection, content: bytes) -> bytes:
    if content[0] == _MODELLED:
        return unpack(tx, int.from_bytes(content[1:9]), content[9:])
    return unpack(tx, content[0], content[1:])


def stamp(moment: datetime) -> str:
    """UTC text that sorts like time; raises ValueError for a naive time."""
    if moment.tzinfo is None:
        raise ValueError("a tube's time must be aware")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _insert_hold(tx: Connection, state: TubeState, hold: Hold, analyzer: str, journal_id: int, at: str) -> int:
    row = tables.INSERT_HOLD.one(
        tx,
        tube_id=state.tube_id,
        journal_id=journal_id,
        analyzer=analyzer,
        reason=str(hold.reason),
        detail=hold.detail,
        codes=_codes(hold),
        results=len(hold.runs),
        at=at,
    )
    hold.id = int(row[0])
    return hold.id


def _codes(hold: Hold) -> str:
    return "\n".join(dict.fromkeys(run.row.key for _, run in hold.runs))


def _settle_touched(tx: Connection, state: TubeState, at: str) -> tuple[int, ...]:
    """Holds that lost runs because the same came again: smaller now, or closed."""
    closed = []
    for hold in state.touched:
        if hold.runs:
            tables.SHRINK_HOLD.run(tx, of=hold.id, left_codes=_codes(hold), left=len(hold.runs))
        elif tables.CLOSE_HOLD.run(tx, of=hold.id, as_="replaced", at=at, by=None):
            closed.append(hold.id)
    state.touched.clear()
    return tuple(closed)
