"""Whether a message is about the patient whose tube its key names. Pure.

A doubt holds the whole message: a result that collides with nothing may still belong to the other specimen.
"""

from __future__ import annotations

from typing import NamedTuple

from lis_bridge.core.results import Message, Observation, Patient
from lis_bridge.tubes.runs import again, same, token_of
from lis_bridge.tubes.state import HELD, REPORTED, SUPERSEDED, Run, TubeState, plain

_ALIVE = frozenset({REPORTED, SUPERSEDED, HELD})


class Doubt(NamedTuple):
    """Why a message may be about another specimen; ``second_run``: only because it measures anew what is known."""

    detail: str
    second_run: bool = False


def doubt_of(state: TubeState, message: Message, source: str) -> Doubt | None:
    """What speaks against the message being about this tube's patient, or None."""
    stranger = _stranger(state, message.patient)
    if stranger:
        return Doubt(stranger)
    if not state.numbered or not state.slots:
        return None
    code = _second_first_run(state, message, source)
    if code is not None:
        return Doubt(f"a second first run of {code} under this number", second_run=True)
    if state.doubtful and not _is_known(state, message.patient) and not _is_repeated(state, message, source):
        return Doubt("more under a number whose results are already held as doubtful")
    return None


def _stranger(state: TubeState, patient: Patient | None) -> str:
    if patient is None or patient == state.patient:
        return ""
    for what, text, known in (("name", patient.name, state.names), ("id", patient.id, state.ids)):
        comparable = plain(text)
        if comparable and known and comparable not in known:
            return f"another patient {what} than the tube's"
    return ""


def _is_known(state: TubeState, patient: Patient | None) -> bool:
    return patient is not None and (plain(patient.name) in state.names or plain(patient.id) in state.ids)


def _second_first_run(state: TubeState, message: Message, source: str) -> str | None:
    """The code that is measured anew without being called a rerun: the number may have been given to another specimen."""
    if _is_repeated(state, message, source):
        return None
    reruns = any(row.rerun is True for row in message.observations)
    for row in message.observations:
        runs = state.slots.get((source, row.key, row.aspect))
        if runs and row.is_result and not again(row, reruns) and _is_other_run(runs, row):
            return row.key
    return None


def _is_other_run(runs: tuple[Run, ...], row: Observation) -> bool:
    """True when nothing known of the slot is this row's run: another time or, without a time, another value."""
    alive = [run for run in runs if run.standing in _ALIVE]
    token = token_of(row)
    if not alive or (token and any(run.token == token for run in alive)):
        return False
    return not any(same(run.row, row) for run in alive if run.token == token)


def _is_repeated(state: TubeState, message: Message, source: str) -> bool:
    """True when a timed row of the message is already known here: the message is about this very measurement."""
    for row in message.observations:
        if row.observed_at is not None and "T" in row.observed_at and row.is_result:
            for run in state.slots.get((source, row.key, row.aspect), ()):
                if run.row.observed_at == row.observed_at and run.standing in (REPORTED, SUPERSEDED) and same(run.row, row):
                    return True
    return False
