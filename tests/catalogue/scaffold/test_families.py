"""Every family that has a driver, as if it had none: what is proposed from its captures never contradicts the driver that people wrote."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from lis_bridge.catalogue.checks import QUICK, Subject, run
from lis_bridge.catalogue.library import Evidence, Library
from lis_bridge.catalogue.scaffold.recognise import recognise
from lis_bridge.catalogue.scaffold.write import write
from lis_bridge.framing.profile import Profile
from lis_bridge.framing.unframe import unframe
from tests.catalogue.scaffold.families import FAMILIES, LIBRARY, TESTS, ZONE, captures, filed, guesses, manifest, proposal, real

UNRECOGNISED = {
    "sysmex-laboman-cdf--01.csv": "the first cell says what a row is, and each kind has its own number of cells",
    "sysmex-laboman-cdf--02.csv": "the first cell says what a row is, and each kind has its own number of cells",
    "succeeder-sf8050--01.txt": "cells parted by blanks look like fixed widths",
    "succeeder-sf8050--02.txt": "cells parted by blanks look like fixed widths",
    "succeeder-sd1000--01.txt": "a check inside each line is not looked for; its commas look like delimited text",
    "succeeder-sd1000--02.txt": "a check inside each line is not looked for; its commas look like delimited text",
    "mejer-urine--01.txt": "blocks in brackets of the maker's own (NZ[ to ])",
    "mindray-bc20-serial--01.hl7": "HL7 between DLE and SI",
    "mindray-labxpert-files--01.dat": "a file of HL7 without an envelope looks like a log of MLLP",
    "swelab-ac920--02.txt": "the printer form ends in a blank line, which nothing tells from the lines of a report",
}
"""Captures whose framing or dialect is not recognised, and why."""


@pytest.mark.parametrize("family", FAMILIES)
def test_framing_and_dialect_of_every_capture_are_recognised(family: str) -> None:
    spec = LIBRARY.driver(family).manifest.dialect
    dialects = {dialect.kind for dialect in spec.values()}
    framings = {framing["kind"] for dialect in spec.values() for framing in dialect.framing}
    for capture in captures(family):
        found = recognise(capture.raw)
        right = found is not None and found.dialect in dialects and found.framing["kind"] in framings
        assert right != (capture.file.name in UNRECOGNISED), capture.file.name


@pytest.mark.parametrize("family", FAMILIES)
def test_a_proven_framing_reads_what_the_real_one_reads(family: str) -> None:
    for capture in captures(family):
        found = recognise(capture.raw)
        if found is not None and found.certainty == "proven":
            ours = [body.text for body in unframe(capture.raw, Profile.from_dict(found.framing), repair=True)]
            assert ours == [body.text for body in unframe(capture.raw, real(family).profiles, repair=True)], capture.file.name


@pytest.mark.parametrize("family", FAMILIES)
def test_no_proven_field_contradicts_the_driver(family: str) -> None:
    ours, theirs = manifest(family).dialect, LIBRARY.driver(family).manifest.dialect
    (name,) = ours
    same = [dialect for dialect in theirs.values() if dialect.kind == ours[name].kind]
    assert same or all(capture.file.name in UNRECOGNISED for capture in captures(family))
    for field in proposal(family).fields:
        if field.certainty != "proven":
            continue
        key = field.key.removeprefix(f"dialect.{name}.")
        if key == "message.control_id":
            assert any(dialect.message.control_id in ((), tuple(field.value)) for dialect in same)
        if key == "pairs.separator":
            assert any(dialect.pairs is not None and dialect.pairs.separator == field.value for dialect in same)
        if key.endswith("].images"):
            known = {image for dialect in same for table in dialect.results for image in table.images}
            assert set(field.value) <= known


@pytest.mark.parametrize("family", FAMILIES)
def test_no_code_is_guessed_wrong(family: str) -> None:
    assert guesses(family)["wrong"] == 0


@pytest.mark.parametrize("family", FAMILIES)
def test_no_result_is_filed_that_the_driver_would_not_file(family: str) -> None:
    assert filed(family)["wrong"] == 0


@pytest.mark.parametrize("family", FAMILIES)
def test_evidence_claims_no_capture_of_another_family(family: str) -> None:
    group = {family, *LIBRARY.driver(family).manifest.lookalikes}
    for rule in manifest(family).identify:
        claimed = {other for other in FAMILIES for capture in captures(other) if Evidence(rule).holds_in(capture.raw)}
        kin = {other for other in claimed if LIBRARY.driver(other).manifest.extends in group}
        parent = {LIBRARY.driver(family).manifest.extends}
        assert claimed <= group | kin | parent


def test_most_codes_are_matched() -> None:
    """The other half of caution: a proposal that guessed nothing would be right as well."""
    count = sum((guesses(family) for family in FAMILIES), Counter())
    assert count["right"] > count["left open"]


@pytest.mark.parametrize(
    ("family", "check"),
    [
        (family, check)
        for family in FAMILIES
        for check in ("codes", "expected", "flips", "loinc", "readme")
        if check not in LIBRARY.driver(family).manifest.waived
    ],
)
def test_checks_that_need_no_person_hold_at_once(family: str, check: str, tmp_path: Path) -> None:
    write(proposal(family), [capture.raw for capture in captures(family)], tmp_path, TESTS, ZONE)
    library = Library.load([tmp_path])
    assert run(Subject(library.driver(family), library, TESTS, QUICK), check) == []
