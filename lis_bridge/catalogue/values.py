"""From a value's text to its number: text stays, the Decimal stands beside it.

``Decimal()`` alone would accept ``1_000``, full-width digits and ``nan``; the gates below do not.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

_ALL_PLAIN = re.compile(r"(?:[+-]?[0-9]+(?:\.[0-9]+)?\n)*")
_NUMBER = re.compile(r"(?P<comparator>[<>]=?|[≤≥])?\s*(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))")
_COMPARATORS = {"≤": "<=", "≥": ">="}


class Numbers(NamedTuple):
    """Numbers and comparators beside a column of values."""

    numbers: list[Decimal | None]
    comparators: list[str]


def all_plain(values: list[str], missing: re.Pattern[str] | None) -> bool:
    """True when every text is a plain decimal number and none is a mark for "no result": one or two matches for the whole column."""
    lines = "\n".join(values) + "\n"
    return _ALL_PLAIN.fullmatch(lines) is not None and (missing is None or missing.search(lines) is None)


def plain_numbers(values: list[str]) -> Numbers:
    """The Decimals of texts that ``all_plain`` has passed."""
    return Numbers(list(map(Decimal, values)), [""] * len(values))


def number_of(text: str | None) -> tuple[Decimal | None, str]:
    """The number and comparator of one value, (None, "") where the text is not a number."""
    found = _NUMBER.fullmatch(text) if text else None
    if found is None:
        return None, ""
    comparator = found["comparator"] or ""
    return Decimal(found["number"]), _COMPARATORS.get(comparator, comparator)


def mixed_numbers(values: list[str | None]) -> Numbers:
    """Numbers of a column in which some texts are none."""
    pairs = [number_of(value) for value in values]
    return Numbers([number for number, _ in pairs], [comparator for _, comparator in pairs])


_RANGE = re.compile(r"\s*(?P<low>[+-]?[0-9]*\.?[0-9]+)?\s*(?:--|-|~|～|to|\^|–)\s*(?P<high>[+-]?[0-9]*\.?[0-9]+)?\s*")
_ONE_SIDED = re.compile(r"\s*(?P<sign><=|>=|<|>|≤|≥)\s*(?P<limit>[+-]?[0-9]*\.?[0-9]+)\s*")


def limits_of(text: str) -> tuple[str | None, str | None]:
    """Low and high limit of a reference range as texts: ``3.5-5.1``, ``0.9 - 1.75``, ``222 to 1439``, ``<5``, ``lo^hi``."""
    found = _RANGE.fullmatch(text)
    if found is not None:
        return found["low"], found["high"]
    found = _ONE_SIDED.fullmatch(text)
    if found is None:
        return None, None
    return (None, found["limit"]) if found["sign"] in ("<", "<=", "≤") else (found["limit"], None)


def by_range(number: Decimal | None, low: str | None, high: str | None) -> str:
    """``L``, ``H`` or ``N`` by the device's own range; empty where there is nothing to compare."""
    if number is None or (low is None and high is None):
        return ""
    if low is not None and number < Decimal(low):
        return "L"
    return "H" if high is not None and number > Decimal(high) else "N"
