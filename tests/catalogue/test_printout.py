"""What a person types from a printout, in the forms that people use."""

from __future__ import annotations

import pytest

from lis_bridge.catalogue.printout import read
from lis_bridge.core.faults import UsageError


@pytest.mark.parametrize(
    ("line", "label", "value", "unit"),
    [
        ("WBC = 5.12 10^9/L", "WBC", "5.12", "10^9/L"),
        ("WBC=5.12", "WBC", "5.12", ""),
        ("WBC 5.12 10^9/L", "WBC", "5.12", "10^9/L"),
        ("WBC\t5.12\t10^9/L", "WBC", "5.12", "10^9/L"),
        ("白细胞计数：5.12 10^9/L", "白细胞计数", "5.12", "10^9/L"),
        ("血红蛋白： １２０ g/L ↓ (130-175)", "血红蛋白", "120", "g/L"),
        ("GLU = 4.88 mmol/L 3.89-5.83", "GLU", "4.88", "mmol/L"),
        ("TSH: <0.005 uIU/mL", "TSH", "<0.005", "uIU/mL"),
        ("2 血红蛋白 = 120 g/L", "2 血红蛋白", "120", "g/L"),
        ("HBsAg = 阴性", "HBsAg", "阴性", ""),
        ("BE = -2.5 mmol/L", "BE", "-2.5", "mmol/L"),
        ("HCT = 38.9%", "HCT", "38.9", "%"),
    ],
)
def test_a_value_is_read_in_the_forms_that_people_type(line: str, label: str, value: str, unit: str) -> None:
    (said,) = read(line, "typed.txt")
    assert (said.label, said.value, said.unit, said.where) == (label, value, unit, "typed.txt:1")


@pytest.mark.parametrize(
    "line", ["sample 2603220148", "样本号：2603220148", "Barcode: 2603220148", "条码 2603220148", "Sample ID = 2603220148"]
)
def test_a_sample_counts_for_the_values_under_it(line: str) -> None:
    found = read(f"GLU = 4.1\n{line}\n# a note\n\nGLU = 4.88\nK = 3.9\n", "x")
    assert [(said.specimen, said.label, said.where) for said in found] == [
        ("", "GLU", "x:1"),
        ("2603220148", "GLU", "x:5"),
        ("2603220148", "K", "x:6"),
    ]


def test_a_line_without_a_value_is_named_with_its_number_and_a_remedy() -> None:
    with pytest.raises(UsageError) as wrong:
        read("GLU = 4.88\nhello\n", "typed.txt")
    assert wrong.value.where == "typed.txt:2"
    assert "WBC = 5.12" in wrong.value.hint
