"""Where results that a hold keeps back were reported before a person took them back: what lets them go waits for those withdrawals."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from lis_bridge.tubes import tables
from lis_bridge.tubes.events import Event, Filed, Moved, Withheld
from lis_bridge.tubes.state import TubeState
from lis_bridge.tubes.store import event_of


def tubes_of(tx: Connection, state: TubeState, hold_id: int) -> tuple[int, ...]:
    """The tubes from which a withdrawal of an open hold's results may be owed: this one, and those that they came from, however many
    moves ago. Raises KeyError when the hold is not open.
    """
    _, hold = state.hold(hold_id)
    seqs = {run.seq for _, run in hold.runs}
    events = _events(tx, state.tube_id)
    found = {state.tube_id: _takes_back(events.values())}
    ahead = _origins(event for seq, event in events.items() if seq in seqs)
    while ahead:
        tube_id = ahead.pop()
        if tube_id not in found:
            told = _events(tx, tube_id).values()
            found[tube_id] = _takes_back(told)
            ahead |= _origins(told)
    return tuple(sorted(tube_id for tube_id, takes_back in found.items() if takes_back))


def were_made(tx: Connection, tube_id: int) -> bool:
    """Whether a person ever took back what this tube had reported: a LIS may still have to hear of it."""
    return _takes_back(_events(tx, tube_id).values())


def _events(tx: Connection, tube_id: int) -> dict[int, Event]:
    return {int(seq): event_of(tx, content) for seq, content, _, _ in tables.EVENTS.rows(tx, of=tube_id)}


def _takes_back(events: Iterable[Event]) -> bool:
    """True where a person held back or moved what was reported."""
    return any(isinstance(event, Withheld) or (isinstance(event, Moved) and event.slots) for event in events)


def _origins(events: Iterable[Event]) -> set[int]:
    return {event.origin for event in events if isinstance(event, Filed) and event.origin}
