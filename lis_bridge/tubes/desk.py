"""What a person decides, in the database: release, discard, hold back, place and move, each with the person's name.

Every function takes the caller's transaction and returns receipts in the order in which the LIS must hear of them. A decision about
what is no longer open raises BridgeError and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from lis_bridge.core.faults import BridgeError
from lis_bridge.core.holds import Reason
from lis_bridge.core.results import Message
from lis_bridge.tubes import decisions, tables, unplaced
from lis_bridge.tubes.assembly import Context
from lis_bridge.tubes.decisions import Decided, Parcel
from lis_bridge.tubes.events import Policy, Released, Slot, Withheld
from lis_bridge.tubes.keys import Key
from lis_bridge.tubes.state import TubeState, handle_of
from lis_bridge.tubes.store import Arrival, Receipt, Tubes, stamp


class OpenHold(NamedTuple):
    """A row of table ``hold`` that waits for a decision; ``tube_id`` is None where no tube could be named."""

    id: int
    tube_id: int | None
    journal_id: int
    analyzer: str
    reason: str
    detail: str


def open_hold(tx: Connection, hold_id: int) -> OpenHold:
    """The hold, still open. Raises BridgeError."""
    row = tables.HOLD.one(tx, of=hold_id)
    if row is None or row[6] != "open":
        what = "there is no such hold" if row is None else f"this hold is {row[6]} already"
        raise BridgeError(what, where=f"hold {hold_id}", hint="list what is open with: lis-bridge quarantine list")
    return OpenHold(*row[:6])


def release(tubes: Tubes, tx: Connection, hold_id: int, by: str, at: datetime) -> Receipt:
    """Let a hold's results go to the LIS, as ``decisions.release`` places them. Raises BridgeError."""
    hold = open_hold(tx, hold_id)
    state = _state(tubes, tx, hold)
    decided = decisions.release(state, hold_id, by)
    return _settle(tubes, tx, state, hold, decided, "released", by, at)


def discard(tubes: Tubes, tx: Connection, hold_id: int, by: str, at: datetime) -> Receipt:
    """Decide that a hold's results are none; a retransmission does not bring them back. Raises BridgeError."""
    hold = open_hold(tx, hold_id)
    if hold.tube_id is None:
        tables.CLOSE_HOLD.run(tx, of=hold_id, as_="discarded", at=stamp(at), by=by)
        return Receipt(None, "", 0, closed=(hold_id,))
    state = _state(tubes, tx, hold)
    return _settle(tubes, tx, state, hold, decisions.discard(state, hold_id, by), "discarded", by, at)


def place(
    tubes: Tubes, tx: Connection, hold_id: int, messages: Iterable[Message], key: Key, context: Context, by: str, at: datetime
) -> Receipt:
    """File what a hold without a tube keeps back under the key that a person names; ``messages`` is the decoded journal entry.

    Raises BridgeError where the entry does not hold the message any more as it was held.
    """
    _check_key(key)
    hold = open_hold(tx, hold_id)
    if hold.tube_id is not None:
        raise BridgeError(
            "this hold belongs to a tube", where=f"hold {hold_id}", hint="release it, or move it to another specimen"
        )
    found = ((part, one) for part, one in enumerate(messages) if hold.detail.endswith(unplaced.mark_of(one, part)))
    part, message = next(found, (0, None))
    if message is None:
        hint = "replay the journal entry, then decide anew"
        raise BridgeError("the driver reads this message differently now", where=f"journal entry {hold.journal_id}", hint=hint)
    tables.CLOSE_HOLD.run(tx, of=hold_id, as_="released", at=stamp(at), by=by)
    told = Context(hold.analyzer, context.policy, context.order_known, by=by)
    return tubes.file(tx, message, key, told, Arrival(hold.journal_id, part, at))


def move_hold(tubes: Tubes, tx: Connection, hold_id: int, key: Key, by: str, at: datetime) -> tuple[Receipt, ...]:
    """File what a hold keeps back under another specimen, which the person vouches for. Raises BridgeError."""
    hold = open_hold(tx, hold_id)
    old = _state(tubes, tx, hold)
    new = _target(tubes, tx, old, key, at)
    decided, parcels = decisions.move_held(old, hold_id, new.key, by)
    out = _settle(tubes, tx, old, hold, decided, "released", by, at)
    return (out, *_receive(tubes, tx, old, new, parcels, by, at))


def move_results(
    tubes: Tubes, tx: Connection, tube_id: int, slots: Iterable[Slot], policy: Policy, key: Key, by: str, at: datetime
) -> tuple[Receipt, ...]:
    """Take reported results back from one specimen (W) and report them of another (F). Raises BridgeError, KeyError for no such tube."""
    old = tubes.state(tx, tube_id)
    new = _target(tubes, tx, old, key, at)
    wanted = tuple(slots)
    entry = _entry_of(tx, old, wanted)
    decided, parcels = decisions.move_results(old, wanted, policy, new.key, by)
    arrival = Arrival(entry, 0, at)
    tubes.append(tx, old, decided.event, (), "", arrival)
    out = Receipt(old.tube_id, old.key, old.version, old.stat, reports=tuple(decided.reports))
    return (out, *_receive(tubes, tx, old, new, parcels, by, at, let_go=True))


def withhold(
    tubes: Tubes,
    tx: Connection,
    tube_id: int,
    slots: Iterable[Slot],
    policy: Policy,
    reason: Reason,
    why: str,
    by: str,
    at: datetime,
) -> Receipt:
    """Hold reported results back, as ``decisions.withhold`` says. Raises BridgeError, KeyError for no such tube."""
    state = tubes.state(tx, tube_id)
    decided = decisions.withhold(state, slots, policy, reason, why, by)
    assert isinstance(decided.event, Withheld)
    _, first = state.holds[handle_of(state.version, 0)].runs[0]
    arrival = Arrival(_entry_at(tx, state, first.seq), 0, at)
    opened, closed = tubes.append(tx, state, decided.event, decided.event.holds, first.analyzer, arrival)
    return Receipt(
        state.tube_id, state.key, state.version, state.stat, reports=tuple(decided.reports), opened=opened, closed=closed
    )


def _state(tubes: Tubes, tx: Connection, hold: OpenHold) -> TubeState:
    if hold.tube_id is None:
        hint = "name the specimen that these results belong to"
        raise BridgeError("this hold names no tube", where=f"hold {hold.id}", hint=hint)
    return tubes.state(tx, hold.tube_id)


def _check_key(key: Key) -> None:
    if key.doubt is not None or not key.key:
        hint = "name a barcode, or a running number's key in full"
        raise BridgeError(key.detail or "no specimen is named", where="the new specimen", hint=hint)


def _target(tubes: Tubes, tx: Connection, old: TubeState, key: Key, at: datetime) -> TubeState:
    _check_key(key)
    if key.key == old.key:
        raise BridgeError("the results are under this specimen already", where=f"tube {old.key}", hint="name another specimen")
    new = tubes.open(tx, key, at)
    tell_apart(tubes, tx, new)
    return new


def tell_apart(tubes: Tubes, tx: Connection, state: TubeState) -> None:
    """From here on correct what the tube reports, and replace nothing: what comes waits for a withdrawal elsewhere, in a delivery of its own, and
    a LIS hears before it what is collected already.
    """
    tubes.seal(tx, state.tube_id, state.version)
    state.sealed = state.version


def _settle(
    tubes: Tubes, tx: Connection, state: TubeState, hold: OpenHold, decided: Decided, word: str, by: str, at: datetime
) -> Receipt:
    """Close the hold in the person's name and store the event."""
    tables.CLOSE_HOLD.run(tx, of=hold.id, as_=word, at=stamp(at), by=by)
    state.touched = [touched for touched in state.touched if touched.id != hold.id]
    held_again = decided.event.holds if isinstance(decided.event, Released) else ()
    opened, closed = tubes.append(tx, state, decided.event, held_again, hold.analyzer, Arrival(hold.journal_id, 0, at))
    return Receipt(
        state.tube_id,
        state.key,
        state.version,
        state.stat,
        reports=tuple(decided.reports),
        opened=opened,
        closed=(hold.id, *closed),
    )


def _receive(
    tubes: Tubes,
    tx: Connection,
    old: TubeState,
    new: TubeState,
    parcels: list[Parcel],
    by: str,
    at: datetime,
    *,
    let_go: bool = False,
) -> list[Receipt]:
    """File each parcel as of the entry that it came in: a result is read there, and its pictures are those of that entry."""
    receipts = []
    for parcel in parcels:
        context = Context(parcel.analyzer, parcel.policy, by=by, origin=old.tube_id, let_go=let_go)
        arrival = Arrival(_entry_at(tx, old, parcel.seq), 0, at)
        receipts.append(tubes.receive(tx, new, parcel.message, context, arrival))
    return receipts


def _entry_of(tx: Connection, state: TubeState, slots: tuple[Slot, ...]) -> int:
    """The journal entry that the first of these results came in."""
    return _entry_at(tx, state, next((run.seq for slot in slots for run in state.slots.get(slot, ())), 0))


def _entry_at(tx: Connection, state: TubeState, seq: int) -> int:
    """The journal entry that an event of a tube came in; 0 where it has none."""
    row = tables.JOURNAL_OF.one(tx, of=state.tube_id, at_seq=seq)
    return int(row[0]) if row and row[0] is not None else 0
