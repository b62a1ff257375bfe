"""Reports of invented patients, and reading a message back by python-hl7."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import hl7

from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core.reports import Head, Report, Status
from lis_bridge.core.results import Observation
from lis_bridge.forward.oru import Builder
from lis_bridge.settings import Destination

CATALOGUE = TestCatalogue.load()
NOW = datetime(2026, 3, 17, 9, 45, 42, tzinfo=timezone(timedelta(hours=8)))
HEAD = Head("20260317000042", "20260317000042")
CONTROL_ID = "0A1B2C3D-0000000042"


def destination(**values: Any) -> Destination:
    return Destination.model_validate({"id": "lis", "link": "mllp://127.0.0.1:2575", **values})


def observation(test: str = "GLU", value: str | None = "4.10", **values: Any) -> Observation:
    number = Decimal(value) if value and re.fullmatch(r"[+-]?\d+(\.\d+)?", value, re.ASCII) else None
    found = CATALOGUE.test(test)
    ucum = found.ucum if found else None
    return Observation(
        **{"code": f"{test}-1", "test": test, "value": value, "number": number, "unit": ucum, "ucum": ucum, **values}
    )


def report(
    test: str = "GLU", value: str | None = "4.10", status: Status = "F", analyzer: str = "line-1", **values: Any
) -> Report:
    return Report(observation(test, value, **values), status, analyzer)


def built(*reports: Report, head: Head = HEAD, **values: Any) -> bytes:
    return Builder(destination(**values), CATALOGUE).build(head, reports, CONTROL_ID, NOW)


def parsed(raw: bytes, charset: str = "UTF-8") -> Any:
    return hl7.parse(raw.decode(charset))


def fields(raw: bytes, segment: str, charset: str = "UTF-8") -> list[list[str]]:
    """Every such segment's fields as they stand; index 0 is the segment's name."""
    return [[str(field) for field in found] for found in parsed(raw, charset) if str(found[0]) == segment]


_NAMED = {"F": "|", "S": "^", "T": "&", "R": "~", "E": "\\"}


def unescaped(text: str) -> str:
    """HL7 v2.5.1 2.7, for what the bridge writes; python-hl7's own reader does not know the hexadecimal form of code points."""

    def plain(found: re.Match[str]) -> str:
        sequence = found[1]
        return _NAMED[sequence] if sequence in _NAMED else chr(int(sequence[1:], 16))

    return re.sub(r"\\([FSTRE]|X[0-9A-F]+)\\", plain, text)
