"""What is known of a tube, and how each event changes it. Pure.

``fold`` is the only way in. A state is changed in place and belongs to whoever folded it: one message costs what the message holds,
whatever the tube held before. Invariants: a measurement (slot) has at most one reported run; a catalogue test of a source is reported
by at most one slot; ``told`` is exactly what the LIS should know of the tube.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import msgspec

from lis_bridge.core.holds import BY_HAND, Reason
from lis_bridge.core.results import Observation, Patient, of_material
from lis_bridge.tubes.events import (
    REPORTING,
    VERDICTS,
    Discarded,
    Event,
    Filed,
    HoldOpened,
    Moved,
    Outcome,
    Policy,
    Released,
    Slot,
    Withheld,
)
from lis_bridge.tubes.runs import differs_in_material, ends, token_of


class Standing(IntEnum):
    """Where a run stands now."""

    REPORTED = 0
    SUPERSEDED = 1
    HELD = 2
    ASIDE = 3  # a row that is no result
    ENDED = 4  # held until the same row came again and was filed
    DISCARDED = 5
    MOVED = 6


REPORTED, SUPERSEDED, HELD, ASIDE, ENDED, DISCARDED, MOVED = Standing
_STANDINGS = {Outcome.STORED: SUPERSEDED, Outcome.HELD: HELD, Outcome.INFO: ASIDE, Outcome.NO_RESULT: ASIDE} | dict.fromkeys(
    REPORTING, REPORTED
)


MAPPED = frozenset({Reason.UNKNOWN_CODE, Reason.UNKNOWN_UNIT})
"""What a mapping mends."""


class Run(msgspec.Struct, gc=False, eq=False):
    """One stored observation: ``seq`` is the event that filed it, ``hold`` the handle of what keeps it back (-1: nothing)."""

    row: Observation
    analyzer: str
    token: str
    ordinal: int
    seq: int
    standing: Standing
    hold: int = -1


class Told(msgspec.Struct, gc=False):
    """What the LIS is told of one test: the run, its slot, and ``since`` which event it has been told anything."""

    slot: Slot
    run: Run
    since: int


@dataclass(slots=True, eq=False)
class Hold:
    """Runs kept back together. ``id`` is the row of table ``hold``; ``patient`` is whom the message named."""

    id: int
    reason: Reason
    detail: str
    policy: Policy
    patient: Patient | None
    runs: list[tuple[Slot, Run]] = field(default_factory=list)


TestKey = tuple[str, str | None, str]
"""Source, catalogue test, aspect: as ``Report.identity``."""


@dataclass(slots=True)
class TubeState:
    """One tube; ``specimen`` is the wire's id. ``sealed`` is the last event that a LIS may have seen; ``ids`` and ``names`` are its patient's, in
    comparable form.

    ``materials`` are those, other than the usual, of its results. ``touched`` are the holds that lost runs since somebody last emptied the list.
    """

    tube_id: int
    key: str
    numbered: bool = False
    version: int = 0
    sealed: int = 0
    stat: bool = False
    patient: Patient | None = None
    ids: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    slots: dict[Slot, tuple[Run, ...]] = field(default_factory=dict)
    told: dict[TestKey, Told] = field(default_factory=dict)
    materials: set[str] = field(default_factory=set)
    holds: dict[int, Hold] = field(default_factory=dict)
    held: int = 0
    touched: list[Hold] = field(default_factory=list)
    specimen: str = ""

    @property
    def is_new(self) -> bool:
        """True before the first event."""
        return self.version == 0

    @property
    def doubtful(self) -> bool:
        """True while somebody has to say whose results are held here."""
        return any(hold.reason is Reason.IDENTITY_DOUBTFUL for hold in self.holds.values())

    def hold(self, hold_id: int) -> tuple[int, Hold]:
        """The open hold and its handle; raises KeyError when it is not open."""
        for handle, hold in self.holds.items():
            if hold.id == hold_id:
                return handle, hold
        raise KeyError(hold_id)

    def reported(self) -> dict[TestKey, Observation]:
        """What the LIS should know of this tube."""
        return {key: told.run.row for key, told in self.told.items()}


def fold(state: TubeState, event: Event) -> TubeState:
    """The state after the event: the same object, changed."""
    state.version += 1
    _FOLDS[type(event)](state, event)
    return state


def plain(text: str | None) -> str:
    """A name or id in comparable form: analyzers differ in case, blanks and component marks."""
    return " ".join((text or "").replace("^", " ").casefold().split())


def know(state: TubeState, patient: Patient | None) -> None:
    """Take a patient's id and name as this tube's."""
    if patient is None or patient == state.patient:
        return
    if state.patient is None:
        state.patient = patient
    for text, known in ((patient.id, state.ids), (patient.name, state.names)):
        if comparable := plain(text):
            known.add(comparable)


def handle_of(seq: int, place: int) -> int:
    """What a tube calls the n-th hold that an event opened; an event opens at most one for each reason."""
    return seq * len(Reason) + place


def is_taken_back(state: TubeState, run: Run) -> bool:
    """True for a run that a person holds back: its hold was opened after it was filed."""
    return run.standing is HELD and run.hold // len(Reason) > run.seq and state.holds[run.hold].reason in BY_HAND


def open_holds(state: TubeState, opened: tuple[HoldOpened, ...], policy: Policy, patient: Patient | None) -> dict[int, int]:
    """Open an event's holds; the handle of each row that they hold."""
    handles: dict[int, int] = {}
    for place, hold in enumerate(opened):
        handle = handle_of(state.version, place)
        state.holds[handle] = Hold(hold.id, hold.reason, hold.detail, policy, patient)
        handles.update(dict.fromkeys(hold.rows, handle))
    return handles


def add(state: TubeState, slot: Slot, run: Run, outcome: Outcome) -> None:
    """File a run. A held run of the same row is ended: what it waited for has come; so is one that the device doubted then and does not now.

    Rows of one message end nothing of each other.
    """
    if run.row.material:
        state.materials.add(run.row.material)
    if state.materials:
        _end_read_anew(state, slot, run)
    runs = state.slots.get(slot)
    if runs is None:
        state.slots[slot] = (run,)
    else:
        for other in runs:
            if other.standing is HELD and other.seq != run.seq and other.token == run.token and ends(other.row, run.row):
                unhold(state, slot, other, ENDED)
        state.slots[slot] = (*runs, run)
    stand(state, slot, run, outcome)


def of_other_materials(state: TubeState, slot: Slot, row: Observation) -> Iterator[tuple[Slot, Run]]:
    """Runs with their slots that look like the same measurement of another material."""
    if not (state.materials or row.material):
        return
    for material in {"", *state.materials} - {row.material}:
        other = (slot[0], of_material(row.code, material), slot[2])
        yield from ((other, run) for run in state.slots.get(other, ()) if differs_in_material(run.row, row))


def _end_read_anew(state: TubeState, slot: Slot, run: Run) -> None:
    """End what waits for a mapping and is this very row of its message, which a replay reads as of another material: by its old key nothing
    mends it any more.
    """
    for other_slot, other in of_other_materials(state, slot, run.row):
        is_waiting = other.standing is HELD and state.holds[other.hold].reason in MAPPED
        if is_waiting and other.seq != run.seq and other.row.span == run.row.span:
            unhold(state, other_slot, other, ENDED)


def stand(state: TubeState, slot: Slot, run: Run, outcome: Outcome) -> None:
    """Give a run of a slot the standing that its outcome says."""
    run.standing = _STANDINGS[outcome]
    if run.standing is HELD:
        state.held += 1
        state.holds[run.hold].runs.append((slot, run))
    elif run.standing is REPORTED:
        _tell(state, slot, run)


def _tell(state: TubeState, slot: Slot, run: Run) -> None:
    for other in state.slots[slot]:
        if other.standing is REPORTED and other is not run:
            other.standing = SUPERSEDED
            if other.row.test != run.row.test:
                del state.told[slot[0], other.row.test, slot[2]]
    key = (slot[0], run.row.test, slot[2])
    told = state.told.get(key)
    if told is None:
        state.told[key] = Told(slot, run, state.version)
        return
    if told.run is not run:
        told.run.standing = SUPERSEDED
    told.slot, told.run = slot, run


def unhold(state: TubeState, slot: Slot, run: Run, standing: Standing) -> None:
    """Take a run out of its hold; a hold without runs is closed."""
    hold = state.holds[run.hold]
    hold.runs.remove((slot, run))
    if not hold.runs:
        del state.holds[run.hold]
    if hold.id and hold not in state.touched:
        state.touched.append(hold)
    run.hold, run.standing = -1, standing
    state.held -= 1


def _filed(state: TubeState, event: Filed) -> None:
    state.stat = state.stat or event.stat
    if not event.doubtful:
        know(state, event.patient)
    handles = open_holds(state, event.holds, event.policy, event.patient)
    for index, row in enumerate(event.rows):
        slot = (event.source, row.key, row.aspect)
        run = Run(
            row, event.analyzer, token_of(row), event.ordinals.get(index, 0), state.version, REPORTED, handles.get(index, -1)
        )
        add(state, slot, run, VERDICTS[event.verdicts[index]])


def _released(state: TubeState, event: Released) -> None:
    _, hold = state.hold(event.hold)
    if hold.reason is Reason.IDENTITY_DOUBTFUL:
        know(state, hold.patient)
    handles = open_holds(state, event.holds, hold.policy, hold.patient)
    for index, (slot, run) in enumerate(tuple(hold.runs)):
        unhold(state, slot, run, SUPERSEDED)
        run.hold = handles.get(index, -1)
        stand(state, slot, run, VERDICTS[event.verdicts[index]])


def _discarded(state: TubeState, event: Discarded) -> None:
    _, hold = state.hold(event.hold)
    for slot, run in tuple(hold.runs):
        unhold(state, slot, run, DISCARDED)


def _moved(state: TubeState, event: Moved) -> None:
    if event.hold:
        _, hold = state.hold(event.hold)
        for slot, run in tuple(hold.runs):
            unhold(state, slot, run, MOVED)
    for slot in event.slots:
        for run in state.slots[slot]:
            if run.standing in (REPORTED, SUPERSEDED):
                run.standing = MOVED
    _tell_no_more(state, event.slots)


def _withheld(state: TubeState, event: Withheld) -> None:
    handles = open_holds(state, event.holds, event.policy, None)
    for index, slot in enumerate(event.slots):
        for run in state.slots[slot]:
            if run.standing is REPORTED:
                run.hold = handles[index]
                stand(state, slot, run, Outcome.HELD)
    _tell_no_more(state, event.slots)


def _tell_no_more(state: TubeState, slots: tuple[Slot, ...]) -> None:
    gone = frozenset(slots)
    for key in [key for key, told in state.told.items() if told.slot in gone]:
        del state.told[key]


_FOLDS: dict[type[Event], Callable[[TubeState, Any], None]] = {
    Filed: _filed,
    Released: _released,
    Discarded: _discarded,
    Moved: _moved,
    Withheld: _withheld,
}
