"""Every driver against every conformance check: one test id for each."""

from __future__ import annotations

from pathlib import Path

import pytest

from lis_bridge.catalogue.checks import CHECKS, Subject, run
from lis_bridge.catalogue.checks.sheet import markdown, placed, row
from lis_bridge.catalogue.checks.tiers import ranked
from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core import resources

LIBRARY = Library.load(resources.drivers())
TESTS = TestCatalogue.load(resources.catalogue())
SUBJECTS = {id: Subject(LIBRARY.driver(id), LIBRARY, TESTS) for id in LIBRARY.ids()}
README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("driver", LIBRARY.ids())
def test_a_driver_holds_what_it_promises(driver: str, check: str) -> None:
    assert run(SUBJECTS[driver], check) == []


def test_the_table_of_readme_is_what_the_drivers_are() -> None:
    """``make docs`` writes it. That a driver with findings is a draft is said by the checks above."""
    page = README.read_text(encoding="utf-8")
    rows = [row(subject, ranked(subject)) for subject in SUBJECTS.values()]
    assert page == placed(page, markdown(rows)), "the table of drivers is not current: make docs"
