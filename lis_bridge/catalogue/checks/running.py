"""The list of checks, and running them with the manifest's waivers applied.

A finding that the manifest waives (``[waived] check = "reason"``, or ``"check:key"`` for one code or key) is not counted; a waiver that
keeps nothing back is stale and a finding of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lis_bridge.catalogue.checks import checksums, damage, meaning, outputs, papers, recognition, schema, streams
from lis_bridge.catalogue.checks.finding import Finding
from lis_bridge.catalogue.checks.subject import Subject
from lis_bridge.core.faults import BridgeError
from lis_bridge.core.sayings import saying

Check = Callable[[Subject], Iterable[Finding]]


def _schema(subject: Subject) -> Iterable[Finding]:
    """The manifest compiles, its class and its waivers are known; what does not load at all is told by ``Library.load``."""
    assert subject.plan
    return (*schema.family(subject), *schema.waivers(subject, CHECKS))


CHECKS: dict[str, Check] = {
    "schema": _schema,
    "options": schema.options,
    "captures": papers.captures,
    "people": papers.people,
    "codes": meaning.codes,
    "loinc": meaning.loinc,
    "units": meaning.units,
    "controls": meaning.controls,
    "identify": recognition.identify,
    "lookalikes": recognition.lookalikes,
    "expected": outputs.expected,
    "mapped": outputs.mapped,
    "splits": streams.splits,
    "truncation": damage.truncation,
    "flips": damage.flips,
    "checksum": checksums.checksum,
    "hook": papers.hook,
    "readme": papers.readme,
}


def run(subject: Subject, name: str) -> list[Finding]:
    """One check with the manifest's waivers applied; an error that a check meets is its finding."""
    try:
        found = list(CHECKS[name](subject))
    except BridgeError as wrong:
        return [Finding(name, wrong.where, "", wrong.what, wrong.hint)]
    waived = {key: reason for key, reason in subject.driver.manifest.waived.items() if key.partition(":")[0] == name}
    stale = set(waived)
    left = []
    for finding in found:
        kept = {name, f"{name}:{finding.key}"} & set(waived)
        stale -= kept
        if not kept:
            left.append(finding)
    return [*left, *(_stale(subject, name, key, waived[key]) for key in sorted(stale))]


def _stale(subject: Subject, name: str, key: str, reason: str) -> Finding:
    where = subject.driver.place("waived", key)
    return Finding(name, where, f"waived.{key}", saying("is stale: nothing needs it ({})", reason), "Take it out")


def findings(subject: Subject) -> list[Finding]:
    """What all checks find, in their order; what cannot be compiled or read is told once."""
    first = run(subject, "schema")
    if first and not first[0].key:
        return first
    return [*first, *(finding for name in CHECKS if name != "schema" for finding in run(subject, name))]
