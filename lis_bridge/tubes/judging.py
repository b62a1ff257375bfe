"""One row against the runs that are known of its measurement. Pure; nothing here changes a state."""

from __future__ import annotations

from typing import NamedTuple

from lis_bridge.core.holds import Reason
from lis_bridge.core.reports import Report, Status
from lis_bridge.core.results import Observation
from lis_bridge.tubes.events import Outcome, Policy, Slot
from lis_bridge.tubes.runs import DOUBTED, FINAL, again, newer, rank_of, same, same_mapping, same_text, token_of
from lis_bridge.tubes.state import DISCARDED, ENDED, HELD, MOVED, REPORTED, SUPERSEDED, Run, TubeState, is_taken_back

ANOTHER_VALUE = "another value of the same run"
HELD_BEFORE = "a person holds an earlier message of the same run back"
DISCARDED_BEFORE = "a person discarded this value of the same run"
ANOTHER_MATERIAL = "the same analyzer, code, time and value stand here as another material's"
TAKEN_BACK = "the device takes the reported value back and sends no other"
QUESTIONABLE = "the device says that its validity is questionable"


class Verdict(NamedTuple):
    """An outcome; of a held row the reason, and what a person should know."""

    outcome: Outcome
    reason: Reason | None = None
    detail: str = ""


_PREFERRED = {REPORTED: 0, HELD: 1, SUPERSEDED: 2}
_RIVALS = frozenset({REPORTED, SUPERSEDED, HELD, MOVED})


def twin_of(runs: tuple[Run, ...], token: str, row: Observation) -> Run | None:
    """A known run that this row retransmits; what is reported before what is held or history."""
    twins = (run for run in runs if run.token == token and run.standing is not ENDED and same(run.row, row))
    likely = (run for run in twins if run.row.is_result or not row.is_result)
    return min(likely, key=lambda run: _PREFERRED.get(run.standing, 3), default=None)


def rival_of(runs: tuple[Run, ...], token: str, ordinal: int, row: Observation) -> Run | None:
    """The same run with another value or status; the one that stands highest."""
    rivals = (
        run
        for run in runs
        if run.token == token and run.ordinal == ordinal and run.standing in _RIVALS and not same(run.row, row)
    )
    return max(rivals, key=lambda run: (run.standing is REPORTED, rank_of(run.row)), default=None)


def remaps(twin: Run, row: Observation) -> bool:
    """True when a retransmission would today be reported as another test or in another unit."""
    return twin.standing is REPORTED and row.is_result and row.problem is None and not same_mapping(twin.row, row)


def is_delivered(state: TubeState, slot: Slot, run: Run) -> bool:
    """True when a LIS may have seen a value of the reported run's test."""
    return state.told[slot[0], run.row.test, slot[2]].since <= state.sealed


def current_of(state: TubeState, slot: Slot, test: str | None) -> Run | None:
    """The run that the LIS is told now: of this slot, else of this test."""
    own = next((run for run in state.slots.get(slot, ()) if run.standing is REPORTED), None)
    told = state.told.get((slot[0], test, slot[2]))
    return own or (told.run if told else None)


def place(state: TubeState, slot: Slot, row: Observation, rival: Run | None, policy: Policy, is_rerun: bool) -> Verdict:
    """Where a row goes that nothing holds back: reported, kept as history, or held for contradicting what is known."""
    current = current_of(state, slot, row.test)
    if current is not None and bool(current.row.derived) != bool(row.derived):
        return Verdict(Outcome.STORED if row.derived else replacing(state, slot, current))
    conflict = _conflict(state, slot, row, rival)
    if conflict:
        return Verdict(Outcome.HELD, Reason.CONFLICTING_VALUE, conflict)
    if current is None:
        return Verdict(Outcome.NEW)
    is_own = any(run is current for run in state.slots.get(slot, ()))
    if rival is current or (is_own and same(current.row, row) and current.token == token_of(row)):
        # A higher status, or the same under a mended mapping; a final result that repeats the preliminary one is no correction.
        is_final = DOUBTED <= rank_of(row) <= FINAL  # a doubted row is placed where a person let it go
        is_confirmed = same_text(current.row, row) and same_mapping(current.row, row) and is_final
        outcome = replacing(state, slot, current)
        return Verdict(Outcome.CONFIRMED if is_confirmed and outcome is Outcome.CORRECT else outcome)
    if not is_own:
        return Verdict(Outcome.STORED)  # another code of the same test, with the same value
    wins = _WINS[policy](current.row, row, is_rerun)
    if wins is None:
        return Verdict(Outcome.HELD, Reason.CONFLICTING_VALUE, "another run, and the device marks neither")
    return Verdict(replacing(state, slot, current) if wins else Outcome.STORED)


def replacing(state: TubeState, slot: Slot, current: Run) -> Outcome:
    """How another row takes the place of the reported run."""
    return Outcome.CORRECT if is_delivered(state, slot, current) else Outcome.REPLACE


def _conflict(state: TubeState, slot: Slot, row: Observation, rival: Run | None) -> str:
    """How the row contradicts what is known without saying which is right; empty where it does not."""
    if rival is not None and is_taken_back(state, rival):
        return HELD_BEFORE
    if rival is not None and (rank_of(row) <= rank_of(rival.row) or rival.standing is MOVED):
        return ANOTHER_VALUE
    if rival is None and any(_is_discarded(run, row) for run in state.slots.get(slot, ())):
        return DISCARDED_BEFORE
    told = state.told.get((slot[0], row.test, slot[2]))
    if told is None or told.slot == slot or same_text(told.run.row, row):
        return ""
    return f"{told.slot[1]} gave another value of the same test"


def _is_discarded(run: Run, row: Observation) -> bool:
    """True where a person discarded this very value, and it comes again with another status."""
    return run.standing is DISCARDED and run.token == token_of(row) and same_text(run.row, row) and not same(run.row, row)


def _marked_wins(current: Observation, row: Observation, is_rerun: bool) -> bool | None:
    """By the device's mark; None where it marks neither."""
    was_rerun = again(current, False)
    if is_rerun:
        return newer(row, current) or not was_rerun
    return False if was_rerun else None


_WINS = {
    "last": lambda current, row, _: newer(row, current),
    "first": lambda current, row, _: not newer(row, current),
    "marked": _marked_wins,
}
"""Whether a row is reported in place of the run that is."""


def reason_of(problem: str) -> Reason:
    """The reason that a row's own problem stands for; a hook's free words mean a code that nobody mapped."""
    return Reason(problem) if problem in Reason._value2member_map_ else Reason.UNKNOWN_CODE


_OWED: dict[Outcome, Status] = {Outcome.NEW: "F", Outcome.REPLACE: "F", Outcome.CORRECT: "C"}


def reports_of(state: TubeState, slot: Slot, run: Run, outcome: Outcome) -> list[Report]:
    """What the LIS is owed for a run that gets this outcome; to be asked before the run is folded."""
    if outcome not in _OWED:
        return []
    old = next((other for other in state.slots.get(slot, ()) if other.standing is REPORTED), None)
    if old is not None and old.row.test != run.row.test:
        return [Report(old.row, "W", old.analyzer, slot[0]), Report(run.row, "F", run.analyzer, slot[0])]
    return [Report(run.row, _OWED[outcome], run.analyzer, slot[0])]
