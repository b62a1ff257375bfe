"""Moments as text: ISO 8601 in the wire's precision, with the site's offset wherever there is a time of day.

``2026-03-17`` stays a date; ``20260317094542`` becomes ``2026-03-17T09:45:42+08:00``.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, tzinfo
from datetime import time as time_of_day
from functools import lru_cache

_DIGITS = re.compile(r"(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?(?:\.\d+)?)?([+-]\d{4})?")


LONGEST = 32
"""Characters of a moment at the most; longer text is none, and is not remembered."""


def from_digits(text: str, zone: tzinfo) -> str | None:
    """``YYYYMMDD[HHMM[SS]][±ZZZZ]`` as ISO text with offset, or None when it is no moment (HL7 v2 TS, LIS2-A2 6.6.2)."""
    return _from_digits(text, zone) if len(text) <= LONGEST else None


@lru_cache(maxsize=65536)
def _from_digits(text: str, zone: tzinfo) -> str | None:
    found = _DIGITS.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second, offset = found.groups()
    if hour is None:
        return whole_day(year, month, day)
    return assemble((year, month, day), (hour, minute, second), zone, offset)


def assemble(day: tuple[str, str, str], time: tuple[str, str, str | None], zone: tzinfo, offset: str | None = None) -> str | None:
    """ISO text with offset from the parts' digits; None when they name no real moment."""
    try:
        place = datetime.strptime(offset, "%z").tzinfo if offset else zone
        moment = datetime.combine(_day(*day), time_of_day(int(time[0]), int(time[1]), int(time[2] or 0)), place)
    except ValueError:
        return None
    return moment.isoformat(timespec="seconds" if time[2] else "minutes")


def whole_day(year: str, month: str, day: str) -> str | None:
    """ISO text of a bare date; None where there is no such day."""
    try:
        return _day(year, month, day).isoformat()
    except ValueError:
        return None


def _day(year: str, month: str, day: str) -> date:
    """Raises ValueError for no day, and for one of the calendar's ends, where software puts what it has no time for: beyond, UTC has none."""
    found = date(int(year), int(month), int(day))
    if not date.min.year < found.year < date.max.year:
        raise ValueError(f"{found} is no day of a measurement")
    return found


@lru_cache(maxsize=65536)
def day_at(text: str, zone: tzinfo) -> str:
    """The ISO date of a moment in a zone, whatever its own offset; of a bare date itself."""
    return datetime.fromisoformat(text).astimezone(zone).date().isoformat() if "T" in text else text


def instant(text: str) -> datetime | None:
    """The aware instant of a moment's text, or None for a bare date."""
    return datetime.fromisoformat(text).astimezone(UTC) if "T" in text else None


def local(text: str) -> str:
    """The moment without its offset, seconds filled in, as ``lis-bridge decode`` prints it; a date stays a date."""
    day, found, time = text.partition("T")
    if not found:
        return text
    clock = re.split(r"[+-]|Z$", time)[0]
    return f"{day}T{clock}:00" if len(clock) == 5 else f"{day}T{clock}"


def hl7(text: str) -> str:
    """The moment as an HL7 v2 TS in its own precision, with the offset (``20260317094542+0800``)."""
    day, found, time = text.partition("T")
    if not found:
        return day.replace("-", "")
    return day.replace("-", "") + time.replace(":", "")
