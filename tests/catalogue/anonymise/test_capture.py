"""Every capture of every driver, anonymised: the same results about nobody."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

import pytest

from lis_bridge.catalogue.anonymise import anonymised
from lis_bridge.catalogue.captures import Capture, captures_of
from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.plan import Plan
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core import resources
from lis_bridge.core.faults import BridgeError
from lis_bridge.core.results import Message

LIBRARY = Library.load(resources.drivers())
TESTS = TestCatalogue.load(resources.catalogue())
CAPTURES = [(id, capture) for id in LIBRARY.ids() for capture in captures_of(LIBRARY.driver(id).folder)]
SECRET = b"a secret of the test"


DAMAGED = "roche-modular--03"
"""A frame that came damaged and then again: the repair knows the second by the first, which is no longer like it, unless it is crossed out."""
LOGGED = {"mindray-bc10--02", "nihon-kohden-mek--02", "olympus-au--04"}
"""Logs whose own words the repair needs: they cannot be crossed out."""


def _plan(driver: str) -> Plan:
    return LIBRARY.plan(driver, TESTS, zone=ZoneInfo("Asia/Shanghai"))


def _persons(messages: Iterable[Message]) -> set[str]:
    """Names and barcodes that a reader of the bytes would know somebody by."""
    found = {message.patient.name for message in messages if message.patient}
    found |= {message.patient.id for message in messages if message.patient}
    found |= {message.specimen for message in messages if message.kind == "patient"}
    return {text for text in found if text and len(text) >= 6}


@pytest.mark.parametrize(("driver", "capture"), CAPTURES, ids=[capture.file.stem for _, capture in CAPTURES])
def test_a_capture_is_about_nobody_and_reads_the_same(driver: str, capture: Capture) -> None:
    plan, raw = _plan(driver), capture.raw
    before = plan.decode(raw, repair=True).messages
    if not before:
        with pytest.raises(BridgeError):
            anonymised(raw, plan, SECRET)
        return
    logged = capture.file.stem in LOGGED
    found = anonymised(raw, plan, SECRET, blank=not logged)
    assert len(found.raw) == len(raw)
    assert all(line.endswith("belong to no message") for line in found.left) if logged else found.left == ()
    for text in _persons(before):
        for charset in ("utf-8", "gb18030", "utf-16-le"):
            assert text.encode(charset) not in found.raw, charset


@pytest.mark.parametrize(("stem", "blank"), [(DAMAGED, False), *((stem, True) for stem in sorted(LOGGED))])
def test_a_capture_that_would_be_read_differently_is_refused(stem: str, blank: bool) -> None:
    ((driver, capture),) = [one for one in CAPTURES if one[1].file.stem == stem]
    with pytest.raises(BridgeError, match="read differently"):
        anonymised(capture.raw, _plan(driver), SECRET, blank=blank)


@pytest.mark.parametrize("stem", ["sysmex-xp--01", "hitachi-7170--01", "mindray-bs--01", "coulter-jt--01"])
def test_check_characters_hold_without_any_repair(stem: str) -> None:
    for driver, capture in CAPTURES:
        if capture.file.stem == stem:
            plan = _plan(driver)
            assert plan.decode(anonymised(capture.raw, plan, SECRET).raw).faults == plan.decode(capture.raw).faults


def test_the_same_person_and_specimen_have_one_stand_in_in_the_whole_capture() -> None:
    raw = _hl7("NLAB25-00417", "TANAKA^YUKI") + _hl7("NLAB25-00418", "TANAKA^YUKI") + _hl7("NLAB25-00417", "SATO^KEN")
    first, second, third = _plan("mindray-bs").decode(anonymised(raw, _plan("mindray-bs"), SECRET).raw).messages
    assert first.patient is not None
    assert second.patient is not None
    assert first.patient.name == second.patient.name != "TANAKA YUKI"
    assert first.specimen == third.specimen != second.specimen


def test_another_secret_gives_other_stand_ins() -> None:
    raw, plan = _hl7("NLAB25-00417", "TANAKA^YUKI"), _plan("mindray-bs")
    assert anonymised(raw, plan, b"one").raw != anonymised(raw, plan, b"two").raw
    assert anonymised(raw, plan, b"one").raw == anonymised(raw, plan, b"one").raw


def test_without_a_driver_records_are_understood_and_nothing_is_called_proved() -> None:
    found = anonymised(_hl7("NLAB25-00417", "TANAKA^YUKI"), None, SECRET)
    assert b"TANAKA" not in found.raw
    assert b"NLAB25" not in found.raw
    assert b"20260314" not in found.raw
    assert b"ALT|31.20|U/L" in found.raw
    assert found.left


def _hl7(barcode: str, name: str) -> bytes:
    lines = (
        "MSH|^~\\&|BS-800|Mindray|||20260314084211||ORU^R01|1|P|2.3.1||||0||ASCII",
        f"PID|1|P4711|||{name}||19800502|F",
        f"OBR|1|{barcode}|12|Mindray^BS-800|N||20260314080000",
        "OBX|1|NM|ALT|ALT|31.20|U/L|||||F||31.2|20260314083000",
    )
    return b"\x0b" + "\r".join(lines).encode() + b"\r\x1c\r"
