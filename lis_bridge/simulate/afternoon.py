"""What the analyzers go on with when the morning is over and somebody looks on: slowly, without end, with something to decide every few tubes.

A tube fills up under the visitor's eyes: the line sends it in parts. Among the tubes are critical values, a code that nobody knows, and results
that come once more under another specimen's id. Nothing of it is part of the morning's comparison.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import count
from random import Random
from typing import NamedTuple

from lis_bridge.catalogue.tests import Test
from lis_bridge.core.faults import LinkError
from lis_bridge.core.results import Patient
from lis_bridge.simulate.analyzer import Analyzer
from lis_bridge.simulate.lis import Lis
from lis_bridge.simulate.menu import Item, measure
from lis_bridge.simulate.sample import Measured, Sample
from lis_bridge.simulate.scenario import FAMILY, GIVEN, UNKNOWN_CODE, Station
from lis_bridge.transport import Link

FIRST = 50_001
"""The afternoon's first tube, far behind the morning's last."""
PARTS, RESULTS = 3, 120
"""A tube at the line: so many messages, so many results."""
CRITICAL, UNKNOWN, TWICE = 1, 2, 3
EVERY = 12
"""Which tube (modulo this) has a critical value, a code that nobody knows, the results of the tube before it."""
BEYOND = Decimal("1.1")
STAT_EVERY = 8


@dataclass(frozen=True)
class Pace:
    """Seconds: between the line's tubes, until the LIS goes away, how long it stays away, and between its absences."""

    tube: float = 20.0
    first_absence: float = 60.0
    away: float = 20.0
    absences: float = 240.0


class Step(NamedTuple):
    """A message, so many seconds after the one before."""

    after: float
    sample: Sample


class Afternoon:
    """The work of all stations; the first one is the line, the n-th gets every n-th tube."""

    def __init__(self, stations: Sequence[Station], links: Mapping[str, Link], seed: int, pace: Pace) -> None:
        self._stations = stations
        self._links = links
        self._seed = seed
        self._pace = pace

    async def run(self, lis: Lis, now: datetime) -> None:
        """Until cancelled; ``now`` is aware, in the site's zone."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._absences(lis))
            for order, one in enumerate(self._stations):
                group.create_task(self._work(one, order, now))

    async def _work(self, one: Station, order: int, now: datetime) -> None:
        for after, sample in steps(one, order, now, self._seed, self._pace):
            await asyncio.sleep(after)
            try:
                await Analyzer(self._links[one.analyzer], one.composer, [sample]).run()
            except LinkError:
                continue  # somebody stopped the link on the console: the next tube tries again

    async def _absences(self, lis: Lis) -> None:
        await asyncio.sleep(self._pace.first_absence)
        while True:
            await lis.away(self._pace.away)
            await asyncio.sleep(self._pace.absences)


def steps(one: Station, order: int, now: datetime, seed: int, pace: Pace) -> Iterator[Step]:
    """One station's messages."""
    numbers = count(1)
    before: tuple[Measured, ...] = ()
    for number in count(0, order + 1):
        chance = Random(f"{seed} {number} {one.analyzer}")
        at = now.replace(microsecond=0) + timedelta(seconds=pace.tube * number)
        results = _line_results(one, number, at, chance, before) if order == 0 else _timed(one.items, one, at, chance)
        parts = PARTS if order == 0 else 1
        before = results
        sample = _sample(one, number, at, now, seed)
        size = -(-len(results) // parts)
        for start in range(0, len(results), size):
            control_id = str(FIRST + next(numbers))
            wait = pace.tube * (order + 1) / parts
            yield Step(wait, replace(sample, results=results[start : start + size], control_id=control_id))


def _sample(one: Station, number: int, at: datetime, now: datetime, seed: int) -> Sample:
    chance = Random(f"{seed} {number}")
    patient = Patient(f"P{FIRST + number}", chance.choice(FAMILY) + chance.choice(GIVEN))
    stat = number % STAT_EVERY == 0 and one.composer.dialect.message.stat is not None
    return Sample(f"{now:%y%m%d}{FIRST + number:05d}", at, (), patient=patient, stat=stat, model=one.model)


def _line_results(one: Station, number: int, at: datetime, chance: Random, before: Sequence[Measured]) -> tuple[Measured, ...]:
    results = _timed(one.items[:RESULTS], one, at, chance)
    turn = number % EVERY
    if turn == CRITICAL:
        return _with_critical(one, results)
    if turn == UNKNOWN:
        return (*results, Measured(UNKNOWN_CODE, "1.23", observed_at=at))
    if turn == TWICE:
        return (*before[:3], *results[3:])
    return results


def _timed(items: Sequence[Item], one: Station, at: datetime, chance: Random) -> tuple[Measured, ...]:
    """A result a second, as in the morning, the last of them at ``at``."""
    begun = at - timedelta(seconds=len(items))
    drawn = zip(items, measure(items, chance, abnormal=one.manifest.abnormal_flags), strict=True)
    return tuple(
        replace(measured, value=_bearable(item.test, measured.value), observed_at=begun + timedelta(seconds=place))
        for place, (item, measured) in enumerate(drawn)
    )


def _bearable(test: Test, value: str) -> str:
    """The value, or the critical limit that it lies beyond: critical values are few, and meant."""
    number = Decimal(value)
    step = Decimal(1).scaleb(-test.decimals)
    if test.crit_high and number > Decimal(test.crit_high):
        return str(Decimal(test.crit_high).quantize(step, ROUND_FLOOR))
    if test.crit_low and number < Decimal(test.crit_low):
        return str(Decimal(test.crit_low).quantize(step, ROUND_CEILING))
    return value


def _with_critical(one: Station, results: Sequence[Measured]) -> tuple[Measured, ...]:
    """The first test that has an upper critical limit lies beyond it."""
    limits = {item.code: item.test for item in one.items if item.test.crit_high}
    code = next(measured.code for measured in results if measured.code in limits)
    test = limits[code]
    value = (Decimal(test.crit_high or "0") * BEYOND).quantize(Decimal(1).scaleb(-test.decimals))
    return tuple(replace(measured, value=str(value)) if measured.code == code else measured for measured in results)
