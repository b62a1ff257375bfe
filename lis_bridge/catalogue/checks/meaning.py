"""Whether what a manifest says of codes, units and controls can be true."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lis_bridge.catalogue.checks.finding import Finding
from lis_bridge.catalogue.checks.subject import Subject
from lis_bridge.catalogue.dimensions import contradiction
from lis_bridge.core.sayings import saying
from lis_bridge.settings.nearest import did_you_mean

_LOINC = re.compile(r"\d{1,5}-\d")


def codes(subject: Subject) -> Iterator[Finding]:
    """Every right side of ``[codes]`` is a test of the catalogue."""
    known = [test.code for test in subject.tests.tests]
    for code, name in subject.driver.manifest.codes.items():
        if subject.tests.test(name) is None:
            hint = did_you_mean(name, known) or "Write a code of config/catalogue/tests.tsv"
            yield Finding(
                "codes", subject.driver.place("codes", code), f"codes.{code}", saying("{!r} is not in the catalogue", name), hint
            )


def loinc(subject: Subject) -> Iterator[Finding]:
    """A device's LOINC code means the test that has it, and the unit of every test is of the kind that its LOINC property says;
    inherited codes are asked of where they stand."""
    by_loinc = {test.loinc: test for test in subject.tests.tests if test.loinc}
    for code, name in subject.driver.own.get("codes", {}).items():
        test = subject.tests.test(name)
        other = by_loinc.get(code) if _LOINC.fullmatch(code) else None
        if test is not None and other is not None and other.code != test.code:
            what = saying("LOINC {} is {}, not {}", code, other.code, test.code)
            yield Finding("loinc", subject.driver.place("codes", code), f"codes.{code}", what, saying("Write {}", other.code))
        wrong = contradiction(test) if test is not None else None
        if wrong is not None:
            where, hint = subject.driver.place("codes", code), "Mend config/catalogue/tests.tsv"
            yield Finding("loinc", where, f"codes.{code}", f"{name}: {wrong}", hint)


def units(subject: Subject) -> Iterator[Finding]:
    """Every unit that the manifest gives to a code or test is one that the catalogue knows for it: a count never carries a percent sign."""
    manifest = subject.driver.manifest
    for key, spelling in manifest.units.items():
        if key.startswith("unit "):
            continue
        test = subject.tests.test(manifest.codes.get(key, key))
        known = (*manifest.codes, *manifest.codes.values())
        if test is None or key not in known:
            what, hint = "is neither a code nor a test of this driver", did_you_mean(key, known) or "Take it out"
        elif subject.tests.unit(spelling, test) is None:
            what = saying("{!r} is no unit of {}", spelling, test.code)
            hint = saying(
                "Write a unit of the same kind as {}; config/catalogue/units.tsv has the spellings", test.ucum or "none"
            )
        else:
            continue
        yield Finding("units", subject.driver.place("units", key), f"units.{key}", what, hint)


def controls(subject: Subject) -> Iterator[Finding]:
    """The family can tell a control: a kind rule says ``qc``, or ids are declared (promise 6)."""
    manifest = subject.driver.manifest
    marked = any(rule.is_ == "qc" for dialect in manifest.dialect.values() for rule in dialect.kinds)
    if not marked and manifest.controls is None:
        hint = "Add a rule for kind qc, or [controls], or waive it: the site then lists its control ids"
        yield Finding("controls", str(subject.driver.files[0]), "controls", "nothing tells a control from a patient", hint)
