"""Messages of two bytes a character: read, placed and answered."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lis_bridge.catalogue.manifest.driver import Manifest
from lis_bridge.catalogue.plan import Plan
from lis_bridge.catalogue.tests import TestCatalogue as Catalogue
from lis_bridge.catalogue.wide import WIDE, narrowed
from lis_bridge.core import resources
from lis_bridge.framing import Body
from lis_bridge.framing.mllp import wrap

TEXT = "MSH|^~\\&|||||20260718||ORU^R01|7|P|2.3.1||||0||UNICODE\rPID|1||||上海^帍\rOBR|1|240001187\rOBX|1|NM|1|ALT|25|U/L\rOBX|2|NM|2|ALB|41|g/L\r"


def plan(*charsets: str) -> Plan:
    dialect = {
        "kind": "hl7",
        "framing": [{"kind": "mllp", "wide": True}],
        "charset": list(charsets),
        "message": {"specimen": ["OBR-2"], "patient_name": ["PID-5"]},
        "results": [{"code": ["OBX-4"], "value": ["OBX-5"], "unit": ["OBX-6"]}],
        "reply": {"style": "ack"},
    }
    said = {"id": "device", "name": "Device", "manufacturer": "Maker", "models": ["1"], "class": "chemistry", "revision": 1}
    manifest = Manifest.model_validate({**said, "codes": {"ALT": "ALT", "ALB": "ALB"}, "dialect": {"hl7": dialect}})
    return Plan(manifest, Catalogue.load(resources.catalogue()), zone=ZoneInfo("Asia/Shanghai"))


def test_a_wide_message_is_read_and_its_results_know_where_they_stood() -> None:
    raw = wrap("NTE|1\r".encode(WIDE), wide=True) + wrap(TEXT.encode(WIDE), wide=True)
    (message,) = [one for one in plan(WIDE).decode(raw).messages if one.observations]
    assert message.specimen == "240001187"
    assert message.patient is not None
    assert message.patient.name == "上海 帍"
    assert [seen.value for seen in message.observations] == ["25", "41"]
    start, end = message.observations[1].span
    assert raw[start : end + 1].decode(WIDE) == "OBX|2|NM|2|ALB|41|g/L"


def test_a_wide_message_is_answered_as_wide_as_it_came() -> None:
    answer = plan(WIDE).acknowledge(wrap(TEXT.encode(WIDE), wide=True))
    assert answer is not None
    lines = answer.decode(WIDE).strip("\x0b\x1c\r").split("\r")
    assert lines[0].split("|")[8] == "ACK^R01"
    assert lines[1].startswith("MSA|AA|7|")
    assert answer.endswith(b"\x1c\0\r\0")


def test_a_narrow_message_is_none_of_a_wide_dialect() -> None:
    assert plan(WIDE).acknowledge(wrap(TEXT.encode())) is None


def test_a_wide_charset_stands_alone() -> None:
    with pytest.raises(ValueError, match="must stand alone"):
        plan(WIDE, "utf-8")


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1))
def test_every_character_is_mapped_to_where_it_stood(text: str) -> None:
    raw = b"\x0b\0" + text.encode(WIDE)
    found = narrowed(Body(raw[2:], ((0, 2),), True, ()))
    assert found is not None
    assert found.text.decode() == text
    assert [raw[at : at + 2] for _, at in found.starts] == [character.encode(WIDE)[:2] for character in text]
