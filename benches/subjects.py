"""What is measured of ours: drivers' plans over the shipped test catalogue, with a seeded menu of any size."""

from __future__ import annotations

from functools import cache
from zoneinfo import ZoneInfo

from benches import messages
from lis_bridge.catalogue.library import Library
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
def tubes(size: int, count: int = TUBES) -> tuple[messages.Tube, ...]:
    return tuple(messages.tubes(menu(size), count))


@cache
def hl7(size: int, count: int = TUBES) -> tuple[bytes, ...]:
    """Different tubes of one menu as bare HL7."""
    return tuple(messages.hl7(menu(size), tube) for tube in tubes(size, count))
