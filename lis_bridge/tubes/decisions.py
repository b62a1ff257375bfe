"""What a person decides about a tube: let held results go, discard them, hold results back, move them to another specimen. Pure.

Each function folds its event into the state and returns it with what the LIS is owed. Results arrive in the other tube through
``assembly.file`` with the person's name; a W for the old tube is owed before the F for the new one (promise 3).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lis_bridge.core.faults import BridgeError
from lis_bridge.core.holds import BY_HAND, Reason
from lis_bridge.core.reports import Report
from lis_bridge.core.results import Message, Observation
from lis_bridge.tubes.events import CODES, Discarded, Event, HoldOpened, Moved, Outcome, Policy, Released, Slot, Withheld
from lis_bridge.tubes.judging import QUESTIONABLE, Verdict, current_of, place, reason_of, replacing, reports_of, rival_of
from lis_bridge.tubes.runs import WITHDRAWN, again, rank_of, same_text
from lis_bridge.tubes.state import HELD, REPORTED, SUPERSEDED, Hold, Run, TubeState, fold, handle_of, know, stand, unhold

_MAPPING = frozenset({Reason.UNKNOWN_CODE, Reason.UNKNOWN_UNIT, Reason.UNKNOWN_ENCODING})
_OF_VALUES = frozenset({Reason.DOUBTED, Reason.CONFLICTING_VALUE, Reason.UNDER_REVIEW})
"""Who releases such a hold has looked at the values; of another, only at whose they are, or whether they are all."""


@dataclass(frozen=True, slots=True)
class Decided:
    """The event of a decision, and the reports that follow from it for this tube."""

    event: Event
    reports: list[Report]


@dataclass(frozen=True, slots=True)
class Parcel:
    """Results that one event filed on their way to another tube; ``message`` is what they say there."""

    seq: int
    analyzer: str
    policy: Policy
    message: Message


def release(state: TubeState, hold_id: int, by: str) -> Decided:
    """Let a hold's results go. Of conflicting values the released one was chosen; others are placed by the driver's policy.

    A row whose mapping still lacks goes to a new hold, and one that the device doubts where the hold was about something else. Raises KeyError
    when the hold is not open, BridgeError when releasing cannot help.
    """
    _, hold = state.hold(hold_id)
    _check_releasable(hold)
    state.version += 1
    if hold.reason is Reason.IDENTITY_DOUBTFUL:
        know(state, hold.patient)
    reports: list[Report] = []
    verdicts = bytearray()
    opened: dict[Reason, HoldOpened] = {}
    for index, (slot, run) in enumerate(tuple(hold.runs)):
        unhold(state, slot, run, SUPERSEDED)
        verdict = _verdict(state, hold, slot, run)
        if verdict.reason is not None:
            run.hold = _hold_again(state, hold, opened, verdict, index)
        reports.extend(reports_of(state, slot, run, verdict.outcome))
        stand(state, slot, run, verdict.outcome)
        verdicts.append(CODES[verdict.outcome])
    return Decided(Released(hold_id, by, bytes(verdicts), tuple(opened.values())), reports)


def _check_releasable(hold: Hold) -> None:
    if hold.reason in _MAPPING:
        raise BridgeError(
            "these results have no test or unit yet", where=f"hold {hold.id}", hint="mend the mapping, then replay the entry"
        )
    if any(run.row.value is None or rank_of(run.row) == WITHDRAWN for _, run in hold.runs):
        hint = "tell the LIS's users, then discard the hold"
        raise BridgeError("the device marks these results as deleted or wrong", where=f"hold {hold.id}", hint=hint)


def _verdict(state: TubeState, hold: Hold, slot: Slot, run: Run) -> Verdict:
    row = run.row
    if row.problem is not None:
        return Verdict(Outcome.HELD, reason_of(row.problem), row.problem)
    if row.doubted and hold.reason not in _OF_VALUES and not row.superseded:
        return Verdict(Outcome.HELD, Reason.DOUBTED, QUESTIONABLE)
    if hold.reason is Reason.CONFLICTING_VALUE:
        current = current_of(state, slot, row.test)
        return Verdict(replacing(state, slot, current) if current else Outcome.NEW)
    if row.superseded:
        return Verdict(Outcome.STORED)
    others = tuple(other for other in state.slots[slot] if other is not run)
    if row.doubted and any(_is_reported_already(other, run) for other in others):
        return Verdict(Outcome.STORED)
    policy: Policy = "first" if hold.policy == "first" else "last"
    return place(state, slot, row, rival_of(others, run.token, run.ordinal, row), policy, again(row, False))


def _is_reported_already(other: Run, run: Run) -> bool:
    return other.standing is REPORTED and other.token == run.token and same_text(other.row, run.row)


def _hold_again(state: TubeState, hold: Hold, opened: dict[Reason, HoldOpened], verdict: Verdict, index: int) -> int:
    reason = verdict.reason or hold.reason
    opened.setdefault(reason, HoldOpened(reason, verdict.detail, [])).rows.append(index)
    handle = handle_of(state.version, list(opened).index(reason))
    state.holds.setdefault(handle, Hold(0, reason, verdict.detail, hold.policy, hold.patient))
    return handle


def discard(state: TubeState, hold_id: int, by: str) -> Decided:
    """Decide that a hold's results are none of this tube. Raises KeyError when the hold is not open."""
    state.hold(hold_id)
    event = Discarded(hold_id, by)
    fold(state, event)
    return Decided(event, [])


def withhold(state: TubeState, slots: Iterable[Slot], policy: Policy, reason: Reason, detail: str, by: str) -> Decided:
    """Hold back what is reported in these slots, for a reason of ``BY_HAND`` and in the person's words.

    The LIS is owed a withdrawal (W) of each; what it was not told yet is then not told at all (``outbox.merging``). Released, a result is
    reported anew (F). Another run that comes meanwhile is reported: it is what a rerun was asked for. The same run with another status is
    held too. Raises BridgeError.
    """
    if reason not in BY_HAND:
        raise BridgeError(
            "a person cannot hold results for this reason",
            where=str(reason),
            hint="choose one of the reasons that a person may give",
        )
    runs = _reported(state, slots)
    reports = [Report(run.row, "W", run.analyzer, slot[0]) for slot, run in runs]
    opened = HoldOpened(reason, detail, list(range(len(runs))))
    event = Withheld(by, tuple(slot for slot, _ in runs), (opened,), policy)
    fold(state, event)
    return Decided(event, reports)


def move_held(state: TubeState, hold_id: int, to: str, by: str) -> tuple[Decided, list[Parcel]]:
    """Take a hold's results out of this tube, for the tube ``to``. Raises KeyError when the hold is not open."""
    _, hold = state.hold(hold_id)
    parcels = _parcels(state, hold.policy, [(slot, run) for slot, run in hold.runs if run.standing is HELD])
    event = Moved(by, to, hold=hold_id)
    fold(state, event)
    return Decided(event, []), parcels


def move_results(state: TubeState, slots: Iterable[Slot], policy: Policy, to: str, by: str) -> tuple[Decided, list[Parcel]]:
    """Take what is reported in these slots, with its history, out of this tube. Raises BridgeError where nothing is reported."""
    runs = _reported(state, slots)
    reports = [Report(run.row, "W", run.analyzer, slot[0]) for slot, run in runs]
    parcels = _parcels(state, policy, runs)
    event = Moved(by, to, slots=tuple(slot for slot, _ in runs))
    fold(state, event)
    return Decided(event, reports), parcels


def _reported(state: TubeState, slots: Iterable[Slot]) -> list[tuple[Slot, Run]]:
    wanted = frozenset(slots)
    runs = [(slot, run) for slot, found in state.slots.items() if slot in wanted for run in found if run.standing is REPORTED]
    if not runs:
        raise BridgeError("none of these results is reported", where=f"tube {state.key}", hint="look at the tube's results again")
    return runs


def _parcels(state: TubeState, policy: Policy, runs: list[tuple[Slot, Run]]) -> list[Parcel]:
    groups: dict[tuple[str, str, int], list[Observation]] = {}
    for slot, run in runs:
        groups.setdefault((slot[0], run.analyzer, run.seq), []).append(run.row)
    return [
        Parcel(seq, analyzer, policy, Message("patient", observations=tuple(rows), stat=state.stat, serial=source))
        for (source, analyzer, seq), rows in groups.items()
    ]
