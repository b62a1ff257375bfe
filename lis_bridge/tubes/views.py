"""Tubes and holds as lists and pages show them. Reads only; states are folded from the events and not kept."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, RowMapping, func, or_, select

from lis_bridge.core.results import Observation, Patient
from lis_bridge.storage.schema.holds import hold
from lis_bridge.storage.schema.tubes import tube
from lis_bridge.tubes import tables
from lis_bridge.tubes.state import Run, Standing, TubeState
from lis_bridge.tubes.store import load


class TubeLine(msgspec.Struct, frozen=True):
    """A tube as lists show it; ``results`` counts what is reported, ``held`` what waits for a person."""

    id: int
    key: str
    specimen: str
    numbered: bool
    patient_id: str | None
    patient_name: str | None
    stat: bool
    version: int
    sealed: int
    results: int
    held: int
    created_at: str
    updated_at: str


class RunLine(msgspec.Struct, frozen=True):
    """One stored observation: where it stands, since which event, from which journal entry; ``hold`` while it is kept back."""

    source: str
    analyzer: str
    standing: str
    seq: int
    at: str
    journal_id: int | None
    observation: Observation
    hold: int | None = None
    reason: str | None = None


class TubeView(msgspec.Struct, frozen=True):
    """All that is known of a tube; runs in the order of their arrival, so that a run keeps its place. ``patient`` as the first message named him."""

    tube: TubeLine
    runs: tuple[RunLine, ...]
    patient: Patient | None = None


class HoldLine(msgspec.Struct, frozen=True):
    """A hold as lists show it; ``codes`` are the observations' keys, what a mapping is to say; ``key`` is None where no tube could be named."""

    id: int
    tube_id: int | None
    key: str | None
    journal_id: int
    analyzer: str
    reason: str
    detail: str
    codes: tuple[str, ...]
    results: int
    state: str
    created_at: str
    decided_at: str | None
    decided_by: str | None


def tubes(tx: Connection, *, search: str = "", held: bool = False, before: int | None = None, limit: int = 50) -> list[TubeLine]:
    """The newest tubes first; ``search`` is part of key, specimen or patient, ``before`` the last id of the page before."""
    wanted: list[ColumnElement[bool]] = []
    if search:
        columns = (tube.c.key, tube.c.specimen, tube.c.patient_name, tube.c.patient_id)
        wanted.append(or_(*(column.icontains(search, autoescape=True) for column in columns)))
    if held:
        wanted.append(tube.c.held > 0)
    if before is not None:
        wanted.append(tube.c.id < before)
    rows = tx.execute(select(tube).where(*wanted).order_by(tube.c.id.desc()).limit(limit))
    return [_tube_line(row) for row in rows.mappings()]


def _tube_line(row: RowMapping) -> TubeLine:
    content: dict[str, Any] = dict(row)
    return TubeLine(**{**content, "numbered": bool(row["numbered"]), "stat": bool(row["stat"])})


def find(tx: Connection, name: str) -> int | None:
    """The id of the tube with this key, else of the newest one with this specimen id."""
    row = tx.execute(
        select(tube.c.id)
        .where(or_(tube.c.key == name, tube.c.specimen == name))
        .order_by((tube.c.key == name).desc(), tube.c.id.desc())
        .limit(1)
    ).first()
    return int(row[0]) if row else None


def view(tx: Connection, tube_id: int) -> TubeView:
    """A tube with every run that was stored; raises KeyError where there is none."""
    row = tx.execute(select(tube).where(tube.c.id == tube_id)).mappings().first()
    if row is None:
        raise KeyError(tube_id)
    line = _tube_line(row)
    state = load(tx, TubeState(tube_id, line.key, line.numbered))
    origin = {seq: (at, journal_id) for seq, _, at, journal_id in tables.EVENTS.rows(tx, of=tube_id)}
    runs = [(run.seq, _run_line(state, slot[0], run, *origin[run.seq])) for slot, found in state.slots.items() for run in found]
    return TubeView(line, tuple(found for _, found in sorted(runs, key=lambda one: one[0])), state.patient)


def _run_line(state: TubeState, source: str, run: Run, at: str, journal_id: int | None) -> RunLine:
    kept = state.holds.get(run.hold)
    standing = Standing(run.standing).name.lower()
    return RunLine(
        source,
        run.analyzer,
        standing,
        run.seq,
        at,
        journal_id,
        run.row,
        kept.id if kept else None,
        str(kept.reason) if kept else None,
    )


def holds(
    tx: Connection, *, state: str | None = "open", tube_id: int | None = None, before: int | None = None, limit: int = 50
) -> list[HoldLine]:
    """The newest holds first; ``state`` None: decided ones too."""
    wanted: list[ColumnElement[bool]] = []
    if state is not None:
        wanted.append(hold.c.state == state)
    if tube_id is not None:
        wanted.append(hold.c.tube_id == tube_id)
    if before is not None:
        wanted.append(hold.c.id < before)
    rows = tx.execute(_HOLDS.where(*wanted).order_by(hold.c.id.desc()).limit(limit))
    return [_hold_line(row) for row in rows.mappings()]


def hold_line(tx: Connection, hold_id: int) -> HoldLine | None:
    """One hold, open or decided."""
    row = tx.execute(_HOLDS.where(hold.c.id == hold_id)).mappings().first()
    return _hold_line(row) if row else None


def open_counts(tx: Connection) -> dict[str, int]:
    """How many holds are open, by reason."""
    rows = tx.execute(select(hold.c.reason, func.count()).where(hold.c.state == "open").group_by(hold.c.reason))
    return {str(reason): int(count) for reason, count in rows}


_HOLDS = select(hold, tube.c.key).join_from(hold, tube, hold.c.tube_id == tube.c.id, isouter=True)


def _hold_line(row: RowMapping) -> HoldLine:
    content: dict[str, Any] = dict(row)
    content["codes"] = tuple(content["codes"].split("\n")) if content["codes"] else ()
    return HoldLine(**content)
