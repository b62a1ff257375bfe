"""A material that a manifest names is found on the wire; one that never is would let urine pass for serum."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from lis_bridge.catalogue.captures import captures_of
from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.manifest.driver import Manifest
from lis_bridge.catalogue.plan import Plan
from lis_bridge.catalogue.tests import TestCatalogue as Catalogue
from lis_bridge.core import resources

TESTS = Catalogue.load(resources.catalogue())
LIBRARY = Library.load(resources.drivers())


def with_materials(id: str) -> bool:
    return any(table.material for dialect in LIBRARY.driver(id).manifest.dialect.values() for table in dialect.results)


def nothing_usual(manifest: Manifest) -> Manifest:
    """The manifest, to which every material that is named is unusual."""
    said = manifest.model_copy(deep=True)
    for dialect in said.dialect.values():
        tables = tuple(
            table.model_copy(update={"material": table.material.model_copy(update={"usual": ()})}) if table.material else table
            for table in dialect.results
        )
        object.__setattr__(dialect, "results", tables)
    return said


@pytest.mark.parametrize("id", [id for id in LIBRARY.ids() if with_materials(id)])
def test_the_material_that_a_manifest_names_is_heard(id: str) -> None:
    driver = LIBRARY.driver(id)
    plan = Plan(nothing_usual(driver.manifest), TESTS, zone=ZoneInfo("Asia/Shanghai"))
    materials = set()
    for capture in captures_of(driver.folder):
        for message in plan.decode(capture.raw, repair=True).messages:
            materials |= {row.material for row in message.observations}
    assert materials - {""}
