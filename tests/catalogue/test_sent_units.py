"""Units that are numbers or symbols on the wire."""

from __future__ import annotations

import pytest

from lis_bridge.catalogue.codes import CodeBook
from lis_bridge.catalogue.tests import TestCatalogue as Catalogue
from lis_bridge.core import resources

TESTS = Catalogue.load(resources.catalogue())


@pytest.mark.parametrize(
    ("sent", "ucum", "problem"),
    [
        ("15", "mg/dL", None),
        ("1", "mmol/L", None),
        ("", "mmol/L", None),
        ("16", None, "unknown unit"),
    ],
)
def test_a_unit_on_the_wire_means_what_the_driver_says_of_it(sent: str, ucum: str | None, problem: str | None) -> None:
    units = {"unit 15": "mg/dL", "unit 1": "", "15": "g/L", "GLU": "mmol/L"}
    book = CodeBook({"25": "GLU"}, units, frozenset(), (), TESTS, by_name=False)
    found = book.mapped("25", "", sent)
    assert (found.ucum, found.unit_problem) == (ucum, problem)
    assert found.unit == (sent or None)
