"""Moments as analyzers write them: digits in one field, or a date and a time in the order that the manifest names."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import tzinfo

from lis_bridge.catalogue.manifest.moments import MomentSpec
from lis_bridge.core import moments

_GROUPS = re.compile(r"\d+")
_NAMES = (
    ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
    ("JANV", "FEV", "MARS", "AVR", "MAI", "JUIN", "JUIL", "AOU", "SEPT", "OCT", "NOV", "DEC"),
    ("", "FÉV", "", "", "", "", "", "AOÛ", "", "", "", "DÉC"),
)
"""How the months begin in English and in French, without accents and with them."""
_MONTHS = {name: f" {number:02} " for names in _NAMES for number, name in enumerate(names, 1) if name}
_MONTH = re.compile("|".join(sorted(_MONTHS, key=len, reverse=True)), re.IGNORECASE)


def month_of(name: str) -> int | None:
    """The number of a month by how its English or French name begins; None where it is none."""
    found = _MONTH.match(name)
    return int(_MONTHS[found[0].upper()]) if found else None


def moment_reader(spec: str | MomentSpec, zone: tzinfo) -> Callable[[str], str | None]:
    """Reads the text of a moment field into ISO 8601 with the zone's offset; None where it is no moment."""
    if isinstance(spec, str):
        return lambda text: moments.from_digits(text, zone) if text else None
    return lambda text: _ordered(text, spec, zone)


def _ordered(text: str, spec: MomentSpec, zone: tzinfo) -> str | None:
    text = _MONTH.sub(lambda found: _MONTHS[found[0].upper()], text)
    groups = _split_compact(_GROUPS.findall(text), spec)
    if len(groups) < 3:
        return None
    day = dict(zip(spec.order, groups[:3], strict=True))
    year = day["y"] if len(day["y"]) == 4 else str(spec.century + int(day["y"]))
    if len(groups) >= 5:
        return moments.assemble((year, day["m"], day["d"]), (groups[3], groups[4], groups[5] if len(groups) > 5 else None), zone)
    return moments.whole_day(year, day["m"], day["d"])


def _split_compact(groups: list[str], spec: MomentSpec) -> list[str]:
    """Parts dates and times written without separators: ``260317`` by the order, ``1038`` into hour and minute."""
    if groups and len(groups[0]) == 5 and spec.order != "ymd":
        groups = [groups[0].zfill(6), *groups[1:]]
    if groups and len(groups[0]) in (6, 8):
        compact, year = groups[0], 4 if len(groups[0]) == 8 else 2
        parts = []
        for letter in spec.order:
            width = year if letter == "y" else 2
            parts.append(compact[:width])
            compact = compact[width:]
        groups = parts + groups[1:]
    if len(groups) == 4 and len(groups[3]) in (4, 5, 6):
        time = groups[3] if len(groups[3]) == 4 else groups[3].zfill(6)
        clock = [time[at : at + 2] for at in range(0, len(time), 2)]
        groups = groups[:3] + (clock if spec.clock == "hms" else clock[::-1])
    return groups
