"""Dates in a text, moved by the same number of days, in the form in which they stand.

Plain digits (``20240315``, also with a time behind) and dates with separators are found by their form; six digits are a date only where the
driver read that very date in the capture.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import date, timedelta

_COMPACT = re.compile(r"(?<!\d)(?P<y>19\d\d|20\d\d)(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])(?=(?:\d{4}(?:\d\d)?)?(?:\D|$))")
_YEAR_FIRST = re.compile(r"(?<!\d)(?P<y>19\d\d|20\d\d)(?P<s>[-/._]|年)(?P<m>\d{1,2})(?P<t>[-/._]|月)(?P<d>\d{1,2})(?!\d)")
_YEAR_LAST = re.compile(r"(?<![\d/.-])(?P<a>\d{1,2})(?P<s>[-/])(?P<b>\d{1,2})(?P=s)(?P<y>\d{4}|\d\d)(?![\d/-])")
_SIX = re.compile(r"(?<!\d)\d{6}(?=(?:\d{4}(?:\d\d)?)?(?:\D|$))")
_SIX_FORMS = ("%y%m%d", "%d%m%y", "%m%d%y")


class Calendar:
    """Moves dates by ``days``; ``known`` are the dates that the driver read, which settle what is ambiguous."""

    def __init__(self, days: int, known: Collection[date]) -> None:
        self.days = days
        self._known = frozenset(known)
        self.moved = 0

    def move(self, text: str, settled: Collection[tuple[int, int]] = ()) -> str:
        """The text with its dates moved, but for places that are settled; as long as before, or ValueError where a day needs another number
        of digits.
        """
        for form, moved in (
            (_COMPACT, self._compact),
            (_YEAR_FIRST, self._year_first),
            (_YEAR_LAST, self._year_last),
            (_SIX, self._six),
        ):
            text = form.sub(self._counted(moved, settled), text)
        return text

    def _counted(
        self, moved: Callable[[re.Match[str]], str], settled: Collection[tuple[int, int]]
    ) -> Callable[[re.Match[str]], str]:
        def replaced(found: re.Match[str]) -> str:
            if any(start < found.end() and found.start() < stop for start, stop in settled):
                return found[0]
            other = moved(found)
            if len(other) != len(found[0]):
                raise ValueError("a date without leading zeros would change its length")
            self.moved += other != found[0]
            return other

        return replaced

    def _later(self, year: str, month: str, day: str) -> date | None:
        try:
            return date(int(year), int(month), int(day)) + timedelta(days=self.days)
        except ValueError:
            return None

    def _compact(self, found: re.Match[str]) -> str:
        day = self._later(found["y"], found["m"], found["d"])
        return f"{day:%Y%m%d}" if day else found[0]

    def _year_first(self, found: re.Match[str]) -> str:
        day = self._later(found["y"], found["m"], found["d"])
        if day is None:
            return found[0]
        return f"{day.year}{found['s']}{_like(day.month, found['m'])}{found['t']}{_like(day.day, found['d'])}"

    def _year_last(self, found: re.Match[str]) -> str:
        """Day or month first: as the driver read it, else as only one order is a date, else the day."""
        year = found["y"] if len(found["y"]) == 4 else f"20{found['y']}"
        orders = [(found["a"], found["b"], False), (found["b"], found["a"], True)]
        read = [(self._later(year, month, day), swapped) for day, month, swapped in orders]
        at = next((one for one in read if one[0] and one[0] - timedelta(days=self.days) in self._known), None)
        day, swapped = at or next((one for one in read if one[0]), (None, False))
        if day is None:
            return found[0]
        one, other = (day.month, day.day) if swapped else (day.day, day.month)
        written = f"{day.year}" if len(found["y"]) == 4 else f"{day:%y}"
        return f"{_like(one, found['a'])}{found['s']}{_like(other, found['b'])}{found['s']}{written}"

    def _six(self, found: re.Match[str]) -> str:
        for form in _SIX_FORMS:
            for day in self._known:
                if day.strftime(form) == found[0]:
                    return (day + timedelta(days=self.days)).strftime(form)
        return found[0]


def _like(number: int, text: str) -> str:
    """A number with a leading zero only where the text may have had one."""
    return f"{number:02}" if len(text) == 2 else str(number)
