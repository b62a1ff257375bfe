"""What the LIS got against what the analyzers sent, result by result and as text.

A place is a tube, an analyzer and a catalogue test. At the end each place must hold the value of its reported run. The LIS here looks at MSH-10
as one that deduplicates: the same message again counts once, but only if its text is the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import hl7

from lis_bridge.simulate.lis import Received

ACCEPTED = frozenset({"AA", "CA"})


class Place(NamedTuple):
    """Where a result belongs."""

    tube: str
    analyzer: str
    test: str


@dataclass(frozen=True, slots=True)
class Filed:
    """One OBX as the LIS filed it; ``at`` is monotonic seconds."""

    place: Place
    value: str
    status: str
    observed_at: str
    at: float


@dataclass(frozen=True)
class Tally:
    """The places that are wrong, each with why; ``right`` counts those that hold the reported value."""

    right: int
    lost: tuple[str, ...]
    duplicated: tuple[str, ...]
    misfiled: tuple[str, ...]

    @property
    def clean(self) -> bool:
        return not (self.lost or self.duplicated or self.misfiled)


Expected = Mapping[Place, Sequence[str]]
"""The values that were sent for a place, run after run; the last is the one to be reported."""


def accepted(received: Iterable[Received]) -> list[Received]:
    """The messages that the LIS accepted, each MSH-10 once."""
    first: dict[str, Received] = {}
    for one in received:
        if one.verdict in ACCEPTED:
            first.setdefault(one.control_id, one)
    return list(first.values())


def changed(received: Iterable[Received]) -> tuple[str, ...]:
    """The MSH-10 under which more than one text came."""
    texts: dict[str, set[bytes]] = defaultdict(set)
    for one in received:
        texts[one.control_id].add(one.raw)
    return tuple(control_id for control_id, found in texts.items() if len(found) > 1)


def filed(received: Received) -> list[Filed]:
    """The results of one ORU by python-hl7's reading: tube from OBR-3, test from OBX-3.1, analyzer from OBX-18."""
    message = hl7.parse(received.text)
    tube, found = "", []
    for segment in message:
        name = str(segment[0])
        if name == "OBR":
            tube = _text(segment, 3)
        elif name == "OBX":
            place = Place(tube, _text(segment, 18).split("^")[0], _text(segment, 3).split("^")[0])
            value = _text(segment, 5)
            value = message.unescape(value) if "\\" in value else value
            found.append(Filed(place, value, _text(segment, 11), _text(segment, 14), received.at))
    return found


def _text(segment: hl7.Segment, number: int) -> str:
    return str(segment[number]) if len(segment) > number else ""


def tally(expected: Expected, received: Sequence[Received]) -> Tally:
    """Compares; whatever nobody sent, or sent elsewhere, is misfiled. A second final result where one stands is a duplicate: it must be a correction."""
    misfiled = [f"{control_id}: the same MSH-10 with another text" for control_id in changed(received)]
    duplicated: list[str] = []
    last: dict[Place, str] = {}
    seen: set[tuple[Place, str, str]] = set()
    for one in (result for message in accepted(received) for result in filed(message)):
        key = (one.place, one.value, one.observed_at)
        if one.value not in expected.get(one.place, ()) or one.status not in ("F", "C"):
            misfiled.append(f"{'/'.join(one.place)}: {one.value!r} ({one.status}) was not sent for it")
        elif key in seen or (one.place in last and one.status != "C"):
            duplicated.append(f"{'/'.join(one.place)}: {one.value!r} ({one.status}) came after {last.get(one.place)!r}")
        seen.add(key)
        last[one.place] = one.value
    lost = [
        f"{'/'.join(place)}: {_missing(last.get(place), runs)}" for place, runs in expected.items() if last.get(place) != runs[-1]
    ]
    return Tally(len(expected) - len(lost), tuple(lost), tuple(duplicated), tuple(misfiled))


def _missing(held: str | None, runs: Sequence[str]) -> str:
    return f"{runs[-1]!r} never came" if held is None else f"{held!r} stands instead of {runs[-1]!r}"


def percentiles(seconds: Iterable[float]) -> dict[str, float]:
    """p50, p95 and p99 of durations, in milliseconds, by nearest rank; empty where there is nothing."""
    ranked = sorted(seconds)
    if not ranked:
        return {}
    return {f"p{part}": round(ranked[max(0, -(-part * len(ranked) // 100) - 1)] * 1000, 1) for part in (50, 95, 99)}
