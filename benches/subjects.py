"""What is measured of ours: drivers' plans over the shipped test catalogue, with a seeded menu of any size."""

from __future__ import annotations

from functools import cache
from zoneinfo import ZoneInfo

from benches import messages
from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.manifest.driver import Manifest
from lis_bridge.catalogue.plan import Overrides, Plan
from lis_bridge.catalogue.tests import Test, TestCatalogue
from lis_bridge.core import resources

ZONE = ZoneInfo("Asia/Shanghai")
HL7_DRIVER, LIS2_DRIVER = "mindray-bs", "mindray-cl"
TUBES = 400


@cache
def catalogue() -> TestCatalogue:
    return TestCatalogue.load(resources.catalogue())


@cache
def measured() -> tuple[Test, ...]:
    """The catalogue's tests that have a unit which an HL7 field can hold as it stands."""
    return tuple(test for test in catalogue().tests if test.ucum and not set(test.ucum) & set("|^~\\&"))


@cache
def menu(size: int) -> messages.Menu:
    return messages.menu(size, [test.ucum for test in measured()])


@cache
def plan(driver: str, size: int) -> Plan:
    """The driver with the codes of the menu of that size mapped to the catalogue."""
    tests = measured()
    codes = {item.code: tests[number % len(tests)].code for number, item in enumerate(menu(size))}
    return Library.load(resources.drivers()).plan(driver, catalogue(), zone=ZONE, overrides=Overrides(codes, {}))


@cache
def standard_plan(size: int) -> Plan:
    """A driver for ``messages.standard``, with the same codes."""
    tests = measured()
    table = {
        "code": ["OBX-3.1"], "name": ["OBX-3.2"], "value": ["OBX-5"], "unit": ["OBX-6"], "range": ["OBX-7"],
        "flags": [{"path": "OBX-8", "drop": ["N"]}], "status": ["OBX-11"], "observed_at": ["OBX-14"],
    }  # fmt: skip
    head = {
        "specimen": ["OBR-3"],
        "patient_id": ["PID-3"],
        "patient_name": ["PID-5"],
        "dated": ["OBR-7"],
        "control_id": ["MSH-10"],
    }
    manifest = {
        "id": "standard", "name": "Standard HL7", "manufacturer": "None", "models": ["1"], "class": "chemistry", "revision": 1,
        "codes": {item.code: tests[number % len(tests)].code for number, item in enumerate(menu(size))},
        "abnormal_flags": {"H": "H", "L": "L"},
        "dialect": {"hl7": {"kind": "hl7", "framing": [{"kind": "mllp"}], "message": head, "results": [table]}},
    }  # fmt: skip
    return Plan(Manifest.model_validate(manifest), catalogue(), zone=ZONE)


@cache
def tubes(size: int, count: int = TUBES) -> tuple[messages.Tube, ...]:
    return tuple(messages.tubes(menu(size), count))


@cache
def hl7(size: int, count: int = TUBES) -> tuple[bytes, ...]:
    """Different tubes of one menu as bare HL7."""
    return tuple(messages.hl7(menu(size), tube) for tube in tubes(size, count))
