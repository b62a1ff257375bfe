"""Where a fixed-width text speaks of persons and dates: the places that its form names, as the driver reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from lis_bridge.catalogue.anonymise.places import Span
from lis_bridge.catalogue.forms import fixed_forms
from lis_bridge.catalogue.manifest.dialect import Dialect
from lis_bridge.catalogue.manifest.moments import MomentSpec
from lis_bridge.catalogue.moments import month_of

REPEATED = 8
"""Characters from which a text that stands twice is the same field twice."""
_PARTS = re.compile(r"[A-Za-z]{3,}|\d+")
_EIGHT, _SIX, _FIVE = (re.compile(rf"\s*(\d{{{size}}})(?:\d{{4}}|\d{{6}})?(?!\d)") for size in (8, 6, 5))
YEARS = range(1900, 2101)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MOIS = (
    *("JANVIER", "FEVRIER", "MARS", "AVRIL", "MAI", "JUIN"),
    *("JUILLET", "AOUT", "SEPTEMBRE", "OCTOBRE", "NOVEMBRE", "DECEMBRE"),
)


def persons(text: str, spec: Dialect) -> Iterator[Span]:
    """Specimen, patient's id and name."""
    message = spec.message
    wanted = {*message.specimen, *message.patient_id, *message.patient_name}
    yield from (span for name, span in _places(text, spec) if name in wanted)


def moved(text: str, spec: Dialect, days: int) -> tuple[str, tuple[Span, ...]]:
    """The text with the dates that its form names moved, each written as it was, and where they stand.

    Raises ValueError where one would change its length.
    """
    orders, settled = _orders(spec), []
    for name, (start, stop) in _places(text, spec):
        for order in orders.get(name, ()):
            written = _moved(text[start:stop], order, days)
            if written is not None:
                text = text[:start] + written + text[stop:]
                settled.append((start, stop))
                break
    return text, tuple(settled)


def _places(text: str, spec: Dialect) -> Iterator[tuple[str, Span]]:
    """Fields by name, and every other place of the same long text: a head that each part of a message repeats."""
    for form in fixed_forms(spec):
        found = form.match.match(text)
        if found is not None:
            named = {name: found.span(name) for name, part in found.groupdict().items() if part}
            named |= {name: (at, at + width) for name, (at, width) in form.fields.items()}
            for name, (start, stop) in named.items():
                yield name, (start, stop)
                for again in re.finditer(re.escape(text[start:stop]), text) if stop - start >= REPEATED else ():
                    if again.start() != start:
                        yield name, again.span()
            return


def _orders(spec: Dialect) -> dict[str, list[MomentSpec]]:
    """Every field that holds a date, with the orders in which the driver tries to read it."""
    found: dict[str, list[MomentSpec]] = {}
    times = (*spec.message.dated, *spec.message.sent_at, *(moment for table in spec.results for moment in table.observed_at))
    for moment in times:
        said = moment if isinstance(moment, MomentSpec) else MomentSpec(date=moment)
        if said not in found.setdefault(said.date, []):
            found[said.date].append(said)
    return found


def _moved(text: str, spec: MomentSpec, days: int) -> str | None:
    """One date, moved; None where the text is no date in this order."""
    for places in (*_compact(text, spec.order), *_apart(text, spec.order)):
        year, month, day = (text[slice(*places[letter])] for letter in "ymd")
        try:
            before = date(_year(year, spec), _month(month), int(day))
        except ValueError:
            continue
        if before.year in YEARS:
            return _written(text, places, before + timedelta(days=days))
    return None


def _written(text: str, places: dict[str, Span], day: date) -> str:
    for letter, (start, stop) in places.items():
        number = {"y": day.year % 10 ** (stop - start), "m": day.month, "d": day.day}[letter]
        text = text[:start] + _like(text[start:stop], number) + text[stop:]
    return text


def _compact(text: str, order: str) -> Iterator[dict[str, Span]]:
    """Eight or six digits, perhaps a time behind them, a blank or nothing for a leading zero."""
    for form, width in ((_EIGHT, 4), (_SIX, 2), (_FIVE, 2)):
        found = form.match(text)
        if found is not None and (form is not _FIVE or found.start(1) > 0):
            at, places = found.start(1) - (form is _FIVE), {}
            for letter in order:
                size = width if letter == "y" else 2
                places[letter] = (at, at + size)
                at += size
            yield places


def _apart(text: str, order: str) -> Iterator[dict[str, Span]]:
    """Three parts with something between them, the month perhaps by its English or French name."""
    parts = [found.span() for found in _PARTS.finditer(text)][:3]
    if len(parts) == 3:
        padded = [(start - (stop - start == 1 and text[start - 1 : start] == " "), stop) for start, stop in parts]
        yield dict(zip(order, padded, strict=True))


def _year(text: str, spec: MomentSpec) -> int:
    return int(text) if len(text) == 4 else spec.century + int(text)


def _month(text: str) -> int:
    number = month_of(text) if text.isalpha() else int(text)
    if number is None:
        raise ValueError(f"{text} is no month")
    return number


def _like(text: str, number: int) -> str:
    """A day or month as wide as the text was, in its letter case. Raises ValueError where it does not fit."""
    if text.isalpha():
        name = (_MONTHS if text.upper() in _MONTHS else _MOIS)[number - 1]
        written = name if text.isupper() else name.capitalize() if text[0].isupper() else name.lower()
    else:
        written = f"{number:{len(text)}}" if text.startswith(" ") else f"{number:0{len(text)}}"
    if len(written) != len(text):
        raise ValueError("a date would change its length")
    return written
