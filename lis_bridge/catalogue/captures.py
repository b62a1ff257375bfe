"""A driver's captures with what is known of them, and a decoded capture as the document that ``expected/`` holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lis_bridge.catalogue.plan import Decoded
from lis_bridge.core import moments
from lis_bridge.core.faults import ConfigError, DriverError
from lis_bridge.core.results import Curve, Message, Observation
from lis_bridge.settings import source
from lis_bridge.settings.nearest import did_you_mean

NOTED = ("shows", "origin", "people")


@dataclass(frozen=True, slots=True)
class Capture:
    """Wire bytes, where they come from and what they show."""

    file: Path
    shows: str
    origin: str
    people: str

    @property
    def raw(self) -> bytes:
        return self.file.read_bytes()

    @property
    def note(self) -> Path:
        """What is known of it."""
        return self.file.with_suffix(".toml")

    @property
    def expected(self) -> Path:
        """Where the normalized JSON of this capture stands."""
        return self.file.parent.parent / "expected" / f"{self.file.stem}.json"


def captures_of(folder: Path) -> Iterator[Capture]:
    """The captures of a driver folder, by name. Raises DriverError naming file and line where a note is not as it should be."""
    for note in sorted((folder / "captures").glob("*.toml")):
        said = _note(note)
        for file in sorted(note.parent.glob(f"{note.stem}.*")):
            if file != note:
                yield Capture(file, *said)


def _note(note: Path) -> tuple[str, str, str]:
    try:
        read = source.read(note)
    except ConfigError as wrong:
        raise DriverError(wrong.what, where=wrong.where, hint=wrong.hint) from wrong
    for key in read.table:
        if key not in NOTED:
            hint = did_you_mean(key, NOTED) or f"known: {', '.join(NOTED)}"
            raise DriverError(f"unknown key {key!r}", where=read.where((key,)), hint=hint)
    for key in NOTED:
        if not isinstance(read.table.get(key), str):
            raise DriverError(f"{key} is missing or no text", where=read.where((key,)), hint=f"Write {key} = '…'")
    return read.table["shows"], read.table["origin"], read.table["people"]


class Named(Protocol):
    """A test of the catalogue as far as the document needs it."""

    @property
    def loinc(self) -> str | None: ...


class Tests(Protocol):
    """The test catalogue as far as the document needs it."""

    def test(self, code: str) -> Named | None: ...


def document(driver: str, found: Decoded, tests: Tests) -> dict[str, Any]:
    """What ``lis-bridge decode`` prints (DESIGN section 6)."""
    return {
        "driver": driver,
        "messages": [_message(message, tests) for message in found.messages],
        "faults": [{"kind": fault.kind, "where": fault.where, "hint": fault.hint} for fault in found.faults],
    }


def _message(message: Message, tests: Tests) -> dict[str, Any]:
    patient = message.patient
    return {
        "kind": message.kind,
        "specimen": message.specimen,
        "patient": {"id": patient.id, "name": patient.name} if patient else None,
        "complete": message.complete,
        "results": [_result(observation, tests) for observation in message.observations],
        "images": [{"code": image.code, "format": image.format, "bytes": image.size} for image in message.images],
        "curves": [_curve(curve) for curve in message.curves],
    }


def _result(seen: Observation, tests: Tests) -> dict[str, Any]:
    test = tests.test(seen.test) if seen.test else None
    return {
        "code": seen.code,
        "test": seen.test,
        "loinc": (test.loinc or None) if test else None,
        "value": seen.value,
        "raw": seen.raw,
        "unit": seen.unit,
        "ucum": seen.ucum or None,
        "low": seen.low,
        "high": seen.high,
        "flags": list(seen.flags),
        "status": seen.status,
        "observed_at": moments.local(seen.observed_at) if seen.observed_at else None,
        "superseded": seen.superseded,
    }


def _curve(curve: Curve) -> dict[str, Any]:
    return {"code": curve.code, "x": curve.x, "y": curve.y, "points": [list(point) for point in curve.points]}
