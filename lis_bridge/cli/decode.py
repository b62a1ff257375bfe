"""``lis-bridge decode FILE``: what stands in a capture, as one JSON document.

FILE holds wire bytes, framed or bare, or a recording of ``lis-bridge capture``. Without ``--driver`` the content decides; damage that a
logger did is repaired here (and only here and on import) and named in ``faults``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec

from lis_bridge.cli.shelf import known, shelf
from lis_bridge.core import resources
from lis_bridge.core.faults import UsageError

if TYPE_CHECKING:
    from lis_bridge.catalogue.library import Candidate


def decode(file: Path, driver: str | None = None, timezone: str = "Asia/Shanghai", drivers: Sequence[Path] | None = None) -> int:
    """Prints the document; exit code 0 decoded, 1 nothing decoded. Raises UsageError and DriverError."""
    from lis_bridge.catalogue.captures import document
    from lis_bridge.catalogue.tests import TestCatalogue

    raw = bytes_of(file)
    library = shelf(drivers)
    if driver is None:
        candidates = library.identify(raw)
        if len(candidates) != 1:
            _print(_undecided(candidates))
            return 1
        driver = candidates[0].driver
    tests = TestCatalogue.load(resources.catalogue())
    found = library.plan(known(library, driver, "--driver"), tests, zone=ZoneInfo(timezone)).decode(raw, repair=True)
    _print(document(driver, found, tests))
    return 0 if found.messages else 1


def bytes_of(file: Path) -> bytes:
    """The wire bytes of a capture or recording. Raises UsageError."""
    from lis_bridge.transport.recording import wire

    try:
        return wire(file.read_bytes())
    except OSError as wrong:
        raise UsageError(wrong.strerror or "cannot be read", where=str(file), hint="Name a capture file") from wrong


def _print(value: Any) -> None:
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")


def _undecided(candidates: tuple[Candidate, ...]) -> dict[str, Any]:
    return {
        "candidates": [{"driver": candidate.driver, "why": candidate.why} for candidate in candidates],
        "messages": [],  # a script that walks through messages finds none
    }
