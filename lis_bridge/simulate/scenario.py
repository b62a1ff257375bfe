"""A morning in the laboratory, drawn from a seed: which analyzer sends what of which tube, and what the LIS must hold in the end.

Every tube goes through the line; the first of every four has its whole menu, more than 200 tests from one barcode. Some go on to hematology
and hemorheology. Among them are a STAT tube, a rerun that comes before the LIS has heard of the first run and one that comes after, a control
on each analyzer that can mark one, and a code that nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import zip_longest
from random import Random

from lis_bridge.catalogue.manifest.driver import Manifest
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core.results import Patient
from lis_bridge.simulate.compose import Composer, table_for
from lis_bridge.simulate.menu import Item, measure, menu
from lis_bridge.simulate.sample import Measured, Sample
from lis_bridge.simulate.tally import Place

OBX_A_MESSAGE = 80
"""Mindray's chemistry lines send a tube in several messages of at most this many results."""
WHOLE_MENU_EVERY = 4
CORRECTED, STAT, RERUN, UNKNOWN = 0, 1, 2, 3
"""Which tube (modulo their number) has tests run again after delivery, is urgent, has tests run again at once, has a code that nobody knows."""
UNKNOWN_CODE = "NEW-01"
APART = timedelta(seconds=20)
RERUN_AFTER = timedelta(seconds=1801)
"""Not a multiple of ``APART``: no test of two tubes is ever measured in the same second, which would be a possible id correction."""
FAMILY = ("林", "沈", "江", "苏", "何", "梅", "柳", "贺")
GIVEN = ("远山", "若谷", "晚晴", "清心", "沐阳", "知远", "小鱼", "映雪")


@dataclass(frozen=True)
class Station:
    """An analyzer of the demo with its driver's menu."""

    analyzer: str
    composer: Composer
    items: tuple[Item, ...]
    model: str

    @property
    def manifest(self) -> Manifest:
        return self.composer.manifest


@dataclass
class Morning:
    """What each analyzer sends, in order, and what must come of it.

    ``late`` is sent when all the rest stands in the LIS; ``tests`` maps each analyzer's codes to the catalogue's.
    """

    samples: dict[str, list[Sample]] = field(default_factory=dict)
    late: dict[str, list[Sample]] = field(default_factory=dict)
    expected: dict[Place, list[str]] = field(default_factory=dict)
    held: int = 0
    tubes: tuple[str, ...] = ()
    tests: dict[str, dict[str, str]] = field(default_factory=dict)


def station(analyzer: str, manifest: Manifest, tests: TestCatalogue) -> Station:
    """An analyzer by its driver, with all that it can measure in blood."""
    composer = Composer(manifest)
    items = menu(manifest, table_for(composer.dialect, "patient"), tests)
    return Station(analyzer, composer, tuple(item for item in items if item.test.specimen != "body fluid"), manifest.models[0])


def morning(stations: Sequence[Station], tubes: int, now: datetime, seed: int) -> Morning:
    """The work of ``tubes`` tubes; the first station is the line, the n-th gets every n-th tube. ``now`` in the site's zone."""
    chance = Random(seed)
    plan = Morning(tubes=tuple(f"{now:%y%m%d}{number:05d}" for number in range(1, tubes + 1)))
    people = [Patient(f"P{number:05d}", chance.choice(FAMILY) + chance.choice(GIVEN)) for number in range(tubes)]
    for order, one in enumerate(stations):
        plan.tests[one.analyzer] = {item.code: item.test.code for item in one.items}
        work = [_visit(one, number, tubes, now, chance, is_line=order == 0) for number in range(0, tubes, order + 1)]
        for visit in work:
            visit.first = replace(visit.first, id=plan.tubes[visit.number], patient=people[visit.number])
            _expect(plan, one, visit)
        sent = _numbered([*_control(one, now, chance), *_interleaved(one, work), *_reruns(work, late=True)])
        kept = sum(bool(visit.late) for visit in work)
        plan.samples[one.analyzer], plan.late[one.analyzer] = sent[: len(sent) - kept], sent[len(sent) - kept :]
    return plan


@dataclass
class _Visit:
    """A tube at an analyzer: its first run, what was run again at once or late, and what nobody knows."""

    number: int
    first: Sample
    again: tuple[Measured, ...] = ()
    late: tuple[Measured, ...] = ()
    unknown: tuple[Measured, ...] = ()


def _visit(one: Station, number: int, tubes: int, now: datetime, chance: Random, *, is_line: bool) -> _Visit:
    at = now.replace(microsecond=0) - timedelta(hours=2) - APART * number
    whole = not is_line or number % WHOLE_MENU_EVERY == 0
    items = one.items if whole else _some(one.items, chance)
    sample = Sample("", at, _run(one, items, at, chance, again=False), model=one.model)
    visit = _Visit(number, replace(sample, stat=number == STAT % tubes and one.composer.dialect.message.stat is not None))
    if is_line and number == RERUN % tubes and _marks_reruns(one):
        visit.again = _second(one, visit.first.results[:3], at + RERUN_AFTER, chance)
    if is_line and number == CORRECTED % tubes and _marks_reruns(one):
        visit.late = _second(one, visit.first.results[3:6], at + 2 * RERUN_AFTER, chance)
    if is_line and number == UNKNOWN % tubes:
        visit.unknown = (Measured(UNKNOWN_CODE, "1.23", observed_at=at),)
    return visit


def _some(items: Sequence[Item], chance: Random) -> tuple[Item, ...]:
    """30 to 60 of the menu, in its order."""
    chosen = sorted(chance.sample(range(len(items)), min(len(items), chance.randint(30, 60))))
    return tuple(items[number] for number in chosen)


def _run(one: Station, items: Sequence[Item], at: datetime, chance: Random, *, again: bool) -> tuple[Measured, ...]:
    """One run: a result a second, each test in its own second of the tube."""
    seconds = {item.code: number for number, item in enumerate(one.items)}
    marked = again if _marks_reruns(one) else None
    return tuple(
        replace(measured, observed_at=at + timedelta(seconds=seconds[measured.code]), rerun=marked)
        for measured in measure(items, chance, abnormal=one.manifest.abnormal_flags)
    )


def _marks_reruns(one: Station) -> bool:
    return table_for(one.composer.dialect, "patient").rerun is not None


def _second(one: Station, before: Sequence[Measured], at: datetime, chance: Random) -> tuple[Measured, ...]:
    """Tests run again, every value another than before: the LIS must show which run it got."""
    values = {measured.code: measured.value for measured in before}
    items = [item for item in one.items if item.code in values]
    run = _run(one, items, at, chance, again=True)
    return tuple(measured if measured.value != values[measured.code] else _moved(measured) for measured in run)


def _moved(measured: Measured) -> Measured:
    value = Decimal(measured.value)
    return replace(measured, value=str(value + Decimal((0, (1,), int(value.as_tuple().exponent)))))


def _control(one: Station, now: datetime, chance: Random) -> list[Sample]:
    """A control measurement where the family can mark one."""
    if not any(rule.is_ == "qc" for rule in one.composer.dialect.kinds):
        return []
    results = measure(one.items[:3], chance, abnormal={})
    return [Sample("QC-0001", now.replace(microsecond=0) - timedelta(hours=3), results, kind="qc", model=one.model)]


def _numbered(sent: Sequence[Sample]) -> list[Sample]:
    """Message control ids count from 1, as an analyzer's do after it was switched on."""
    return [replace(sample, control_id=str(number)) for number, sample in enumerate(sent, 1)]


def _interleaved(one: Station, work: Sequence[_Visit]) -> Iterator[Sample]:
    """The messages of all tubes as a line sends them: every tube's first part, then every tube's second, reruns at the end."""
    size = OBX_A_MESSAGE if one.composer.dialect.kind == "hl7" else None
    parts = [list(_parts(visit, size)) for visit in work]
    for turn in zip_longest(*parts):
        yield from filter(None, turn)
    yield from _reruns(work, late=False)


def _reruns(work: Sequence[_Visit], *, late: bool) -> Iterator[Sample]:
    for visit in work:
        again = visit.late if late else visit.again
        if again:
            yield replace(visit.first, results=again)


def _parts(visit: _Visit, size: int | None) -> Iterator[Sample]:
    results = visit.first.results + visit.unknown
    for start in range(0, len(results), size or len(results)):
        yield replace(visit.first, results=results[start : start + size] if size else results)


def _expect(plan: Morning, one: Station, visit: _Visit) -> None:
    tests = plan.tests[one.analyzer]
    for measured in (*visit.first.results, *visit.again, *visit.late):
        plan.expected.setdefault(Place(visit.first.id, one.analyzer, tests[measured.code]), []).append(measured.value)
    plan.held += len(visit.unknown)
