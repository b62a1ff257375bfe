"""What a dialect's compiled words refuse."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from lis_bridge.catalogue.manifest.driver import Manifest
from lis_bridge.catalogue.plan import Plan
from lis_bridge.catalogue.tests import TestCatalogue as Catalogue
from lis_bridge.core import resources

TESTS = Catalogue.load(resources.catalogue())


@pytest.mark.parametrize(
    "said",
    [
        {"message": {"specimen": ["OBR-3", "OBX-4"]}},
        {"message": {"specimen": ["OBR-3"], "dated": ["OBX-14"]}},
        {"kinds": [{"when": {"OBX-11": "Q"}, "is": "qc"}]},
    ],
    ids=["specimen", "date of a running number", "kind of message"],
)
def test_a_place_above_the_results_that_stands_in_them_is_refused(said: dict[str, Any]) -> None:
    hl7 = {"kind": "hl7", "framing": [{"kind": "mllp"}], "results": [{"code": ["OBX-3"], "value": ["OBX-5"]}], **said}
    base = {"id": "device", "name": "Device", "manufacturer": "Maker", "models": ["1"], "class": "hematology", "revision": 1}
    manifest = Manifest.model_validate({**base, "dialect": {"hl7": {"message": {"specimen": ["OBR-3"]}, **hl7}}})
    with pytest.raises(ValueError, match=r"OBX-\d+ stands in the results"):
        Plan(manifest, TESTS, zone=ZoneInfo("Asia/Shanghai"))
