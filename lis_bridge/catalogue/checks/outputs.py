"""Whether captures decode to what is expected of them, and every code in them is understood."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lis_bridge.catalogue.captures import document
from lis_bridge.catalogue.checks.finding import Finding
from lis_bridge.catalogue.checks.subject import Subject
from lis_bridge.core.sayings import saying


def expected(subject: Subject) -> Iterator[Finding]:
    """Captures decode to what ``expected/`` holds, values as text; nothing stands there that no capture has."""
    for capture, found in subject.decoded:
        if not capture.expected.exists():
            hint = "Read what lis-bridge decode prints, line by line, then keep it there"
            yield Finding("expected", str(capture.expected), "", "is not there", hint)
            continue
        want = json.loads(capture.expected.read_text(encoding="utf-8"))
        for place in _differences(want, document(subject.driver.id, found, subject.tests)):
            hint = "Mend the driver; where the capture shows that the expectation was wrong, mend that"
            yield Finding("expected", str(capture.expected), "", place, hint)
    known = {capture.expected for capture in subject.captures}
    for file in sorted(set((subject.driver.folder / "expected").glob("*")) - known):
        yield Finding("expected", str(file), "", "belongs to no capture", "Take it out, or add the capture")


def _differences(want: dict[str, Any], got: dict[str, Any]) -> Iterator[str]:
    if len(want["messages"]) != len(got["messages"]):
        yield saying("{} messages instead of {}", len(got["messages"]), len(want["messages"]))
        return
    for number, (one, other) in enumerate(zip(want["messages"], got["messages"], strict=True), 1):
        for key in one:
            if one[key] != other.get(key):
                yield saying("message {}: {}", number, _difference(key, one[key], other.get(key)))
    if want.get("faults", []) != got["faults"]:
        yield saying("faults {} instead of {}", _kinds(got["faults"]), _kinds(want.get("faults", [])))


def _difference(key: str, want: Any, got: Any) -> str:
    """The first thing that differs, in a few words."""
    if key != "results" or len(want) != len(got):
        said = (saying("{} of them", len(item)) if isinstance(item, list) else repr(item) for item in (got, want))
        return saying("{} {} instead of {}", key, *said)
    row, one, other = next((row, one, other) for row, (one, other) in enumerate(zip(want, got, strict=True), 1) if one != other)
    field = next(name for name in one if one[name] != other.get(name))
    return saying("result {} ({}): {} {!r} instead of {!r}", row, other["code"], field, other.get(field), one[field])


def _kinds(faults: list[dict[str, str]]) -> list[str]:
    return [fault["kind"] for fault in faults]


def mapped(subject: Subject) -> Iterator[Finding]:
    """Every result code of patients in the captures is mapped or ignored, with a unit that the catalogue knows for the test."""
    for capture, found in subject.decoded:
        rows = (row for message in found.messages if message.kind == "patient" for row in message.observations)
        problems = dict.fromkeys((row.key, f"{row.problem} {row.unit or ''}".rstrip()) for row in rows if row.problem is not None)
        for code, what in problems:
            hint = "Map it in [codes] or [units], ignore it with a reason, or waive it"
            yield Finding("mapped", str(capture.file), code, what, hint)
