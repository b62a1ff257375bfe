"""What is remembered of one message never answers for another that says something else."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.manifest.driver import Manifest
from lis_bridge.catalogue.plan import Plan
from lis_bridge.catalogue.tests import TestCatalogue as Catalogue
from lis_bridge.core import resources
from lis_bridge.core.results import Observation

TESTS = Catalogue.load(resources.catalogue())


def plan(judge: str = "device", **table: Any) -> Plan:
    """A driver whose codes are components, ready to decode several messages; ``judge``: whose judgement counts."""
    manifest = {
        "id": "device", "name": "Device", "manufacturer": "Maker", "models": ["1"], "class": "chemistry", "revision": 1,
        "abnormal": judge, "abnormal_flags": {"H": "H", "1": "A"},
        "codes": {"K": "K", "Na": "Na", "K|X": "Cl"}, "missing": ["\\*+"],
        "dialect": {
            "astm": {
                "kind": "lis2",
                "framing": [{"kind": "bare-lis2"}],
                "message": {"specimen": ["O-3"]},
                "results": [{"code": ["R-3.4"], "name": ["R-3.5"], "value": ["R-4"], "unit": ["R-5"], "range": ["R-6"], **table}],
            }
        },
    }  # fmt: skip
    return Plan(Manifest.model_validate(manifest), TESTS, zone=ZoneInfo("Asia/Shanghai"))


def rows(device: Plan, *records: str, marks: str = "\\^&") -> list[Observation]:
    raw = f"H|{marks}|||Device\rP|1\rO|1|240001187\r" + "".join(f"{record}\r" for record in records) + "L|1|N\r"
    (message,) = device.decode(raw.encode()).messages
    return list(message.observations)


def test_the_same_menu_gives_the_same_meanings_with_its_own_values() -> None:
    device = plan()
    first = rows(device, "R|1|^^^K^Kalium|4.10|mmol/L|3.5-5.1", "R|2|^^^Na|140|mmol/L|136-145")
    second = rows(device, "R|1|^^^K^Kalium|3.90|mmol/L|3.5-5.1", "R|2|^^^Na|<100|mmol/L|136-145")
    assert [(row.test, row.name, row.value, row.number, row.low) for row in first] == [
        ("K", "Kalium", "4.10", Decimal("4.10"), "3.5"),
        ("Na", "", "140", Decimal(140), "136"),
    ]
    assert [(row.test, row.name, row.value, row.number, row.low) for row in second] == [
        ("K", "Kalium", "3.90", Decimal("3.90"), "3.5"),
        ("Na", "", "<100", Decimal(100), "136"),
    ]


def test_code_of_another_material_is_looked_up_with_it_and_written_without_it() -> None:
    device = plan(material={"path": "O-16", "usual": ["serum", ""]})

    def of(material: str, *codes: str) -> list[tuple[str, str, str, str | None]]:
        records = "".join(f"R|{number}|^^^{code}|4.10|mmol/L\r" for number, code in enumerate(codes, 1))
        raw = f"H|\\^&|||Device\rP|1\rO|1|240001187|||||||||||||{material}\r{records}L|1|N\r"
        (message,) = device.decode(raw.encode()).messages
        return [(row.code, row.material, row.key, row.test) for row in message.observations]

    assert of("serum", "K") == of("", "K") == [("K", "", "K", "K")]
    assert of("urine", "K", "") == [("K", "urine", "K@urine", None), ("", "urine", "", None)]
    assert of("serum", "K") == [("K", "", "K", "K")]


def test_material_that_every_row_names_is_that_row_s_own() -> None:
    device = plan(material={"path": "R-3.1", "usual": ["Serum", ""]})
    for _ in range(2):
        read = rows(device, "R|1|Serum^^^K|4.10|mmol/L", "R|2|Urine^^^K|61|mmol/L", "R|3|^^^Na|140|mmol/L")
        assert [(row.key, row.material, row.test) for row in read] == [
            ("K", "", "K"),
            ("K@Urine", "Urine", None),
            ("Na", "", "Na"),
        ]


def test_equal_fields_under_other_separators_are_another_menu() -> None:
    device = plan()
    assert [row.code for row in rows(device, "R|1|^^^K^Kalium|4.10|mmol/L")] == ["K"]
    assert [row.code for row in rows(device, "R|1|^^^K^Kalium|4.10|mmol/L", marks="\\&!")] == [""]
    assert [row.code for row in rows(device, "R|1|!!!K!Kalium|4.10|mmol/L", marks="\\!&")] == ["K"]


def test_equal_fields_under_another_escape_are_another_menu() -> None:
    device = plan()
    assert [row.code for row in rows(device, "R|1|^^^K&F&X|4.10|mmol/L")] == ["K|X"]
    assert [row.code for row in rows(device, "R|1|^^^K&F&X|4.10|mmol/L", marks="\\^!")] == ["K&F&X"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("R|1|^^^K|1|mmol/L|", "R|2|^^^Na|1||3-4"), ("R|1|^^^K|1||mmol/L", "R|2|^^^Na|1|3-4|")),
        (("R|1|^^^K|1|mmol/L|3-4",), ("R|1|^^^K|1|3-4|mmol/L",)),
        (("R|1|^^^K|1||", "R|2|^^^K|1||"), ("R|1|^^^K|1||", "R|2|^^^Na|1||")),
    ],
)
def test_texts_in_other_places_are_another_menu(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    device = plan()
    rows(device, *one)
    assert rows(device, *other) == rows(plan(), *other)


def test_a_code_that_comes_again_in_one_message_is_counted_whenever_the_menu_is_known() -> None:
    device = plan()
    for _ in range(2):
        assert [row.occurrence for row in rows(device, "R|1|^^^K|4.1|mmol/L", "R|2|^^^K|4.2|mmol/L")] == [0, 1]


def test_statuses_are_doubted_by_the_standard_unless_the_driver_declares_them() -> None:
    records = ("R|1|^^^K|4.1|mmol/L||||F", "R|2|^^^Na|140|mmol/L||||W")
    statuses = {"status": ["R-9"]}
    assert [row.doubted for row in rows(plan(**statuses), *records)] == [False, True]
    assert [row.doubted for row in rows(plan(**statuses), *reversed(records))] == [True, False]
    assert [row.doubted for row in rows(plan(**statuses, doubted=["F"]), *records)] == [True, False]
    assert [row.doubted for row in rows(plan(**statuses, doubted=[]), *records)] == [False, False]


def test_a_status_that_withdraws_a_result_in_hl7_is_no_doubt() -> None:
    device = Library.load(resources.drivers()).plan("mindray-bs", TESTS, zone=ZoneInfo("Asia/Shanghai"))
    raw = b"\x0bMSH|^~\\&|||||20260317||ORU^R01|1|P|2.3.1\rOBR|1|26031700001\rOBX|1|NM|K||4.1||||||W\r\x1c\r"
    (message,) = device.decode(raw).messages
    assert [(row.status, row.doubted) for row in message.observations] == [("W", False)]


def test_a_mark_of_the_whole_specimen_counts_by_the_devices_judgement_only() -> None:
    with pytest.raises(ValueError, match='counts with abnormal = "device" only'):
        plan("range", abnormal=["O-10"])


def test_a_results_own_flag_stands_before_the_mark_of_the_whole_specimen() -> None:
    device = plan(flags=["R-7"], abnormal=["O-10"])
    raw = "H|\\^&|||Device\rP|1\rO|1|240001187|||||||{}\rR|1|^^^K|7.1|mmol/L||H\rR|2|^^^Na|140|mmol/L\rL|1|N\r"
    for mark, expected in (("1", ["H", "A"]), ("0", ["H", ""]), ("", ["H", ""])):
        (message,) = device.decode(raw.format(mark).encode()).messages
        assert [(row.abnormal, row.flags) for row in message.observations] == list(zip(expected, [("H",), ()], strict=True))
