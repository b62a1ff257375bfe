"""A proposal to a driver folder: manifest, captures with their notes, expected output that nobody has read yet, README.

The folder appears whole or not at all, and is never written over.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from lis_bridge.catalogue.captures import captures_of, document
from lis_bridge.catalogue.checks.subject import is_guarded
from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.scaffold.manifest_text import manifest_text
from lis_bridge.catalogue.scaffold.proposal import Proposal
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core.faults import DriverError, UsageError
from lis_bridge.framing.profile import Profile

ENDINGS = {"hl7": "hl7", "lis2": "astm"}
NOTE = """\
shows = "as captured; expected/ was made by the proposed driver and is not read by a person yet"
origin = "captured on a line: say which analyzer, which program version and when"
people = "unknown"   # "invented" once lis-bridge anonymise was run, or no person is in it
"""
ANONYMISED = NOTE[: NOTE.index("people")] + 'people = "invented"\n'


def write(
    proposal: Proposal,
    captures: Sequence[bytes],
    into: Path,
    tests: TestCatalogue,
    zone: ZoneInfo,
    *,
    anonymised: bool = False,
) -> Path:
    """The new folder ``into/ID``; ``anonymised``: no person is in the captures any more.

    Raises UsageError where it is there already or cannot be made, DriverError where the manifest does not load.
    """
    folder = into / proposal.id
    if folder.exists():
        raise UsageError("the folder is there already", where=str(folder), hint="Give another id, or move it away")
    try:
        into.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=into, prefix=".new-") as scratch:
            made = Path(scratch) / proposal.id
            _fill(made, proposal, captures, ANONYMISED if anonymised else NOTE)
            expect(made, tests, zone)
            shutil.move(made, folder)
    except OSError as wrong:
        raise UsageError(
            wrong.strerror or "cannot be written", where=str(into), hint="Name a folder that may be written"
        ) from wrong
    return folder


def _fill(folder: Path, proposal: Proposal, captures: Sequence[bytes], note: str) -> None:
    (folder / "captures").mkdir(parents=True)
    (folder / "driver.toml").write_text(manifest_text(proposal), encoding="utf-8")
    (folder / "README.md").write_text("\n".join(_readme(proposal)) + "\n", encoding="utf-8")
    for number, raw in enumerate(captures, start=1):
        stem = folder / "captures" / f"{proposal.id}--{number:02}"
        stem.with_suffix(".toml").write_text(note, encoding="utf-8")
        stem.with_suffix(f".{ENDINGS.get(proposal.kind, 'txt')}").write_bytes(raw)


def expect(folder: Path, tests: TestCatalogue, zone: ZoneInfo) -> None:
    """Writes what the manifest makes of each capture to ``expected/``, for a person to read. Raises DriverError where it does not load."""
    (folder / "expected").mkdir(exist_ok=True)
    try:
        library = Library.load([folder.parent])
    except DriverError as wrong:
        raise DriverError(
            f"the proposed manifest does not load: {wrong.what}", where="driver new", hint="Report this with the capture"
        ) from wrong
    plan = library.plan(folder.name, tests, zone=zone)
    for capture in captures_of(folder):
        said = document(folder.name, plan.decode(capture.raw, repair=True), tests)
        capture.expected.write_bytes(msgspec.json.format(msgspec.json.encode(said), indent=1) + b"\n")


def _readme(proposal: Proposal) -> Iterator[str]:
    yield f"# {proposal.id}"
    yield from ("", "**Cabling.** Not known yet.", "", "**On the analyzer.** Menus and settings: not known yet.", "")
    yield "**What it says.** As captured:"
    yield from (
        f"- {_last(field.key)}: {field.why}"
        for field in proposal.fields
        if field.certainty == "proven" and ".framing" in field.key + "."
    )
    yield from (f"- {field.why}" for field in proposal.fields if field.key.endswith(".kind"))
    if not any(_guarded(one) for field in proposal.fields if field.key.endswith(".framing") for one in field.value):
        yield "- no checksum: damage inside a value does not show"
    yield from (
        "",
        "**Controls.** Not known yet.",
        "",
        "**Evidence.** Captures only; no manual, no printout.",
        "",
        "**Not verified.**",
    )
    yield from (
        f"- {_last(field.key)}: {field.why}"
        for field in proposal.fields
        if field.certainty == "unknown" and not field.key.startswith("units")
    )
    yield from (f"- {question}" for question in proposal.questions)
    waiting = sum(one.test is None for one in proposal.codes)
    if waiting:
        yield f"- {waiting} of {len(proposal.codes)} codes have no test yet; their results are held"


def _guarded(framing: dict[str, str]) -> bool:
    """Whether damage shows, by the framing's own check or by TCP's."""
    return framing["kind"] == "mllp" or is_guarded(Profile.from_dict(framing))


def _last(key: str) -> str:
    return key.rpartition(".")[2]
