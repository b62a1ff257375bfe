"""When two observations are the same, which of two is newer, which status outranks which. Pure.

An observation's identity is (source, key, aspect, run). The key is the device code, with a material that is not the usual one behind it. The run is
the device's marker, else the time where it has a time of day, else the position. Rows of one message that share a marker or a time are told apart by
their ordinal.
"""

from __future__ import annotations

from functools import lru_cache

from lis_bridge.core import moments
from lis_bridge.core.results import Message, Observation

PRELIMINARY, DOUBTED, FINAL, CORRECTED, WITHDRAWN = range(5)

_RANKS = {"P": PRELIMINARY, "I": PRELIMINARY, "S": PRELIMINARY, "C": CORRECTED, "D": WITHDRAWN, "W": WITHDRAWN}
"""HL7 v2 table 0085 and LIS2-A2 9.9; words as some exports write them. Everything else stands for a final result."""
_WORDS = {"corrected": CORRECTED, "preliminary": PRELIMINARY, "deleted": WITHDRAWN}

_FACTORY_SERIAL = 4
"""A serial number with fewer significant characters is what the factory left there, not an identity."""


@lru_cache(maxsize=256)
def rank(status: str | None) -> int:
    """How far along a result is; a higher rank replaces a lower one of the same run."""
    return _RANKS.get(status, _WORDS.get(status.casefold(), FINAL)) if status else FINAL


def rank_of(row: Observation) -> int:
    """The rank of a row; one that the device doubts stands below a final one, whatever else its status may mean."""
    return DOUBTED if row.doubted else rank(row.status)


def takes_back(row: Observation) -> bool:
    """True where a row says of its run that there is no value any more: corrected to none, deleted, wrong, or not to be had (X)."""
    return row.value is None and (rank_of(row) >= CORRECTED or row.status == "X")


def source_of(message: Message, analyzer: str) -> str:
    """The instrument that measured: its serial number where it says a usable one, else the analyzer's id."""
    serial = (message.serial or "").strip()
    return serial if len(serial.lstrip("0")) >= _FACTORY_SERIAL else analyzer


def token_of(row: Observation) -> str:
    """The run as text: marker, else time; empty where only the position tells runs apart."""
    at = row.observed_at
    return row.run or (at if at is not None and "T" in at else ("again" if row.rerun else ""))


def same(one: Observation, other: Observation) -> bool:
    """True for a retransmission: equal text, comparator, unit and standing, whatever the mapping says of it now."""
    return (
        one.value == other.value
        and one.comparator == other.comparator
        and one.unit == other.unit
        and (one.status == other.status or rank_of(one) == rank_of(other))
        and (one.value is not None or one.raw == other.raw)
    )


def differs_in_material(one: Observation, other: Observation) -> bool:
    """True for what looks like one measurement of two materials: the same code, run, second and value."""
    return (
        one.material != other.material
        and (one.code, one.run, one.observed_at) == (other.code, other.run, other.observed_at)
        and "T" in (one.observed_at or "")
        and same(one, other)
    )


def same_text(one: Observation, other: Observation) -> bool:
    """True when both print alike, even where one is preliminary and the other final."""
    return one.value == other.value and one.comparator == other.comparator and one.unit == other.unit


def ends(held: Observation, row: Observation) -> bool:
    """True when ``row`` is what a held one of its run waited for: itself again, or its value without the device's doubt."""
    return same(held, row) or (held.doubted and not row.doubted and same_text(held, row))


def same_mapping(one: Observation, other: Observation) -> bool:
    """True when both go to the same catalogue test in the same unit."""
    return one.test == other.test and one.ucum == other.ucum and one.factor == other.factor


def newer(one: Observation, other: Observation) -> bool:
    """True when ``one``, which arrived later, is the later run: by time, then the device's markers, then its arrival."""
    first, second = _instant(one.observed_at), _instant(other.observed_at)
    if first is not None and second is not None and first != second:
        return first > second
    if bool(one.rerun) != bool(other.rerun):
        return bool(one.rerun)
    if _counts(one.run) and _counts(other.run) and int(one.run) != int(other.run):
        return int(one.run) > int(other.run)
    return True


def again(row: Observation, message_has_reruns: bool) -> bool:
    """True when the device calls it a rerun, or says nothing in a message that holds one (a recalculated item), or numbers its runs."""
    if row.rerun is not None:
        return row.rerun
    return message_has_reruns or (_counts(row.run) and int(row.run) > 1)


def _counts(marker: str) -> bool:
    return marker.isascii() and marker.isdigit() and len(marker) <= 9  # longer ones are serials or moments


@lru_cache(maxsize=65536)
def _instant(text: str | None) -> float | None:
    moment = moments.instant(text) if text else None
    return moment.timestamp() if moment else None
