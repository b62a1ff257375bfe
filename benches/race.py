"""Contestants timed in turns, and what comes out of it.

A shared machine is never equally fast twice. So all contestants of a question run in every lap, one after the other, each for about the same
time, and only ratios of one lap are compared: what slows the machine slows them all. Time is processor time, which waiting does not count.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from statistics import median
from typing import Any

LAP_SECONDS = 0.02
LAPS = 15


@dataclass(frozen=True)
class Contestant:
    """``call`` is timed over ``inputs`` in order, again and again; ``per`` divides the cost (results in a message)."""

    name: str
    call: Callable[[Any], object]
    inputs: Sequence[Any]
    per: int = 1


@dataclass(frozen=True)
class Figure:
    """A measured number. ``goal`` is what it should be at most, ``at_most`` what it must be; ``guarded`` ones may not get worse on one machine."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    at_most: float | None = None
    guarded: bool = False


@dataclass
class Outcome:
    """The answer to one question: costs in µs by contestant and the figures drawn from them."""

    question: str
    costs: dict[str, float] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)


class Race:
    """Laps over some contestants; the first is ours."""

    def __init__(self, contestants: Sequence[Contestant]) -> None:
        self._contestants = contestants
        self._calls = {one.name: _calls_a_lap(one) for one in contestants}
        self._inputs = {one.name: cycle(one.inputs) for one in contestants}
        self._laps: list[dict[str, float]] = []
        gc.collect()
        gc.freeze()

    def lap(self) -> None:
        """Every contestant once, in turn."""
        self._laps.append({one.name: self._timed(one) for one in self._contestants})

    def _timed(self, one: Contestant) -> float:
        inputs = list(islice(self._inputs[one.name], self._calls[one.name]))
        call = one.call
        begun = time.process_time()
        for item in inputs:
            call(item)
        return (time.process_time() - begun) / len(inputs) / one.per * 1e6

    def costs(self) -> dict[str, float]:
        """Median µs of every contestant."""
        return {one.name: median(lap[one.name] for lap in self._laps) for one in self._contestants}

    def ratio(self, one: str, other: str) -> float:
        """How many times the cost of ``other`` the cost of ``one`` is: the median over laps."""
        return median(lap[one] / lap[other] for lap in self._laps)


def _calls_a_lap(one: Contestant) -> int:
    """Calls that fill a lap; every input is met once before, so that caches are warm."""
    begun = time.process_time()
    done = 0
    for item in one.inputs:
        one.call(item)
        done += 1
        if time.process_time() - begun > 15 * LAP_SECONDS:
            break
    return max(1, round(LAP_SECONDS * done / max(time.process_time() - begun, 1e-9)))
