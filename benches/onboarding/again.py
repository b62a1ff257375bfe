"""A family taken away from the shelf, proposed from its captures, edited as its file here says, and checked."""

from __future__ import annotations

import shutil
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from lis_bridge.catalogue.captures import captures_of
from lis_bridge.catalogue.checks import Finding, Subject, findings
from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.scaffold.propose import propose
from lis_bridge.catalogue.scaffold.recognise import recognise
from lis_bridge.catalogue.scaffold.shelf import captured, vocabulary
from lis_bridge.catalogue.scaffold.write import expect, write
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core import resources

EDITS = Path(__file__).parent
TAKEN = {
    "mindray-bs": ("mindray-bs", "mindray-cl"),
    "sysmex-xp": ("sysmex-xp",),
    "zonci-zl": ("zonci-zl", "generic-hemorheology"),
}
"""The families, and which drivers nothing may be learnt from: those that share the family's tables or speak nearly like it."""
DIALECTS = {"mindray-bs": "hl7", "sysmex-xp": "lis2", "zonci-zl": "pairs"}
"""Which of the family's dialects is onboarded; captures of another one are left out."""
ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Again:
    """Lines of the manifest: proposed, of them kept and edited, and those added; edited lines of the captures' notes;
    findings before and after; of the results that the family's own driver reads for patients, how many the new one reads the
    same, and how many it reads besides.
    """

    family: str
    seconds: float
    proposed: int
    kept: int
    edited: int
    added: int
    notes: int
    before: list[Finding]
    after: list[Finding]
    same: int
    results: int
    extra: int


def again(family: str, scratch: Path) -> Again:
    """Onboards ``family`` into ``scratch``. Raises LookupError where an edit finds no line: the proposal has changed."""
    library, tests = Library.load(resources.drivers()), TestCatalogue.load(resources.catalogue())
    raws = [
        raw for raw in (capture.raw for capture in captures_of(library.driver(family).folder)) if _spoken(raw) == DIALECTS[family]
    ]
    start = time.perf_counter()
    without = TAKEN[family]
    proposal = propose(family, raws, vocabulary(library, tests, without=without), captured(library, without=without))
    folder = write(proposal, raws, scratch, tests, ZONE)
    seconds = time.perf_counter() - start
    before = _findings(folder, tests)
    proposed = (folder / "driver.toml").read_text(encoding="utf-8").splitlines()
    edits = tomllib.loads((EDITS / f"{family}.toml").read_text(encoding="utf-8"))
    lines, added = _edited(proposed, edits)
    (folder / "driver.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    notes = sum(_noted(note) for note in (folder / "captures").glob("*.toml"))
    shutil.rmtree(folder / "expected")
    expect(folder, tests, ZONE)
    edited = sum(one != other for one, other in zip(proposed, _edited(proposed, {"edit": edits["edit"]})[0], strict=True))
    return Again(
        family,
        seconds,
        len(proposed),
        len(proposed) - edited,
        edited,
        added,
        notes,
        before,
        _findings(folder, tests),
        *_same(folder, family, tests),
    )


def _same(folder: Path, family: str, tests: TestCatalogue) -> tuple[int, int, int]:
    """Results (specimen, test, value) of both drivers over all captures."""
    ours = _results(Library.load([folder.parent]), family, tests)
    theirs = _results(Library.load(resources.drivers()), family, tests)
    return len([one for one in theirs if one in ours]), len(theirs), len([one for one in ours if one not in theirs])


def _results(library: Library, family: str, tests: TestCatalogue) -> list[tuple[Path, str | None, str | None, str | None]]:
    plan = library.plan(family, tests, zone=ZONE)
    return [
        (Path(capture.file.name), message.specimen, seen.test, seen.value)
        for capture in captures_of(library.driver(family).folder)
        if _spoken(capture.raw) == DIALECTS[family]
        for message in plan.decode(capture.raw, repair=True).messages
        for seen in message.observations
        if message.kind == "patient" and seen.test is not None
    ]


def _spoken(raw: bytes) -> str:
    found = recognise(raw)
    return found.dialect if found is not None else ""


def _findings(folder: Path, tests: TestCatalogue) -> list[Finding]:
    library = Library.load([folder.parent])
    return findings(Subject(library.driver(folder.name), library, tests))


def _edited(lines: list[str], edits: dict[str, list[dict[str, object]]]) -> tuple[list[str], int]:
    lines = list(lines)
    for edit in edits["edit"]:
        # Where other drivers have taught the proposal meanwhile what an engineer had to say, nothing is left to edit.
        if not any(line.startswith(f"{edit['becomes']} ") for line in lines if edit["becomes"]):
            lines[_place(lines, str(edit["line"]))] = str(edit["becomes"])
    added = 0
    for edit in edits.get("add", []):
        new = [str(line) for line in edit["lines"]]  # type: ignore[attr-defined]
        at = _place(lines, str(edit["before"]))
        lines[at:at] = new
        added += sum(bool(line) for line in new)
    return lines, added


def _place(lines: list[str], start: str) -> int:
    found = [number for number, line in enumerate(lines) if line.startswith(start)]
    if not found:
        raise LookupError(f"no line begins with {start!r}")
    return found[0]


def _noted(note: Path) -> int:
    """The two lines that a person must change in a capture's note."""
    text = note.read_text(encoding="utf-8")
    changed = text.replace('people = "unknown"', 'people = "invented"').replace(
        "as captured; expected/ was made by the proposed driver and is not read by a person yet",
        "expected/ read beside the printout",
    )
    note.write_text(changed, encoding="utf-8")
    return sum(one != other for one, other in zip(text.splitlines(), changed.splitlines(), strict=True))
