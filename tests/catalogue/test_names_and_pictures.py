"""Names of patients as one text, and pictures with and without HL7's components."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from lis_bridge.catalogue.manifest.driver import Manifest
from lis_bridge.catalogue.plan import Plan
from lis_bridge.catalogue.tests import TestCatalogue as Catalogue
from lis_bridge.core import resources
from lis_bridge.core.results import Image, Message

TESTS = Catalogue.load(resources.catalogue())


def message(*segments: str, name_as_sent: bool = False, name_given_first: bool = False) -> Message:
    manifest = Manifest.model_validate(
        {
            "id": "device", "name": "Device", "manufacturer": "Maker", "models": ["1"], "class": "hematology", "revision": 1,
            "dialect": {
                "hl7": {
                    "kind": "hl7",
                    "framing": [{"kind": "mllp"}],
                    "message": {
                        "specimen": ["OBR-3"],
                        "patient_name": ["PID-5"],
                        "name_as_sent": name_as_sent,
                        "name_given_first": name_given_first,
                    },
                    "results": [{"code": ["OBX-3"], "value": ["OBX-5"], "type": "OBX-2", "images": ["ED"]}],
                }
            },
        }
    )  # fmt: skip
    text = "\r".join(("MSH|^~\\&|Device||||20260105||ORU^R01|1|P|2.4", *segments, ""))
    (found,) = Plan(manifest, TESTS, zone=ZoneInfo("Asia/Shanghai")).decode(b"\x0b" + text.encode() + b"\x1c\r").messages
    return found


@pytest.mark.parametrize("sent", ["MUSTER^ROSA", "MUSTER^ROSA^^"])
@pytest.mark.parametrize(("as_sent", "name"), [(False, "MUSTER ROSA"), (True, "MUSTER^ROSA")])
def test_the_parts_of_a_name_are_joined_unless_the_manifest_keeps_them(sent: str, as_sent: bool, name: str) -> None:
    patient = message(f"PID|1||||{sent}", "OBR|1||417", name_as_sent=as_sent).patient
    assert patient is not None
    assert patient.name == name


@pytest.mark.parametrize("as_sent", [False, True])
def test_a_name_of_separators_is_no_name(as_sent: bool) -> None:
    assert message("PID|1||||^^", "OBR|1||417", name_as_sent=as_sent).patient is None


@pytest.mark.parametrize(
    ("sent", "name"), [("MUSTER^ROSA", "ROSA MUSTER"), ("MUSTER^ROSA^ANNA^", "ROSA ANNA MUSTER"), ("MUSTER", "MUSTER")]
)
def test_a_family_name_goes_behind_the_others_where_the_manifest_says_so(sent: str, name: str) -> None:
    patient = message(f"PID|1||||{sent}", "OBR|1||417", name_given_first=True).patient
    assert patient is not None
    assert patient.name == name


def test_a_picture_may_stand_alone_or_behind_its_format() -> None:
    found = message("OBR|1||417", "OBX|1|ED|9||iVBORw0KGgoAAAA=", "OBX|2|ED|8||^Image^BMP^Base64^Qk0AAAAA", "OBX|3|ED|7||AAAA")
    assert [image_without_place(image) for image in found.images] == [("9", "PNG", 11), ("8", "BMP", 6), ("7", "", 3)]
    assert found.observations == ()


def image_without_place(image: Image) -> tuple[str, str, int]:
    return image.code, image.format, image.size
