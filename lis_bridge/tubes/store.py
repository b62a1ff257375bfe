"""Tubes in the database: states folded from events, kept in memory while nobody else has written.

Every function takes the caller's transaction; nothing has happened until it is committed. A kept state is used only where the tube's row
says the same version and moment, so that a transaction that was undone, or a command beside the service, never leaves a stale one.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Connection

from lis_bridge.core.faults import StorageError
from lis_bridge.core.reports import Report
from lis_bridge.core.results import Message
from lis_bridge.storage.packing import pack_like, unpack
from lis_bridge.tubes import assembly, echoes, events, tables, unplaced
from lis_bridge.tubes.assembly import Context
from lis_bridge.tubes.events import Event, HoldOpened, Outcome
from lis_bridge.tubes.keys import Key
from lis_bridge.tubes.runs import source_of
from lis_bridge.tubes.state import Hold, TubeState, fold, handle_of

_MODELLED = 255
"""The first byte of an event that is packed beside a model."""

KEPT_TUBES = 512
"""States in memory: about 100 kB for a tube of 220 results."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a message stands: its journal entry, its place among the entry's messages, and the aware time of filing."""

    journal_id: int
    part: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a message or a decision. ``seq`` is the tube's version with it; ``tube_id`` is None where no tube could be named.

    ``outcomes`` has one entry per observation; ``opened`` and ``closed`` are ids of holds.
    """

    tube_id: int | None
    key: str
    seq: int
    stat: bool = False
    outcomes: tuple[Outcome, ...] = ()
    reports: tuple[Report, ...] = ()
    opened: tuple[int, ...] = ()
    closed: tuple[int, ...] = ()


class Tubes:
    """The tubes of one database; not to be shared between threads."""

    def __init__(self, kept: int = KEPT_TUBES) -> None:
        self._kept = kept
        self._states: OrderedDict[int, tuple[str, TubeState]] = OrderedDict()

    def file(self, tx: Connection, message: Message, key: Key, context: Context, arrival: Arrival) -> Receipt:
        """File a patient's message: at most one event, the holds it opens and closes. Raises ValueError for another kind of message."""
        if not message.closed or not message.observations:
            return Receipt(None, key.key, 0, message.stat, (Outcome.EVIDENCE,) * len(message.observations))
        if key.doubt is not None:
            return self._hold_unplaced(tx, message, key, context, arrival)
        state = self.open(tx, key, arrival.at)
        receipt = self.receive(tx, state, message, self._informed(tx, state, message, key, context), arrival)
        if context.replayed:
            closed = unplaced.close_placed(tx, message, arrival.journal_id, arrival.part, stamp(arrival.at))
            receipt = replace(receipt, closed=receipt.closed + closed)
        return receipt

    def _informed(self, tx: Connection, state: TubeState, message: Message, key: Key, context: Context) -> Context:
        """The context with what only the database knows."""
        foreign = echoes.register(tx, state.tube_id, source_of(message, context.analyzer), message.observations)
        doubt = "this key is a barcode and a running number's" if state.numbered != key.numbered else ""
        return replace(context, foreign=foreign, doubt=doubt or context.doubt) if foreign or doubt else context

    def receive(self, tx: Connection, state: TubeState, message: Message, context: Context, arrival: Arrival) -> Receipt:
        """File a message of this tube, whose context is complete."""
        filing = assembly.file(state, message, context)
        outcomes, reports = tuple(filing.outcomes), tuple(filing.reports)
        if filing.event is None:
            return Receipt(state.tube_id, state.key, state.version, state.stat, outcomes)
        opened, closed = self.append(tx, state, filing.event, filing.event.holds, context.analyzer, arrival)
        return Receipt(state.tube_id, state.key, state.version, state.stat, outcomes, reports, opened, closed)

    def _hold_unplaced(self, tx: Connection, message: Message, key: Key, context: Context, arrival: Arrival) -> Receipt:
        made, hold_id = unplaced.hold(tx, message, key, context.analyzer, arrival.journal_id, arrival.part, stamp(arrival.at))
        outcome = Outcome.HELD if made else Outcome.REPEAT
        outcomes = tuple(outcome if row.is_result else Outcome.INFO for row in message.observations)
        return Receipt(None, "", 0, message.stat, outcomes, opened=(hold_id,) if made and hold_id else ())

    def open(self, tx: Connection, key: Key, at: datetime) -> TubeState:
        """The state of the tube with this key; an unknown one is made."""
        row = tables.TUBE_BY_KEY.one(tx, of=key.key)
        if row is not None:
            return self._state(tx, row)
        made = tables.INSERT_TUBE.one(tx, key=key.key, specimen=key.specimen, numbered=int(key.numbered), at=stamp(at))
        return self._keep(TubeState(int(made[0]), key.key, key.numbered), stamp(at))

    def state(self, tx: Connection, tube_id: int) -> TubeState:
        """The state of a tube; raises KeyError where there is none."""
        row = tables.TUBE_BY_ID.one(tx, of=tube_id)
        if row is None:
            raise KeyError(tube_id)
        return self._state(tx, row)

    def _state(self, tx: Connection, row: tuple[int, str, str, int, int, int, str]) -> TubeState:
        tube_id, key, _, numbered, version, sealed, updated_at = row
        known, state = self._states.pop(tube_id, ("", None))
        if state is None or (known, state.version, state.key) != (updated_at, version, key):
            state = load(tx, TubeState(tube_id, key, bool(numbered)))
        state.sealed = sealed
        return self._keep(state, updated_at)

    def _keep(self, state: TubeState, updated_at: str) -> TubeState:
        self._states[state.tube_id] = (updated_at, state)
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
        content = _packed(tx, analyzer, events.encode(event))
        tables.INSERT_EVENT.run(
            tx, tube_id=state.tube_id, seq=state.version, journal_id=arrival.journal_id, at=at, content=content
        )
        self._update(tx, state, at)
        return tuple(hold.id for hold in opened), _settle_touched(tx, state, at)

    def _update(self, tx: Connection, state: TubeState, at: str) -> None:
        changed = tables.UPDATE_TUBE.run(
            tx,
            of=state.tube_id,
            before=state.version - 1,
            now=state.version,
            person=state.patient.id if state.patient else None,
            called=state.patient.name if state.patient else None,
            urgent=int(state.stat),
            reported=len(state.told),
            kept=state.held,
            at=at,
        )
        if changed != 1:
            self._states.pop(state.tube_id, None)
            raise StorageError("the tube changed under this transaction", where=f"tube {state.key}", hint="do it again")
        self._keep(state, at)

    def seal(self, tx: Connection, tube_id: int, seq: int) -> None:
        """Note that a LIS may have seen the tube's events up to ``seq``: from now on what they reported is corrected, not replaced."""
        tables.SEAL_TUBE.run(tx, of=tube_id, seq=seq)


def load(tx: Connection, state: TubeState) -> TubeState:
    """Fold a tube's stored events into an empty state."""
    for _, content, _, _ in tables.EVENTS.rows(tx, of=state.tube_id):
        fold(state, event_of(tx, content))
    state.touched.clear()
    return state


def event_of(tx: Connection, content: bytes) -> Event:
    """The event in a row of ``tube_event``."""
    return events.decode(_unpacked(tx, content))


def _packed(tx: Connection, analyzer: str, event: bytes) -> bytes:
    """One byte that says how it is packed, a model's number where there is one, then the event."""
    packing, content = pack_like(tx, f"event {analyzer}", event)
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
    return "\n".join(dict.fromkeys(run.row.code for _, run in hold.runs))


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
