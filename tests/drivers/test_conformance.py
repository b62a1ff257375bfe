"""Every driver against every conformance check: one test id for each."""

from __future__ import annotations

import pytest

from lis_bridge.catalogue.check import CHECKS, Subject, run, tier
from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core import resources

LIBRARY = Library.load(resources.drivers())
TESTS = TestCatalogue.load(resources.catalogue())
SUBJECTS = {id: Subject(LIBRARY.driver(id), LIBRARY, TESTS) for id in LIBRARY.ids()}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("driver", LIBRARY.ids())
def test_a_driver_holds_what_it_promises(driver: str, check: str) -> None:
    assert run(SUBJECTS[driver], check) == []


def reads_nothing(driver: str) -> bool:
    """A driver of which nothing is known may keep what comes: a draft by its own word that claims no capture and has no place for a result."""
    manifest = LIBRARY.driver(driver).manifest
    placeless = not any(dialect.results for dialect in manifest.dialect.values())
    return (
        placeless
        and not manifest.identify
        and not manifest.codes
        and tier(SUBJECTS[driver]) == "draft"
        and bool(manifest.low_confidence)
    )


@pytest.mark.parametrize("driver", LIBRARY.ids())
def test_a_driver_has_captures_a_readme_and_a_tier(driver: str) -> None:
    subject = SUBJECTS[driver]
    assert subject.captures or reads_nothing(driver)
    assert (subject.driver.folder / "README.md").read_text(encoding="utf-8").startswith("# ")
    assert tier(subject) in ("draft", "documented", "bench", "site")


def test_no_driver_claims_a_capture_from_outside_its_group() -> None:
    """The whole matrix: every driver's evidence against every other driver's captures."""
    for subject in SUBJECTS.values():
        for capture in subject.captures:
            claims = {candidate.driver for candidate in LIBRARY.identify(capture.raw)}
            assert claims <= subject.group, capture.file.name
