"""What becomes of each observation of a message. Pure.

``file`` judges a message row by row against the tube's state and folds each row as it goes (a row sees the rows before it); the event that
it returns makes ``fold`` do the same again. In order: a known run with an equal value is a repeat; a doubt about the whole message,
a missing mapping, an id that may have been corrected hold the row; a different value of the same run is a correction where its status says
so, else held; another run is reported or kept as the driver's policy says.

Two device codes of one source that are mapped to one test give one result: an equal value of the second code is stored, a different
one is held. A value that the device sent takes the place of one that was derived.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lis_bridge.core.holds import Reason
from lis_bridge.core.reports import Report
from lis_bridge.core.results import Message, Observation
from lis_bridge.tubes.doubts import Doubt, doubt_of
from lis_bridge.tubes.events import CODES, Filed, HoldOpened, Outcome, Policy, Slot
from lis_bridge.tubes.judging import (
    ANOTHER_MATERIAL,
    ANOTHER_VALUE,
    QUESTIONABLE,
    TAKEN_BACK,
    Verdict,
    is_delivered,
    place,
    reason_of,
    remaps,
    reports_of,
    rival_of,
    twin_of,
)
from lis_bridge.tubes.runs import FINAL, WITHDRAWN, again, rank_of, source_of, takes_back, token_of
from lis_bridge.tubes.state import (
    DISCARDED,
    HELD,
    MOVED,
    REPORTED,
    SUPERSEDED,
    Hold,
    Run,
    Told,
    TubeState,
    add,
    handle_of,
    know,
    of_other_materials,
)

_KNOWN = frozenset({REPORTED, SUPERSEDED})


@dataclass(frozen=True, slots=True)
class Context:
    """What a message does not say of itself. ``policy``: which run the driver reports. ``foreign``: indexes of rows that stand under
    another tube already. ``doubt``: why the key itself is doubtful. ``adopt``: a person agreed that results go where the mapping now says.
    ``by``: the person who files it, whose word settles doubts; ``origin`` the tube that moved rows come from. ``replayed``: the entry was
    processed before. ``let_go``: the values were reported of another tube, so that what the device doubts of them is settled.
    """

    analyzer: str
    policy: Policy = "last"
    order_known: bool = True
    foreign: frozenset[int] = frozenset()
    doubt: str = ""
    adopt: bool = False
    by: str = ""
    origin: int = 0
    replayed: bool = False
    let_go: bool = False


@dataclass(slots=True)
class Filing:
    """What became of a message: an outcome per row, what the LIS is owed, and the event to store (None: nothing new)."""

    outcomes: list[Outcome] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    event: Filed | None = None


def file(state: TubeState, message: Message, context: Context) -> Filing:
    """Judge and fold a patient's message of this tube. Raises ValueError for another kind: a control is never a result."""
    if message.kind != "patient":
        raise ValueError(f"a {message.kind} message belongs to no tube")
    if not message.closed:
        return Filing([Outcome.EVIDENCE] * len(message.observations))
    return _Filer(state, message, context).run()


class _Filer:
    """One message on its way into one tube."""

    def __init__(self, state: TubeState, message: Message, context: Context) -> None:
        self.state, self.message, self.context = state, message, context
        self.source = source_of(message, context.analyzer)
        self.doubt = self._doubt()
        self.whole = self._whole()
        self.seq = state.version + 1
        self.filing = Filing()
        self.rows: list[Observation] = []
        self.verdicts = bytearray()
        self.ordinals: dict[int, int] = {}
        self.holds: dict[Reason, HoldOpened] = {}
        self.counts: dict[tuple[Slot, str], int] = {}

    def _doubt(self) -> Doubt | None:
        if self.context.by:
            return None
        return Doubt(self.context.doubt) if self.context.doubt else doubt_of(self.state, self.message, self.source)

    def _whole(self) -> tuple[Reason, str] | None:
        """What holds every new row of the message."""
        if self.doubt is not None:
            return Reason.IDENTITY_DOUBTFUL, self.doubt.detail
        if not self.message.complete and not self.context.by:
            return Reason.CUT_OFF, "the transmission broke off"
        return None

    def run(self) -> Filing:
        state = self.state
        state.version = self.seq
        self._take_rows()
        if not self.rows:
            state.version -= 1
            return self.filing
        state.stat = state.stat or self.message.stat
        if self.doubt is None:
            know(state, self.message.patient)
        self.filing.event = self._event()
        return self.filing

    def _take_rows(self) -> None:
        state, source, analyzer, seq = self.state, self.source, self.context.analyzer, self.seq
        slots, told, foreign, new = state.slots, state.told, self.context.foreign, CODES[Outcome.NEW]
        outcomes, reports, rows, verdicts = self.filing.outcomes, self.filing.reports, self.rows, self.verdicts
        plain = self.whole is None and self.context.order_known and not state.materials
        for index, row in enumerate(self.message.observations):
            slot = (source, row.key, row.aspect)
            key = (source, row.test, row.aspect)
            if (
                not plain
                or slot in slots
                or key in told
                or row.value is None
                or row.test is None
                or row.problem is not None
                or row.superseded
                or row.occurrence
                or index in foreign
                or row.doubted
                or row.material
                or (row.status != "F" and rank_of(row) > FINAL)
            ):
                outcomes.append(self._take(index, row, slot))
                continue
            # A first transmission's row: nothing is known that could speak against it.
            run = Run(row, analyzer, token_of(row), 0, seq, REPORTED)
            slots[slot] = (run,)
            told[key] = Told(slot, run, seq)
            rows.append(row)
            verdicts.append(new)
            outcomes.append(Outcome.NEW)
            reports.append(Report(row, "F", analyzer, source))

    def _event(self) -> Filed:
        message, context = self.message, self.context
        return Filed(
            analyzer=context.analyzer,
            source=self.source,
            policy=context.policy,
            patient=message.patient,
            stat=message.stat,
            rows=tuple(self.rows),
            ordinals=self.ordinals,
            verdicts=bytes(self.verdicts),
            holds=tuple(self.holds.values()),
            doubtful=self.doubt is not None,
            by=context.by,
            origin=context.origin,
        )

    def _take(self, index: int, row: Observation, slot: Slot) -> Outcome:
        token = token_of(row)
        runs = self.state.slots.get(slot, ())
        ordinal = self._ordinal(row, slot, token, runs)
        twin = twin_of(runs, token, row)
        if twin is not None and not self._ends(twin, row):
            if self.whole is not None or not remaps(twin, row):
                return Outcome.REPEAT
            if not self.context.adopt and is_delivered(self.state, slot, twin):
                return Outcome.REMAPPED
        run = Run(row, self.context.analyzer, token, ordinal, self.seq, SUPERSEDED)
        verdict = self._judge(index, row, slot, rival_of(runs, token, ordinal, row))
        self._keep(run, slot, verdict)
        return verdict.outcome

    def _ordinal(self, row: Observation, slot: Slot, token: str, runs: tuple[Run, ...]) -> int:
        """Which of the message's rows with this run it is; without a run, the driver may know better."""
        key = (slot, token)
        earlier = self.counts.get(key)
        if earlier is None:
            earlier = int(any(run.seq == self.seq and run.token == token for run in runs))
        self.counts[key] = earlier + 1
        return earlier if token else max(earlier, row.occurrence)

    def _keep(self, run: Run, slot: Slot, verdict: Verdict) -> None:
        index = len(self.rows)
        self.rows.append(run.row)
        self.verdicts.append(CODES[verdict.outcome])
        if run.ordinal:
            self.ordinals[index] = run.ordinal
        if verdict.reason is not None:
            run.hold = self._hold(verdict.reason, verdict.detail, index)
        self.filing.reports.extend(reports_of(self.state, slot, run, verdict.outcome))
        add(self.state, slot, run, verdict.outcome)

    def _hold(self, reason: Reason, detail: str, index: int) -> int:
        opened = self.holds.setdefault(reason, HoldOpened(reason, detail, []))
        opened.rows.append(index)
        handle = handle_of(self.seq, list(self.holds).index(reason))
        if handle not in self.state.holds:
            self.state.holds[handle] = Hold(0, reason, detail, self.context.policy, self.message.patient)
        return handle

    def _ends(self, twin: Run, row: Observation) -> bool:
        """True when the twin waited for just this: the whole message, a mapping, an order, a person."""
        if twin.seq == self.seq:
            return False
        if twin.standing is not HELD:
            return bool(self.context.by) and twin.standing in (MOVED, DISCARDED)
        reason = self.state.holds[twin.hold].reason
        if self.context.by:
            return True
        if reason is Reason.CUT_OFF:
            return self.message.complete
        if reason is Reason.NO_ORDER:
            return self.context.order_known
        if row.doubted is not twin.row.doubted:
            return True  # the driver has come to say otherwise of its status
        return twin.row.problem is not None and reason is reason_of(twin.row.problem) and row.problem != twin.row.problem

    def _judge(self, index: int, row: Observation, slot: Slot, rival: Run | None) -> Verdict:
        if row.value is None:
            is_taken_back = rival is not None and rival.standing is REPORTED and takes_back(row)
            return Verdict(Outcome.HELD, Reason.CONFLICTING_VALUE, TAKEN_BACK) if is_taken_back else Verdict(Outcome.NO_RESULT)
        if not row.is_result:
            return Verdict(Outcome.INFO)
        held = self._held(index, row, slot, rival)
        if held is not None:
            return Verdict(Outcome.HELD, *held)
        if row.superseded:
            return Verdict(Outcome.STORED)
        reruns = any(other.rerun is True for other in self.message.observations)
        policy = "last" if self.context.by and self.context.policy == "marked" else self.context.policy
        return place(self.state, slot, row, rival, policy, again(row, reruns))

    def _held(self, index: int, row: Observation, slot: Slot, rival: Run | None) -> tuple[Reason, str] | None:
        if self.doubt is not None and self.doubt.second_run and rival is not None:
            return Reason.CONFLICTING_VALUE, ANOTHER_VALUE
        if self.whole is not None:
            return self.whole
        if row.problem is not None:
            return reason_of(row.problem), row.problem
        if rank_of(row) == WITHDRAWN:
            return Reason.CONFLICTING_VALUE, "the device marks it as deleted or wrong"
        if row.doubted and not row.superseded and not self.context.let_go:
            return Reason.DOUBTED, QUESTIONABLE
        if index in self.context.foreign and not self.context.by:
            return Reason.POSSIBLE_ID_CORRECTION, "the same analyzer, test, time and value stand under another specimen"
        if not self.context.by and any(other.standing in _KNOWN for _, other in of_other_materials(self.state, slot, row)):
            return Reason.CONFLICTING_VALUE, ANOTHER_MATERIAL
        if not self.context.order_known:
            return Reason.NO_ORDER, ""
        if row.superseded and self._is_followed_by_nothing(row):
            return Reason.CONFLICTING_VALUE, "the rerun of the same message gave no result"
        return None

    def _is_followed_by_nothing(self, row: Observation) -> bool:
        last = [other for other in self.message.observations if other.key == row.key and other.aspect == row.aspect][-1]
        return last.value is None
