"""A tube's page: its results by panel in the laboratory's order, its holds, its critical values. One read, however many results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from lis_bridge.catalogue.tests import Test, TestCatalogue
from lis_bridge.console.queries.judged import Bar, Judged, bar, judge
from lis_bridge.console.queries.past import Past, Previous
from lis_bridge.console.queries.told import Delivered, Tellings
from lis_bridge.console.queries.work import TO_MAP, criticals
from lis_bridge.tubes import views
from lis_bridge.tubes.views import HoldLine, RunLine, TubeView

Standing = Literal["reported", "held", "aside"]
_SHOWN = ("reported", "held")
NO_PANEL = ""


@dataclass(frozen=True, slots=True)
class Lab:
    """What the laboratory says: its tests, and each destination's charset."""

    tests: TestCatalogue
    charsets: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Result:
    """One row; ``number`` is the run's place in the tube, by which it is asked for. ``runs``: how many were measured."""

    number: int
    source: str
    code: str
    aspect: str
    test: str
    name_zh: str
    name_en: str
    judged: Judged
    bar: Bar | None
    previous: Previous | None
    runs: int
    analyzer: str
    observed_at: str
    standing: Standing
    hold: int | None
    delivered: Delivered
    corrected: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """A group of the catalogue; both names empty for what the catalogue does not know."""

    name_zh: str
    name_en: str
    results: Sequence[Result]

    @property
    def criticals(self) -> int:
        """Results beyond a critical limit."""
        return sum(one.judged.tone == "c" for one in self.results)

    @property
    def abnormal(self) -> int:
        """Results out of their range, the critical ones too."""
        return sum(one.judged.tone != "n" for one in self.results)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Results kept back together, with the closed list's reason; ``may_release``: a person's word is enough."""

    id: int
    reason: str
    detail: str
    codes: tuple[str, ...]
    results: int
    analyzer: str
    since: datetime
    may_release: bool


@dataclass(frozen=True, slots=True)
class Urgent:
    """A critical value that nobody was told of."""

    id: int
    test: str
    value: str
    unit: str
    side: str


@dataclass(frozen=True, slots=True)
class TubeSheet:
    """A tube. ``stamp`` changes whenever anything on the page may have."""

    id: int
    key: str
    specimen: str
    numbered: bool
    stat: bool
    version: int
    patient_id: str
    patient: str
    sex: str
    age: str
    birth: str
    created_at: datetime
    updated_at: datetime
    previous_at: datetime | None
    panels: Sequence[Panel]
    holds: Sequence[Waiting]
    urgent: Sequence[Urgent]
    stamp: str

    @property
    def results(self) -> list[Result]:
        """All rows in the page's order."""
        return [one for panel in self.panels for one in panel.results]


def stamp(tx: Connection, key: str) -> tuple[int, str] | None:
    """The tube's id and what its page depends on: events, deliveries and calls. None for no such tube."""
    id = views.find(tx, key)
    if id is None:
        return None
    row = tx.exec_driver_sql(_STAMP.format(id=int(id))).one()
    return id, "-".join(str(part or 0) for part in row)


_STAMP = (
    "SELECT (SELECT version FROM tube WHERE id = {id}), (SELECT count(*) FROM delivery WHERE tube_id = {id}),"
    " (SELECT count(*) FROM delivery WHERE tube_id = {id} AND state IN ('open', 'pending')),"
    " (SELECT count(*) FROM delivery WHERE tube_id = {id} AND state = 'dead'),"
    " (SELECT count(*) FROM critical WHERE tube_id = {id} AND state = 'open')"
)


def sheet(tx: Connection, key: str, lab: Lab) -> TubeSheet | None:
    """The tube with this key, or the newest with this specimen id; None where there is none."""
    found = stamp(tx, key)
    if found is None:
        return None
    id, mark = found
    view = views.view(tx, id)
    line, patient = view.tube, view.patient
    past = Past(tx, line, lab.tests)
    results = _Results(tx, view, lab, past).all()
    return TubeSheet(
        id=id,
        key=line.key,
        specimen=line.specimen,
        numbered=line.numbered,
        stat=line.stat,
        version=line.version,
        patient_id=line.patient_id or "",
        patient=line.patient_name or "",
        sex=(patient and patient.sex) or "",
        age=(patient and patient.age) or "",
        birth=(patient and patient.birth) or "",
        created_at=datetime.fromisoformat(line.created_at),
        updated_at=datetime.fromisoformat(line.updated_at),
        previous_at=past.newest,
        panels=_panels(results, lab.tests),
        holds=[_waiting(hold) for hold in reversed(views.holds(tx, tube_id=id, limit=200))],
        urgent=[Urgent(one.number, one.test, one.value, one.unit, one.side) for one in criticals(tx, tube_id=id)],
        stamp=mark,
    )


def _waiting(hold: HoldLine) -> Waiting:
    since = datetime.fromisoformat(hold.created_at)
    may_release = hold.reason not in TO_MAP
    return Waiting(hold.id, hold.reason, hold.detail, hold.codes, hold.results, hold.analyzer, since, may_release)


class _Results:
    def __init__(self, tx: Connection, view: TubeView, lab: Lab, past: Past) -> None:
        self._view, self._lab, self._past = view, lab, past
        self._told = Tellings(tx, view.tube.id, lab.charsets)
        self._sex = (view.patient and view.patient.sex) or ""
        results = (run for run in view.runs if run.observation.is_result)
        self._measured = Counter((run.source, run.observation.key, run.observation.aspect) for run in results)

    def all(self) -> list[Result]:
        return [self._result(number, run) for number, run in enumerate(self._view.runs) if _is_shown(run)]

    def _result(self, number: int, run: RunLine) -> Result:
        row = run.observation
        test = self._lab.tests.test(row.test) if row.test else None
        judged = judge(row, test, self._sex)
        previous = self._past.of(row, judged.number, judged.unit)
        delivered, corrected = self._told.state(row, run.analyzer, datetime.fromisoformat(run.at))
        return Result(
            number=number,
            source=run.source,
            code=row.key,
            aspect=row.aspect,
            test=row.test or "",
            name_zh=test.name_zh if test else row.name or "",
            name_en=test.name_en if test else row.name or "",
            judged=judged,
            bar=bar(judged, test, previous.number if previous else None),
            previous=previous,
            runs=self._measured[run.source, row.key, row.aspect],
            analyzer=run.analyzer,
            observed_at=row.observed_at or "",
            standing=run.standing,  # type: ignore[arg-type]
            hold=run.hold,
            delivered=delivered,
            corrected=corrected,
        )


def _is_shown(run: RunLine) -> bool:
    """What stands or waits, and what the device says it could not measure."""
    row = run.observation
    return run.standing in _SHOWN or (run.standing == "aside" and row.test is not None and row.value is None)


def _panels(results: Sequence[Result], tests: TestCatalogue) -> list[Panel]:
    """Panels and tests in the catalogue's order, what it does not know behind them; a test's rows in the order of their arrival."""
    order = {test.code: place for place, test in enumerate(tests.tests)}
    groups: dict[str, list[Result]] = {panel: [] for panel in dict.fromkeys(test.panel for test in tests.tests)}
    groups[NO_PANEL] = []
    for one in sorted(results, key=lambda one: (order.get(one.test, len(order)), one.number)):
        test = tests.test(one.test)
        groups[test.panel if test else NO_PANEL].append(one)
    return [Panel(name, _english(found, tests), found) for name, found in groups.items() if found]


def _english(found: Sequence[Result], tests: TestCatalogue) -> str:
    test: Test | None = tests.test(found[0].test)
    return test.panel_en if test else NO_PANEL
