"""Builders of invented observations and messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from lis_bridge.core.results import Message, Observation, Patient
from lis_bridge.tubes.assembly import Context, Filing, file
from lis_bridge.tubes.events import Event, decode, encode
from lis_bridge.tubes.state import TubeState, fold

NOW = datetime(2026, 3, 17, 2, 30, tzinfo=UTC)  # 10:30 in Shanghai
LINE = Context("line-1")


def at(clock: str) -> str:
    return f"2026-03-17T{clock}+08:00"


def row(code: str, value: str | None, time: str | None = "09:45:42", **more: Any) -> Observation:
    """A result of test ``code``; ``time`` is a clock time of 17 March 2026."""
    try:
        number = Decimal(value) if value else None
    except InvalidOperation:
        number = None
    content: dict[str, Any] = {
        "test": code,
        "raw": value or "***",
        "number": number,
        "unit": "mmol/L",
        "ucum": "mmol/L",
        "status": "F",
        "observed_at": at(time) if time else None,
    }
    return Observation(code=code, value=value, **{**content, **more})


def message(*rows: Observation, specimen: str | None = "26031700881", name: str | None = None, **more: Any) -> Message:
    patient = Patient(name=name) if name else None
    return Message("patient", specimen=specimen, patient=patient, observations=rows, **more)


def tube(*, numbered: bool = False, sealed: int = 0) -> TubeState:
    return TubeState(1, "20260317-line-1-7" if numbered else "26031700881", numbered, sealed=sealed)


def outcomes(filing: Filing) -> list[str]:
    return [str(outcome) for outcome in filing.outcomes]


def owed(filing: Filing) -> list[tuple[str, str | None, str]]:
    """Test, value and status of what the LIS is owed."""
    return [(str(one.observation.test), one.observation.value, one.status) for one in filing.reports]


def values(state: TubeState) -> dict[str, str | None]:
    """What the LIS should know: value by test."""
    return {str(test): found.value for (_, test, _), found in state.reported().items()}


def file_all(state: TubeState, messages: Sequence[Message], context: Context = LINE) -> list[Filing]:
    return [file(state, one, context) for one in messages]


def reasons(state: TubeState) -> list[str]:
    return [str(hold.reason) for hold in state.holds.values()]


def refolded(state: TubeState, filings: Sequence[Filing]) -> TubeState:
    """A state made from the stored form of the events alone."""
    events: list[Event] = [filing.event for filing in filings if filing.event]
    fresh = TubeState(state.tube_id, state.key, state.numbered, sealed=state.sealed)
    for event in events:
        fold(fresh, decode(encode(event)))
    return fresh


def snapshot(state: TubeState) -> tuple[object, ...]:
    """Everything that a state says, by value."""
    runs = {
        slot: [(run.row, run.analyzer, run.token, run.ordinal, run.seq, run.standing, run.hold) for run in found]
        for slot, found in state.slots.items()
    }
    told = {key: (one.slot, one.run.row, one.since) for key, one in state.told.items()}
    holds = {
        handle: (hold.reason, hold.policy, hold.patient, [(slot, run.row) for slot, run in hold.runs])
        for handle, hold in state.holds.items()
    }
    return runs, told, holds, state.version, state.held, state.stat, state.patient, state.ids, state.names
