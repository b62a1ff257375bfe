"""A driver's mappings, decimal points and units against typed values."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from lis_bridge.catalogue.evidence import FILE, Proof, kept, proofs, store
from lis_bridge.catalogue.printout import read
from lis_bridge.catalogue.proving import Judgement, Row, judge
from lis_bridge.catalogue.scaffold.matching import Vocabulary
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core.faults import DriverError
from lis_bridge.core.results import Observation
from tests.disk import no_file_above

TESTS = TestCatalogue.load()
WORDS = Vocabulary(TESTS, {"other": {"血红蛋白": "HGB", "白细胞": "WBC"}})


def row(code: str, test: str | None, value: str, unit: str | None, specimen: str = "128", name: str | None = None) -> Row:
    known = TESTS.test(test or "")
    found = TESTS.unit(unit, known) if known else None
    seen = Observation(
        code, test, value, value, Decimal(value), unit=unit, ucum=found.ucum if found else None, factor=found.factor if found else None, name=name
    )  # fmt: skip
    return Row("x--01.txt", 1, specimen, seen)


ROWS = [
    row("1", "WBC", "7.42", "10^9/L"),
    row("2", "HGB", "12.0", "g/dL"),
    row("3", "PLT", "203", "10^9/L"),
    row("9", None, "5.5", None),
]


def one(text: str, rows: list[Row] = ROWS) -> Judgement:
    (found,) = judge(read(text, "typed"), rows, WORDS)
    return found


@pytest.mark.parametrize(
    ("typed", "mapping", "value", "unit"),
    [
        ("1 白细胞 = 7.42 10^9/L", "proved", "proved", "proved"),
        ("WBC = 7.4 10^9/L", "proved", "proved", "proved"),
        ("1 = 7.42 10^9/L", "open", "proved", "proved"),
        ("WBC = 7.42", "proved", "proved", "open"),
        ("血红蛋白 = 120 g/L", "proved", "proved", "proved"),
        ("血红蛋白 = 12.0 g/L", "proved", "proved", "refuted"),
        ("1 血红蛋白 = 7.42", "refuted", "proved", "open"),
        ("WBC = 74.2 10^9/L", "open", "refuted", "open"),
        ("WBC = 8.42 10^9/L", "open", "refuted", "open"),
        ("HGB = <12.0 g/dL", "open", "refuted", "proved"),
        ("9 RBC = 5.5", "open", "proved", "open"),
        ("LDH = 240 U/L", "open", "open", "open"),
    ],
)
def test_what_was_typed_proves_refutes_or_leaves_open(typed: str, mapping: str, value: str, unit: str) -> None:
    assert one(typed).verdicts == {"mapping": mapping, "value": value, "unit": unit}


def test_a_decimal_point_that_is_off_is_named() -> None:
    assert "1 places off" in one("WBC = 74.2").why


def test_a_figure_that_two_codes_share_proves_neither_mapping() -> None:
    found = one("WBC = 7.42 10^9/L", [*ROWS, row("4", "RBC", "7.42", "10^12/L")])
    assert found.verdicts == {"mapping": "open", "value": "proved", "unit": "proved"}
    assert "4 has the same figure" in found.why


def test_an_unmapped_code_is_told_how_to_map_it() -> None:
    assert '[codes] "9" = "RBC"' in one("9 RBC = 5.5").why


def test_several_samples_must_be_told_apart() -> None:
    rows = [*ROWS, row("1", "WBC", "3.10", "10^9/L", specimen="129")]
    assert one("WBC = 7.42", rows).verdicts["value"] == "open"
    assert one("sample 129\nWBC = 3.1", rows).verdicts["value"] == "proved"
    assert one("sample 0129\nWBC = 3.1", rows).verdicts["value"] == "proved"
    assert "no capture holds sample 130" in one("sample 130\nWBC = 3.1", rows).why


def test_what_is_proved_is_kept_and_what_is_refuted_is_taken_back(tmp_path: Path) -> None:
    first = judge(read("WBC = 7.42 10^9/L\nPLT = 203 10^9/L", "typed"), ROWS, WORDS)
    store(tmp_path, kept(first, "wu", 1, date(2026, 3, 1)), (), ROWS)
    assert proofs(tmp_path)[0] == Proof(
        date(2026, 3, 1), "wu", 1, "x--01.txt", 1, "1", "WBC", "7.42", "10^9/L", ("mapping", "value", "unit")
    )
    again = judge(read("WBC = 9.9", "typed"), ROWS, WORDS)
    store(tmp_path, kept(again, "wu", 1, date(2026, 3, 2)), again, ROWS)
    assert [proof.code for proof in proofs(tmp_path)] == ["3"]


def test_a_full_disk_takes_back_nothing_that_was_proved(tmp_path: Path) -> None:
    store(tmp_path, kept(judge(read("PLT = 203 10^9/L", "typed"), ROWS, WORDS), "wu", 1, date(2026, 3, 1)), (), ROWS)
    before = proofs(tmp_path)
    more = kept(judge(read("WBC = 7.42 10^9/L", "typed"), ROWS, WORDS), "wu", 1, date(2026, 3, 2))
    with no_file_above(50), pytest.raises(OSError, match="too large"):
        store(tmp_path, more, (), ROWS)
    assert proofs(tmp_path) == before
    assert [file.name for file in tmp_path.iterdir()] == [FILE]


def test_a_folder_that_nobody_proved_has_no_proofs(tmp_path: Path) -> None:
    store(tmp_path, (), (), ROWS)
    assert proofs(tmp_path) == ()
    assert not (tmp_path / FILE).exists()


def test_evidence_that_cannot_be_read_is_named_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("[[proof]]\ncode = 1\n", encoding="utf-8")
    with pytest.raises(DriverError) as wrong:
        proofs(tmp_path)
    assert wrong.value.where == str(tmp_path / FILE)
    assert wrong.value.hint


def test_an_edited_mapping_is_proved_no_more(tmp_path: Path) -> None:
    store(tmp_path, kept(judge(read("WBC = 7.42 10^9/L", "typed"), ROWS, WORDS), "wu", 1, date(2026, 3, 1)), (), ROWS)
    edited = [row("1", "RBC", "7.42", "10^12/L"), *ROWS[1:]]
    store(tmp_path, (), (), edited)
    assert proofs(tmp_path) == ()
