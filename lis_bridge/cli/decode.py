"""``lis-bridge decode FILE``: what stands in a capture, as one JSON document.

FILE holds wire bytes, framed or bare. Without ``--driver`` the content decides; damage that a logger did is repaired here (and only here and on
import) and named in ``faults``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec

from lis_bridge.core import moments, resources
from lis_bridge.core.faults import UsageError
from lis_bridge.core.results import Curve, Message, Observation

if TYPE_CHECKING:
    from lis_bridge.catalogue.library import Candidate, Library
    from lis_bridge.catalogue.plan import Decoded


def decode(file: Path, driver: str | None, timezone: str) -> int:
    """Prints the document; exit code 0 decoded, 1 nothing decoded. Raises UsageError and DriverError."""
    from lis_bridge.catalogue.library import Library
    from lis_bridge.catalogue.tests import TestCatalogue

    raw = _bytes_of(file)
    library = Library.load(resources.drivers())
    if driver is None:
        candidates = library.identify(raw)
        if len(candidates) != 1:
            _print(_undecided(candidates))
            return 1
        driver = candidates[0].driver
    plan = library.plan(driver, TestCatalogue.load(resources.catalogue()), zone=ZoneInfo(timezone))
    found = plan.decode(raw, repair=True)
    _print(document(driver, found, library, plan))
    return 0 if found.messages else 1


def _bytes_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as wrong:
        raise UsageError(wrong.strerror or "cannot be read", where=str(file), hint="Name a capture file") from wrong


def _print(value: Any) -> None:
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")


def _undecided(candidates: tuple[Candidate, ...]) -> dict[str, Any]:
    return {"candidates": [{"driver": candidate.driver, "why": candidate.why} for candidate in candidates]}


def document(driver: str, found: Decoded, library: Library, plan: Any) -> dict[str, Any]:
    """The contract's document (DESIGN section 6)."""
    tests = plan.tests
    return {
        "driver": driver,
        "messages": [_message(message, tests) for message in found.messages],
        "faults": [{"kind": fault.kind, "where": fault.where, "hint": fault.hint} for fault in found.faults],
    }


def _message(message: Message, tests: Any) -> dict[str, Any]:
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


def _result(seen: Observation, tests: Any) -> dict[str, Any]:
    test = tests.test(seen.test) if seen.test else None
    return {
        "code": seen.code,
        "test": seen.test,
        "loinc": test.loinc if test else None,
        "value": seen.value,
        "raw": seen.raw,
        "unit": seen.unit,
        "ucum": seen.ucum,
        "low": seen.low,
        "high": seen.high,
        "flags": seen.flags,
        "status": seen.status,
        "observed_at": moments.local(seen.observed_at) if seen.observed_at else None,
        "superseded": seen.superseded,
    }


def _curve(curve: Curve) -> dict[str, Any]:
    return {"code": curve.code, "x": curve.x, "y": curve.y, "points": curve.points}
