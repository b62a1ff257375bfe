"""A result as the laboratory reads it: value and range in its unit, what side it lies on, where it stands on the bar. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from lis_bridge.catalogue.tests import Test, reported
from lis_bridge.catalogue.values import number_of
from lis_bridge.core.results import Observation
from lis_bridge.pipeline.alarms import limits_of
from lis_bridge.rules.limits import critical

Tone = Literal["n", "h", "l", "a", "c"]
"""In range, high, low, abnormal without a side, critical."""
Side = Literal["", "low", "high"]
RangeOf = Literal["", "device", "catalogue"]

_HIGH, _LOW = ("H", "HH", ">"), ("L", "LL", "<")
_NORMAL = ("", "N")
LEFT, RIGHT, WIDTH = 30.0, 58.0, 104.0
"""Where the reference range stands on the bar; beyond it the bar saturates."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Places on a bar of ``WIDTH``: the value, the critical limits and the previous value, where each is known."""

    at: float
    ticks: tuple[float, ...] = ()
    previous: float | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """``range_of`` says whose range it is; ``tone`` follows the device's flag where it gives one, else the range."""

    value: str
    unit: str
    low: str
    high: str
    range_of: RangeOf
    tone: Tone
    side: Side
    number: Decimal | None


def judge(row: Observation, test: Test | None, sex: str) -> Judged:
    """What the LIS is told of the row, and what a person should see of it; ``sex`` as HL7 table 0001 has it, empty if unknown."""
    if test is None or row.value is None:
        value, unit, low, high = row.value or row.raw, row.unit, row.low, row.high
    else:
        value, unit, low, high = reported(row, test)
    range_of: RangeOf = "device" if low or high else ""
    if test is not None and not range_of and row.value is not None:
        low, high = _limits(test, sex)
        range_of = "catalogue" if low or high else ""
    number = number_of(value)[0] if row.number is not None else None
    urgent = critical(row, limits_of(test)) if test is not None else ""
    side = urgent or _side(row, number, low, high)
    tone: Tone = "c" if urgent else "h" if side == "high" else "l" if side == "low" else _unsided(row)
    return Judged(value, unit or "", low or "", high or "", range_of, tone, side, number)


def _limits(test: Test, sex: str) -> tuple[str | None, str | None]:
    """The catalogue's range, where it is the same for everybody or the sex is known."""
    men, women = (test.low_m, test.high_m), (test.low_f, test.high_f)
    if men == women or sex.upper().startswith("M"):
        return men
    return women if sex.upper().startswith("F") else (None, None)


def _side(row: Observation, number: Decimal | None, low: str | None, high: str | None) -> Side:
    if row.abnormal in _HIGH:
        return "high"
    if row.abnormal in _LOW:
        return "low"
    if row.abnormal or number is None:
        return ""
    least, most = number_of(low)[0], number_of(high)[0]
    if least is not None and number < least and not row.comparator.startswith(">"):
        return "low"
    return "high" if most is not None and number > most and not row.comparator.startswith("<") else ""


def _unsided(row: Observation) -> Tone:
    return "n" if row.abnormal in _NORMAL else "a"


def bar(judged: Judged, test: Test | None, previous: Decimal | None) -> Bar | None:
    """The bar of a number that has a range; None for everything else."""
    low, high = number_of(judged.low)[0], number_of(judged.high)[0]
    if judged.number is None or high is None or (low is not None and high <= low):
        return None
    least = Decimal(0) if low is None else low
    if high <= least:
        return None
    limits = [limit for limit in limits_of(test) if limit is not None] if test is not None else []
    before = None if previous is None else _place(previous, least, high)
    return Bar(_place(judged.number, least, high), tuple(_place(limit, least, high) for limit in limits), before)


def _place(value: Decimal, low: Decimal, high: Decimal) -> float:
    """Linear inside the range, saturating outside."""
    share = float((value - low) / (high - low))
    if share < 0:
        return LEFT - (LEFT - 7) * (-share / (1 - share))
    if share > 1:
        return RIGHT + (WIDTH - 7 - RIGHT) * ((share - 1) / share)
    return LEFT + (RIGHT - LEFT) * share
