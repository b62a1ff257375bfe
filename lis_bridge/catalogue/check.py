"""The conformance checks of a driver (DESIGN section 5). One function a check; each yields what it found, nothing when all is well.

A finding that the manifest waives (``[waived] check = "reason"``) is not counted; a waiver of a check that finds nothing is stale and a
finding of its own.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from lis_bridge.catalogue.captures import Capture, captures_of, document
from lis_bridge.catalogue.library import Driver, Library
from lis_bridge.catalogue.plan import Plan
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core.results import Message

ZONE = ZoneInfo("Asia/Shanghai")
Tier = Literal["draft", "documented", "bench", "site"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found wrong, and where."""

    check: str
    where: str
    what: str


@dataclass(frozen=True)
class Subject:
    """The driver under check with all that the checks ask for."""

    driver: Driver
    library: Library
    tests: TestCatalogue

    @cached_property
    def plan(self) -> Plan:
        return self.library.plan(self.driver.id, self.tests, zone=ZONE)

    @cached_property
    def captures(self) -> tuple[Capture, ...]:
        return tuple(captures_of(self.driver.folder))

    @property
    def group(self) -> frozenset[str]:
        return frozenset({self.driver.id, *self.driver.manifest.lookalikes})


Check = Callable[[Subject], Iterator[Finding]]


def identifies(subject: Subject) -> Iterator[Finding]:
    """Own captures are claimed by this driver or its lookalikes, and by no other."""
    for capture in subject.captures:
        claims = {candidate.driver for candidate in subject.library.identify(capture.raw)}
        if not claims or not claims <= subject.group:
            yield Finding("identify", capture.file.name, f"claimed by {', '.join(sorted(claims)) or 'none'}")


def expected(subject: Subject) -> Iterator[Finding]:
    """Captures decode to what ``expected/`` holds, values as text."""
    for capture in subject.captures:
        if not capture.expected.exists():
            yield Finding("expected", capture.file.name, "no expected output beside it")
            continue
        want = json.loads(capture.expected.read_text(encoding="utf-8"))
        got = document(subject.driver.id, subject.plan.decode(capture.raw, repair=True), subject.tests)
        for place in _differences(want, got):
            yield Finding("expected", capture.file.name, place)


def _differences(want: dict[str, Any], got: dict[str, Any]) -> Iterator[str]:
    if len(want["messages"]) != len(got["messages"]):
        yield f"{len(got['messages'])} messages instead of {len(want['messages'])}"
        return
    for number, (one, other) in enumerate(zip(want["messages"], got["messages"], strict=True)):
        changed = [key for key in one if one[key] != other.get(key)]
        if changed:
            yield f"message {number}: {', '.join(changed)} differ"


def mapped(subject: Subject) -> Iterator[Finding]:
    """Every result code of patients in the captures is mapped or ignored, with a unit that the catalogue knows for the test."""
    for capture in subject.captures:
        for message in subject.plan.decode(capture.raw, repair=True).messages:
            yield from _unmapped(capture, message)


def _unmapped(capture: Capture, message: Message) -> Iterator[Finding]:
    for seen in message.observations if message.kind == "patient" else ():
        if seen.problem is not None:
            yield Finding("mapped", capture.file.name, f"{seen.problem}: {seen.code} {seen.unit or ''}".rstrip())


def codes_known(subject: Subject) -> Iterator[Finding]:
    """Every right side of ``[codes]`` is a test of the catalogue."""
    for code, test in subject.driver.manifest.codes.items():
        if subject.tests.test(test) is None:
            yield Finding("codes", code, f"{test} is not in the catalogue")


def controls(subject: Subject) -> Iterator[Finding]:
    """The family can tell a control: a kind rule says ``qc``, or ids are declared."""
    manifest = subject.driver.manifest
    marked = any(rule.is_ == "qc" for dialect in manifest.dialect.values() for rule in dialect.kinds)
    if not marked and manifest.controls is None:
        yield Finding("controls", "driver.toml", "nothing tells a control from a patient")


def hook(subject: Subject) -> Iterator[Finding]:
    """A hook imports the SDK and the standard library's pure modules only."""
    file = subject.driver.folder / "hook.py"
    if not file.exists():
        return
    for name in _imports(file):
        if name not in HOOK_IMPORTS:
            yield Finding("hook", file.name, f"imports {name}")


HOOK_IMPORTS = frozenset({"__future__", "lis_bridge.sdk", "re", "decimal", "collections.abc", "itertools", "functools", "typing"})


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def people(subject: Subject) -> Iterator[Finding]:
    """Captures hold invented people only, and say so."""
    for capture in subject.captures:
        if capture.people != "invented":
            yield Finding("people", capture.file.name, f"people = {capture.people!r}; anonymise the capture")


def flips(subject: Subject) -> Iterator[Finding]:
    """A flipped bit in a capture with checksums gives a fault or the same results, never others."""
    for capture in subject.captures:
        raw = capture.raw
        if b"\x05" not in raw[:2] or len(raw) > 20_000:
            continue
        want = _values(subject.plan, raw)
        for at in range(1, len(raw), max(1, len(raw) // 97)):
            spoiled = raw[:at] + bytes([raw[at] ^ (1 << (at % 7))]) + raw[at + 1 :]
            if not _values(subject.plan, spoiled) <= want:
                yield Finding("flips", capture.file.name, f"byte {at} flipped gives another result")


def _values(plan: Plan, raw: bytes) -> set[tuple[str | None, str, str | None]]:
    return {
        (message.specimen, seen.code, seen.value)
        for message in plan.decode(raw).messages
        if message.kind == "patient" and message.closed
        for seen in message.observations
    }


CHECKS: dict[str, Check] = {
    "identify": identifies,
    "expected": expected,
    "mapped": mapped,
    "codes": codes_known,
    "controls": controls,
    "hook": hook,
    "people": people,
    "flips": flips,
}


def run(subject: Subject, name: str) -> list[Finding]:
    """One check with the manifest's waivers applied."""
    found = list(CHECKS[name](subject))
    reason = subject.driver.manifest.waived.get(name)
    if reason is None:
        return found
    return [] if found else [Finding(name, "driver.toml", f"stale waiver: {reason}")]


def tier(subject: Subject) -> Tier:
    """The evidence tier, computed: a draft has low confidence or no passing captures; ``bench`` has real layouts with expected output."""
    if subject.driver.manifest.low_confidence or not subject.captures:
        return "draft"
    if any(run(subject, name) for name in CHECKS):
        return "draft"
    return "bench" if any("real" in capture.origin for capture in subject.captures) else "documented"
