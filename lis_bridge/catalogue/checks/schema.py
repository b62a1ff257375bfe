"""Whether the manifest itself holds: it compiles, its options do, and its waivers name checks."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from lis_bridge.catalogue.checks.finding import Finding
from lis_bridge.catalogue.checks.subject import ZONE, Subject
from lis_bridge.catalogue.overrides import Overrides
from lis_bridge.core.faults import DriverError
from lis_bridge.core.sayings import saying
from lis_bridge.settings.nearest import did_you_mean


def options(subject: Subject) -> Iterator[Finding]:
    """Every choice of every option makes a manifest that compiles, and names forms that are there."""
    for name, option in subject.driver.manifest.options.items():
        for choice in option.choices:
            key = f"options.{name}.{choice}"
            try:
                overrides = Overrides({}, {}, options={name: choice})
                plan = subject.library.plan(subject.driver.id, subject.tests, zone=ZONE, overrides=overrides)
            except DriverError as wrong:
                yield Finding("options", wrong.where, key, wrong.what, wrong.hint)
                continue
            for form in _unknown_forms(plan.dialects):
                where = subject.driver.place("options", name)
                yield Finding("options", where, key, saying("no form is called {!r}", form), "Write the name of a form")


def _unknown_forms(dialects: Collection[object]) -> Iterator[str]:
    for dialect in dialects:
        fixed = dialect.spec.fixed  # type: ignore[attr-defined]
        if fixed is not None:
            yield from set(fixed.only) - {form.name for form in fixed.form}


CLASSES = (
    "blood gas", "chemistry", "coagulation", "electrolytes", "electrophoresis", "esr", "glycated hemoglobin", "hematology",
    "hemorheology", "immunoassay", "microbiology", "molecular", "urine",
)  # fmt: skip


def family(subject: Subject) -> Iterator[Finding]:
    """The class is one of those that the table of drivers is sorted by."""
    said = subject.driver.manifest.class_
    if said not in CLASSES:
        hint = did_you_mean(said, CLASSES) or saying("one of {}", ", ".join(CLASSES))
        yield Finding("schema", subject.driver.place("class"), "class", saying("{!r} is no class", said), hint)


def waivers(subject: Subject, known: Collection[str]) -> Iterator[Finding]:
    """Every waiver names a check, alone or with the key that it is about."""
    for name, reason in subject.driver.manifest.waived.items():
        where, key = subject.driver.place("waived", name), f"waived.{name}"
        if name.partition(":")[0] not in known:
            yield Finding("schema", where, key, "is no check", did_you_mean(name, known) or f"known: {', '.join(known)}")
        elif not reason.strip():
            yield Finding("schema", where, key, "has no reason", "Say why it cannot hold")
