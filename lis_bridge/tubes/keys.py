"""Which tube a message belongs to: the barcode itself, or a running number made unambiguous. Pure.

A running number starts again every day, so its key is ``YYYYMMDD-<space>-<number>``: the date that the manifest names (else that of the
results, else, only where the site says so, that of the reception), the analyzer or the group that shares its worklist, and the number
without leading zeros (``0007`` and ``7`` are one tube: analyzers pad differently on screen, in a host query and in a result). A series of
letters stands before the number (``E7``); any other series is set off by a plus, which no analyzer's id may hold (``2+7``), so that two
series never make one key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from lis_bridge.core.holds import Reason
from lis_bridge.core.moments import day_at
from lis_bridge.core.results import MOST_DIGITS, Message

_NUMBER = re.compile(r"[0-9]+")
_FULL = re.compile(r"20[0-9]{6}-.+-(?:[^-]*[^-0-9])?[1-9][0-9]{0,6}")
_ONLY_ZEROS = re.compile(r"0+")


@dataclass(frozen=True, slots=True)
class SpecimenRules:
    """The site's ``[specimen]`` table and zone; ``date_window_hours`` of 0 accepts any date."""

    barcode: re.Pattern[str]
    date_window_hours: int
    zone: tzinfo


class Key(NamedTuple):
    """A tube's key, or the ``doubt`` that keeps the message from every tube; ``detail`` is for the person who looks at it."""

    key: str
    specimen: str
    numbered: bool = False
    doubt: Reason | None = None
    detail: str = ""


def key_of(message: Message, space: str, rules: SpecimenRules, received_at: datetime, *, dated_at_reception: bool = False) -> Key:
    """The key of the message's tube; ``space`` is the analyzer's number space (DESIGN section 3).

    ``received_at`` is aware and the journal's, so that a replay gives the same key; with ``dated_at_reception`` it dates a number without a date.
    """
    specimen = (message.specimen or "").strip()
    if not specimen:
        return Key("", "", doubt=Reason.SPECIMEN_MISSING, detail="the message names no specimen")
    if _ONLY_ZEROS.fullmatch(specimen):
        return _doubt(specimen, Reason.SPECIMEN_UNMATCHED, "only zeros: what analyzers send for a specimen without an id")
    if rules.barcode.fullmatch(specimen):
        return Key(specimen, specimen)
    number = _number(specimen, message.series.strip())
    if number is None:
        return _doubt(specimen, Reason.SPECIMEN_UNMATCHED, "neither a barcode by [specimen] barcode nor a running number")
    if dated_at_reception and not _dates(message, rules.zone):
        return _received(message, specimen, number, space, rules, received_at)
    return _numbered(message, specimen, number, space, rules, received_at)


def named(text: str) -> Key:
    """The key that a person typed: a barcode, or a running number's key in full."""
    text = text.strip()
    return Key(text, text, numbered=_FULL.fullmatch(text) is not None)


def _doubt(specimen: str, reason: Reason, detail: str) -> Key:
    return Key("", specimen, doubt=reason, detail=detail)


def _number(specimen: str, series: str) -> str | None:
    """Series and number as the key writes them, or None when the id is no running number."""
    bare = specimen
    if series and not _NUMBER.fullmatch(series) and specimen.startswith(series):
        bare = specimen[len(series) :].lstrip(" -")
    number = bare.lstrip("0")
    if not _NUMBER.fullmatch(number) or len(number) > MOST_DIGITS:
        return None
    if not series or series.isalpha():
        return series + number
    return f"{series.replace('-', '+')}+{number}"


def _numbered(message: Message, specimen: str, number: str, space: str, rules: SpecimenRules, received_at: datetime) -> Key:
    dates = _dates(message, rules.zone)
    if not dates:
        return _doubt(specimen, Reason.IDENTITY_DOUBTFUL, "a running number without a date")
    if len(dates) > 1:
        return _doubt(specimen, Reason.IDENTITY_DOUBTFUL, f"a running number with results of {min(dates)} and {max(dates)}")
    day = dates.pop()
    if rules.date_window_hours and _distance(day, received_at, rules.zone) > timedelta(hours=rules.date_window_hours):
        detail = f"dated {day}, more than {rules.date_window_hours} hours from its reception; check the analyzer's clock"
        return _doubt(specimen, Reason.IDENTITY_DOUBTFUL, detail)
    return _dated(day, specimen, number, space)


def _dated(day: date, specimen: str, number: str, space: str) -> Key:
    return Key(f"{day:%Y%m%d}-{space}-{number}", specimen, numbered=True)


def _received(message: Message, specimen: str, number: str, space: str, rules: SpecimenRules, received_at: datetime) -> Key:
    """Of the day on which it came, which the site vouches for, unless the message speaks of another day."""
    day = received_at.astimezone(rules.zone).date()
    moments = {message.sent_at, *(row.observed_at for row in message.observations)}
    others = {day_at(text, rules.zone) for text in moments if text}
    others.discard(day.isoformat())
    if others:
        detail = f"a running number without a date, received on {day} in a message of {min(others)}"
        return _doubt(specimen, Reason.IDENTITY_DOUBTFUL, detail)
    return _dated(day, specimen, number, space)


def _dates(message: Message, zone: tzinfo) -> set[date]:
    """The date that the manifest names, else those of the results at the site."""
    if message.dated:
        return {date.fromisoformat(message.dated)}
    moments = {row.observed_at for row in message.observations if row.observed_at and row.value is not None}
    return {date.fromisoformat(day_at(text, zone)) for text in moments}


def _distance(day: date, moment: datetime, zone: tzinfo) -> timedelta:
    """From the nearer end of a local day to a moment; nothing within the day."""
    starts = datetime.combine(day, time.min, zone)
    ends = datetime.combine(day + timedelta(days=1), time.min, zone)
    moment = moment.astimezone(UTC)
    return max(starts.astimezone(UTC) - moment, moment - ends.astimezone(UTC), timedelta(0))
