"""From a value's text to its number: text stays, the Decimal stands beside it.

``Decimal()`` alone would accept ``1_000``, full-width digits and ``nan``; the gates below do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation

_NUMBER = re.compile(r"(?P<comparator>[<>]=?|[≤≥])?\s*(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))")
_COMPARATORS = {"≤": "<=", "≥": ">="}


def whole(missing: Sequence[str]) -> re.Pattern[str] | None:
    """The marks for "no result" as one pattern; None where there are none."""
    return re.compile("|".join(f"(?:{pattern})" for pattern in missing)) if missing else None


_NEVER_DIGITS = re.compile(r"(?:-|\\[^\w.])(?![?*{])[^|]*")
"""Patterns that begin with a character which must be there and is neither digit nor point."""


def marks(missing: Iterable[str]) -> re.Pattern[str] | None:
    """Those marks for "no result" that digits with a point may be, as they stand in a column joined by line ends; None where there are none."""
    found = "|".join(f"(?:{pattern})" for pattern in missing if not _NEVER_DIGITS.fullmatch(pattern))
    return re.compile(f"\n(?:{found})(?=\n)") if found else None


def plain_numbers(values: list[str], missing: re.Pattern[str] | None) -> list[Decimal] | None:
    """The Decimals of a column of which every text is digits with at most one point and none is a ``missing`` mark; None otherwise.

    Digits alone are asked for: ``Decimal()`` would also take ``1_000``, ``nan`` and full-width digits.
    """
    digits = "".join(values).encode("utf-8", "surrogatepass").translate(None, b".")
    if not digits.isdigit() or (missing is not None and missing.search("\n".join(("", *values, "")))):
        return None
    try:
        return list(map(Decimal, values))
    except InvalidOperation:
        return None


def digits(values: Sequence[str]) -> list[Decimal | None]:
    """The Decimals of those texts that are digits with at most one point, None for all others."""
    return [Decimal(text) if text.replace(".", "", 1).isdigit() and text.isascii() else None for text in values]


def number_of(text: str | None) -> tuple[Decimal | None, str]:
    """The number and comparator of one value, (None, "") where the text is not a number."""
    found = _NUMBER.fullmatch(text) if text else None
    if found is None:
        return None, ""
    comparator = found["comparator"] or ""
    return Decimal(found["number"]), _COMPARATORS.get(comparator, comparator)


# No two parts of these can share blanks or digits between them: what does not fit is refused in one go, however long it is.
_LIMIT = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_RANGE = re.compile(rf"\s*(?:(?P<low>{_LIMIT})\s*)?(?:--|-|~|～|to|TO|\^|–)\s*(?:(?P<high>{_LIMIT})\s*)?(?:\\.*)?")
_ONE_SIDED = re.compile(r"\s*(?P<sign><=|>=|<|>|≤|≥)\s*(?P<limit>[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+))\s*")


def limits_of(text: str) -> tuple[str | None, str | None]:
    """Low and high limit of a reference range as texts: ``3.5-5.1``, ``0.9 - 1.75``, ``222 to 1439``, ``110. to 160.``,
    ``-0.05 TO 0.05``, ``<5``, ``lo^hi``, of which LIS2 may repeat others behind a backslash (critical limits). The upper limit may
    stand first (Mindray's ``upper^lower``).
    """
    found = _RANGE.fullmatch(text)
    if found is not None:
        low, high = found["low"], found["high"]
        return (high, low) if low and high and Decimal(low) > Decimal(high) else (low, high)
    found = _ONE_SIDED.fullmatch(text)
    if found is None:
        return None, None
    return (None, found["limit"]) if found["sign"] in ("<", "<=", "≤") else (found["limit"], None)


def by_range(number: Decimal | None, low: str | None, high: str | None) -> str:
    """``L``, ``H`` or ``N`` by the device's own range; empty where there is nothing to compare or a limit is no number."""
    if number is None or (low is None and high is None):
        return ""
    lowest, highest = (number_of(text)[0] for text in (low, high))
    if (low and lowest is None) or (high and highest is None):
        return ""
    if lowest is not None and number < lowest:
        return "L"
    return "H" if highest is not None and number > highest else "N"
