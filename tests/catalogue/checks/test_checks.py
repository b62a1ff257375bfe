"""Every check finds what it is there for, and names file, line, key and remedy. Each starts from a driver that holds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import fields
from datetime import date

import pytest

from lis_bridge.catalogue.checks import CHECKS, THOROUGH, checked, findings, run
from lis_bridge.catalogue.evidence import Proof
from lis_bridge.catalogue.proving import rows_of
from tests.catalogue.checks.conftest import Copy

Copies = Callable[[str], Copy]


def test_the_copy_holds_before_it_is_damaged(copy: Copies) -> None:
    assert checked(copy("zonci-zl").subject()) == ("documented", [])


@pytest.mark.parametrize(
    ("check", "old", "new", "key", "what", "hint"),
    [
        ("codes", '"ESR-K"', '"ESR-Q"', "codes.血沉方程K值", "'ESR-Q' is not in the catalogue", "did you mean 'ESR-"),
        ("units", '"HCT-R" = "L/L"', '"HCT-R" = "mPa.s"', "units.HCT-R", "'mPa.s' is no unit of HCT-R", "same kind as"),
        ("units", '"HCT-R" = "L/L"', '"HCT-X" = "L/L"', "units.HCT-X", "is neither a code nor a test", "did you mean 'HCT-R'?"),
        (
            "schema",
            'class = "hemorheology"',
            'class = "rheology"',
            "class",
            "'rheology' is no class",
            "did you mean 'hemorheology'?",
        ),
        ("schema", "controls = ", "contrls = ", "waived.contrls", "is no check", "did you mean 'controls'?"),
        ("flips", "[waived]", '[waived]\nflips = "none"', "waived.flips", "is stale", "Take it out"),
        ("controls", "controls = ", '"controls:other" = ', "controls", "nothing tells a control", "[controls]"),
    ],
)
def test_a_wrong_manifest_is_told_with_key_and_remedy(
    check: str, old: str, new: str, key: str, what: str, hint: str, copy: Copies
) -> None:
    driver = copy("zonci-zl")
    driver.edit(old, new)
    found = driver.finds(check)[0]
    assert (found.check, found.key) == (check, key)
    assert what in found.what
    assert hint in found.hint
    assert found.where.startswith(str(driver.file()))


def test_a_finding_stands_on_the_line_of_its_key(copy: Copies) -> None:
    driver = copy("zonci-zl")
    line = driver.edit('"HCT-R" = "L/L"', '"HCT-R" = "mPa.s"')
    assert driver.finds("units")[0].where == f"{driver.file()}:{line}"


def test_a_device_s_loinc_code_under_another_test_is_found(copy: Copies) -> None:
    driver = copy("mindray-bc")
    line = driver.edit('"6690-2" = "WBC"', '"6690-2" = "RBC"')
    (found,) = driver.finds("loinc")
    assert (found.where, found.what, found.hint) == (f"{driver.file()}:{line}", "LOINC 6690-2 is WBC, not RBC", "Write WBC")


def test_an_inherited_code_is_asked_of_where_it_stands(copy: Copies) -> None:
    driver = copy("mindray-bc")
    driver.edit('"6690-2" = "WBC"', '"6690-2" = "RBC"')
    heir = Copy(driver.root, copy("mindray-bc10").id)
    assert heir.finds("loinc") == []


def test_a_capture_that_another_driver_claims_is_found(copy: Copies) -> None:
    driver, other = copy("zonci-zl"), copy("il-1620")
    other.edit("[[identify]]", "[[identify]]\npresent = ['全血粘度']\nwhy = 'viscosity'\nweight = 9\n\n[[identify]]")
    assert {found.what for found in driver.finds("identify")} == {"claimed by il-1620"}
    driver.edit("[[identify]]", '[[identify]]\npresent = ["nowhere"]\nwhy = "x"\n\n[[identify]]')
    other.edit("全血粘度", "nowhere")
    assert driver.finds("identify") == []


def test_a_capture_that_nobody_claims_is_found(copy: Copies) -> None:
    driver = copy("zonci-zl")
    driver.edit("present = ['全血粘度", "present = ['nowhere")
    assert {found.what for found in driver.finds("identify")} == {"no driver claims it"}


def test_a_lookalike_that_is_no_driver_is_found(copy: Copies) -> None:
    driver, _ = copy("zonci-zl"), copy("il-1620")
    driver.edit("revision = 1", 'revision = 1\nlookalikes = ["il-1620", "il-1621"]')
    (found,) = driver.finds("lookalikes")
    assert (found.key, found.what, found.hint) == ("il-1621", "is no driver", "did you mean 'il-1620'?")


def test_a_driver_that_reads_nothing_needs_no_capture_and_one_that_reads_does(copy: Copies) -> None:
    nothing, reading = copy("maccura"), copy("il-1620")
    assert checked(nothing.subject()) == ("draft", [])
    shutil.rmtree(reading.file("captures"))
    assert [found.what for found in reading.finds("captures")] == ["holds no capture"]
    nothing.edit("low_confidence = ", "name_ = ")
    assert "maccura" in nothing.broken()


def test_a_value_that_differs_as_text_is_found(copy: Copies) -> None:
    driver = copy("il-1620")
    driver.edit('"7.402"', '"7.4020"', "expected/il-1620--01.json")
    (found,) = driver.finds("expected")
    assert "value '7.402' instead of '7.4020'" in found.what


def test_an_expectation_without_a_capture_and_a_capture_without_one_are_found(copy: Copies) -> None:
    driver = copy("il-1620")
    driver.file("expected/il-1620--01.json").rename(driver.file("expected/il-1620--09.json"))
    assert [found.what for found in driver.finds("expected")] == ["is not there", "belongs to no capture"]


def test_a_code_that_is_neither_mapped_nor_ignored_is_found_and_can_be_waived_alone(copy: Copies) -> None:
    driver = copy("zonci-zl")
    driver.edit('"血浆粘度" = "PV"\n', "")
    assert {(found.key, found.what) for found in driver.finds("mapped")} == {("血浆粘度", "unknown code")}
    driver.edit("[waived]", '[waived]\n"mapped:血浆粘度" = "not sold here"')
    assert driver.finds("mapped") == []
    driver.edit('"压积" = "HCT-R"\n', "")
    assert {found.key for found in driver.finds("mapped")} == {"压积"}


def test_a_capture_that_can_be_cut_unseen_is_found(copy: Copies) -> None:
    driver = copy("zonci-zl")
    driver.edit('{ kind = "block", start = "02", end = "03" }', '{ kind = "whole" }')
    assert {found.check for found in driver.finds("truncation")} == {"truncation"}


def test_a_checksum_that_is_not_looked_at_is_found_by_flipped_bits(copy: Copies) -> None:
    """The second framing takes what the first refuses, where nothing else in the entry is sound."""
    driver = copy("siemens-dimension")
    capture = driver.file("captures/siemens-dimension--01.txt")
    raw = capture.read_bytes()
    start = raw.rindex(b"\x02R", 0, raw.index(b"TESSA"))
    capture.write_bytes(raw[start : raw.index(b"\x03", start) + 1])
    assert driver.finds("flips") == []
    driver.edit('refusal = "15" }]', 'refusal = "15" }, { kind = "block", start = "02", end = "03" }]')
    (found,) = driver.finds("flips")
    assert (found.where, "gives other results" in found.what) == (str(capture), True)


def test_every_bit_of_a_small_driver_is_guarded(copy: Copies) -> None:
    assert run(copy("alcor-ised").subject(effort=THOROUGH), "flips") == []


def test_the_other_checksum_variant_is_taken_only_where_it_is_declared(copy: Copies) -> None:
    from lis_bridge.catalogue.checks import checksums
    from lis_bridge.framing import unframe
    from lis_bridge.framing.profile import Profile

    driver = copy("alcor-ised")
    raw = driver.subject().captures[0].raw
    changed = checksums._FRAME.sub(lambda frame: checksums._summed(frame, False), raw)
    either = Profile.from_dict({"kind": "lis1a", "checksum": "either"})
    assert changed != raw
    assert [body.complete for body in unframe(changed, either)] == [body.complete for body in unframe(raw, either)]
    assert not any(body.complete for body in unframe(changed, Profile.from_dict({"kind": "lis1a"})))
    assert driver.finds("checksum") == []


def test_real_persons_in_a_note_or_a_capture_are_found(copy: Copies) -> None:
    driver = copy("zonci-zl")
    driver.edit('"invented"', '"anonymised"', "captures/zonci-zl--01.toml")
    (found,) = driver.finds("people")
    assert (found.key, found.where) == ("people", str(driver.file("captures/zonci-zl--01.toml")))
    driver.edit('"anonymised"', '"invented"', "captures/zonci-zl--01.toml")
    capture = driver.file("captures/zonci-zl--01.txt")
    raw = capture.read_bytes()
    caught = []
    for last in b"0123456789X":  # no region has 100000: whoever this is, nobody was born with it
        capture.write_bytes(raw + b" 10000019900101001" + bytes([last]) + b"\r\n")
        caught += driver.finds("people")
    assert [found.what for found in caught] == ["a valid identity number stands in it"]


def test_a_capture_without_a_note_and_a_note_with_an_unknown_key_are_found(copy: Copies) -> None:
    driver = copy("zonci-zl")
    driver.file("captures/extra.txt").write_bytes(b"\x02\x03")
    assert [found.where for found in driver.finds("captures")] == [str(driver.file("captures/extra.txt"))]
    note = driver.file("captures/zonci-zl--01.toml")
    note.write_text(note.read_text(encoding="utf-8") + 'orgin = "x"\n', encoding="utf-8")
    (found,) = driver.finds("captures")
    assert (found.where, found.what, found.hint) == (f"{note}:4", "unknown key 'orgin'", "did you mean 'origin'?")


def test_a_readme_says_what_it_must(copy: Copies) -> None:
    driver = copy("zonci-zl")
    driver.edit("**Evidence.**", "**Proof.**", "README.md")
    driver.edit("No checksum: a", "A", "README.md")
    assert [found.key for found in driver.finds("readme")] == ["Evidence", "checksum"]
    driver.file("README.md").unlink()
    assert [found.what for found in driver.finds("readme")] == ["is not there, or has no title"]


@pytest.mark.parametrize("name", ["hook.py", "captures/helper.py"])
def test_code_in_a_driver_is_found(name: str, copy: Copies) -> None:
    driver = copy("zonci-zl")
    driver.file(name).write_text("import lis_bridge.sdk\n")
    assert [(found.where, found.key) for found in driver.finds("hook")] == [(str(driver.file(name)), "")]


OPTION = """
[options.order]
says = "what the screen says"
choices.good = { revision = 1 }
choices.bad = { %s }

[waived]"""


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        ("revison = 1", "revison: unknown key"),
        ('dialect.text.framing = [{ kind = "blok" }]', "unknown framing 'blok'"),
        ("missing = ['(']", "bad regular expression"),
    ],
)
def test_a_choice_that_makes_no_manifest_is_found(bad: str, what: str, copy: Copies) -> None:
    driver = copy("zonci-zl")
    driver.edit("\n[waived]", OPTION % bad)
    (found,) = driver.finds("options")
    assert (found.key, found.what.startswith(what)) == ("options.order.bad", True), found.what


def test_a_choice_of_a_form_that_is_not_there_is_found(copy: Copies) -> None:
    driver = copy("olympus-au")
    driver.edit('dialect.text.fixed.only = ["2+6"]', 'dialect.text.fixed.only = ["2+7"]')
    assert [(found.key, found.what) for found in driver.finds("options")] == [("options.widths.2+6", "no form is called '2+7'")]


def test_what_cannot_be_compiled_is_told_once_with_its_line(copy: Copies) -> None:
    driver = copy("zonci-zl")
    line = driver.edit("missing = ['-+']", "missing = ['(-+']")
    (found,) = findings(driver.subject())
    assert (found.check, found.where) == ("schema", f"{driver.file()}:{line}")
    assert found.what.startswith("bad regular expression")


def test_an_unknown_framing_is_told_with_its_line(copy: Copies) -> None:
    driver = copy("zonci-zl")
    line = driver.edit('kind = "block"', 'kind = "blok"')
    (found,) = findings(driver.subject())
    assert (found.where, found.hint) == (f"{driver.file()}:{line}", "did you mean 'block'?")


def test_a_driver_with_a_finding_is_a_draft_and_one_that_is_proven_is_of_the_site(copy: Copies) -> None:
    driver = copy("il-1620")
    assert checked(driver.subject())[0] == "bench"
    row = next(row for row in rows_of(driver.subject().decoded) if row.seen.test and row.seen.value)
    test = row.seen.test or ""

    def proven(revision: int, test: str, *proved: str) -> str:
        value, on = row.seen.value or "", date(2026, 3, 20)
        given = Proof(on, "wu", revision, row.capture, row.sample, row.seen.code, test, value, "", proved)
        lines = (f"{one.name} = {_toml(getattr(given, one.name))}\n" for one in fields(given))
        driver.file("evidence.toml").write_text("[[proof]]\n" + "".join(lines))
        return checked(driver.subject())[0]

    assert proven(2, test, "mapping", "value") == "bench"  # another revision was proven
    assert proven(1, "ALT", "mapping", "value") == "bench"  # the mapping was edited since
    assert proven(1, test, "unit") == "bench"  # a unit alone proves no mapping
    driver.file("evidence.toml").write_text("[[proof]]\nrevision = 1\n")
    assert checked(driver.subject())[0] == "bench"  # not what driver prove writes
    assert proven(1, test, "mapping", "value") == "site"
    driver.edit("**Evidence.**", "**Proof.**", "README.md")
    assert checked(driver.subject())[0] == "draft"


def _toml(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else json.dumps(value)


def test_every_check_has_its_words() -> None:
    assert [name for name, check in CHECKS.items() if not check.__doc__] == []
