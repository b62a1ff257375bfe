"""The drivers on the shelf: loaded from their folders, found by id or by what a capture says.

A hospital's own folders stand in front of the shipped one. Two drivers of one id are an error, unless the one in front says
``replaces_shipped = true``: nobody's own copy hides a driver by accident.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import cached_property
from pathlib import Path
from typing import Any

from lis_bridge.catalogue.manifest.driver import Identify, Manifest
from lis_bridge.catalogue.manifest.places import line_of, place
from lis_bridge.catalogue.manifest.tables import merged, read, resolved, texts
from lis_bridge.catalogue.manifest.validating import ManifestError, validated
from lis_bridge.catalogue.plan import NO_OVERRIDES, Overrides, Plan
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core.faults import DriverError
from lis_bridge.framing.profile import Profile
from lis_bridge.settings.nearest import did_you_mean

Broken = dict[str, tuple[ManifestError, ...]]


@dataclass(frozen=True)
class Driver:
    """One driver folder with its manifest, inheritance resolved; ``files`` are its ``driver.toml`` and those that it extends, its own first.

    ``hidden`` is the revision of the shipped driver that it replaces.
    """

    manifest: Manifest
    folder: Path
    files: tuple[Path, ...] = ()
    table: Mapping[str, Any] = field(default_factory=dict, repr=False)
    hidden: int | None = None

    @property
    def id(self) -> str:
        return self.manifest.id

    @cached_property
    def own(self) -> dict[str, Any]:
        """The table of its own file."""
        return read(self.files[0])

    def place(self, *location: str | int) -> str:
        """``file:line`` of a key of the manifest."""
        return place(self.files, location)

    def with_options(self, options: Mapping[str, str]) -> Manifest:
        """The manifest as it is with these choices of its options. Raises DriverError for one that it does not have."""
        if not options:
            return self.manifest
        table = dict(self.table)
        for name, choice in options.items():
            table = merged(table, self._choice(name, choice))
        manifest, wrong = validated(table, self.files)
        if manifest is None:
            raise wrong[0].raised()
        return manifest

    def _choice(self, name: str, choice: str) -> dict[str, Any]:
        option = self.manifest.options.get(name)
        if option is None or choice not in option.choices:
            known = ", ".join(option.choices if option is not None else self.manifest.options) or "none"
            what = f"driver {self.id} has no option {name!r}" if option is None else f"option {name} has no choice {choice!r}"
            raise DriverError(what, where=str(self.files[0]), hint=f"known: {known}")
        return option.choices[choice]


@dataclass(frozen=True)
class Candidate:
    """A driver that claims a capture, and why."""

    driver: str
    why: str
    weight: int


class Library:
    """All drivers of a search path."""

    def __init__(self, drivers: Mapping[str, Driver]) -> None:
        self._drivers = dict(sorted(drivers.items()))

    @classmethod
    def load(cls, folders: Iterable[Path], *, broken: Broken | None = None) -> Library:
        """Every driver under ``folders``. Raises DriverError with file, line and key of the first thing wrong.

        With ``broken`` what is wrong is put there by driver, and the others are loaded.
        """
        tables: dict[str, tuple[Path, dict[str, Any]]] = {}
        hidden: dict[str, int] = {}
        errors: Broken = {} if broken is None else broken
        for file in (file for folder in folders for file in sorted(folder.glob("*/driver.toml"))):
            try:
                _shelve(file, tables, hidden)
            except DriverError as wrong:
                errors.setdefault(file.parent.name, (_as_found(wrong),))
        drivers = {name: driver for name in tables if (driver := _driver(name, tables, hidden, errors)) is not None}
        if broken is None and errors:
            raise next(iter(errors.values()))[0].raised()
        return cls(drivers)

    def ids(self) -> tuple[str, ...]:
        """All driver ids, sorted."""
        return tuple(self._drivers)

    def driver(self, id: str) -> Driver:
        """The driver of that id. Raises DriverError naming the nearest known one."""
        found = self._drivers.get(id)
        if found is None:
            raise DriverError(
                f"unknown driver {id!r}", hint=did_you_mean(id, self._drivers) or "lis-bridge driver list shows all"
            )
        return found

    def plan(self, id: str, tests: TestCatalogue, *, zone: tzinfo, overrides: Overrides = NO_OVERRIDES) -> Plan:
        """The compiled driver. Raises DriverError with the line where a regular expression, a path or a framing cannot be used."""
        driver = self.driver(id)
        manifest = driver.with_options(overrides.options)
        try:
            return Plan(manifest, tests, zone=zone, overrides=overrides)
        except re.error as wrong:
            where = line_of(driver.files, _expression_of(driver, str(wrong.pattern)))
            raise DriverError(f"bad regular expression: {wrong}", where=where, hint="Mend it, between single quotes") from wrong
        except ValueError as wrong:
            raise DriverError(str(wrong), where=str(driver.files[0]), hint="Mend the manifest") from wrong
        except DriverError as wrong:
            raise DriverError(wrong.what, where=_framing_of(driver), hint=wrong.hint) from wrong

    def identify(self, raw: bytes) -> tuple[Candidate, ...]:
        """The drivers that claim these bytes, the best evidence first; only the heaviest claims are named."""
        text = _readable(raw)
        claims = [Candidate(id, rule.why, rule.weight) for id, rules in self._rules.items() for rule in rules if rule.holds(text)]
        best: dict[str, Candidate] = {}
        for claim in sorted(claims, key=lambda claim: -claim.weight):
            best.setdefault(claim.driver, claim)
        top = max((claim.weight for claim in best.values()), default=0)
        return tuple(claim for claim in best.values() if claim.weight == top)

    @cached_property
    def _rules(self) -> dict[str, list[Evidence]]:
        return {id: [Evidence(item) for item in driver.manifest.identify] for id, driver in self._drivers.items()}


class Evidence:
    """A compiled ``[[identify]]``; patterns see one byte as one character, and CR as a line end."""

    def __init__(self, spec: Identify) -> None:
        self.why = spec.why
        self.weight = spec.weight
        self._present = tuple(_bytewise(pattern) for pattern in spec.present)
        self._absent = tuple(_bytewise(pattern) for pattern in spec.absent)

    def holds_in(self, raw: bytes) -> bool:
        """Whether a capture shows it."""
        return self.holds(_readable(raw))

    def holds(self, text: str) -> bool:
        return all(pattern.search(text) for pattern in self._present) and not any(
            pattern.search(text) for pattern in self._absent
        )


def _readable(raw: bytes) -> str:
    return raw.decode("latin-1").replace("\r", "\n")


def _bytewise(pattern: str) -> re.Pattern[str]:
    """Non-ASCII letters of a pattern stand for their GB18030 bytes or their UTF-8 bytes, as captures hold them."""
    if pattern.isascii():
        return re.compile(pattern, re.MULTILINE)
    either = (pattern.encode(charset).decode("latin-1") for charset in ("gb18030", "utf-8"))
    return re.compile("|".join(f"(?:{one})" for one in either), re.MULTILINE)


def _shelve(file: Path, tables: dict[str, tuple[Path, dict[str, Any]]], hidden: dict[str, int]) -> None:
    """Put one manifest beside those in front of it. Raises DriverError where its id is not its own."""
    name, table = file.parent.name, read(file)
    if table.get("id") != name:
        where = place((file,), ("id",))
        raise DriverError(f"id {table.get('id')!r} differs from its folder", where=where, hint="Give both the same name")
    if name not in tables:
        tables[name] = (file, table)
        return
    front, said = tables[name]
    if said.get("replaces_shipped") is not True:
        what = f"driver {name!r} is there already: {file}"
        raise DriverError(what, where=str(front), hint="Give it another id, or say replaces_shipped = true in this one")
    revision = table.get("revision")
    hidden[name] = revision if isinstance(revision, int) else 0


def _driver(
    name: str, tables: Mapping[str, tuple[Path, dict[str, Any]]], hidden: Mapping[str, int], errors: Broken
) -> Driver | None:
    """The driver of a table; None, and the errors, where something is wrong."""
    try:
        table, files = resolved(name, tables)
    except DriverError as wrong:
        errors.setdefault(name, (_as_found(wrong),))
        return None
    manifest, found = validated(table, files)
    if manifest is None:
        errors.setdefault(name, found)
        return None
    return Driver(manifest, files[0].parent, files, table, hidden.get(name))


def _as_found(wrong: DriverError) -> ManifestError:
    return ManifestError(wrong.where, "", wrong.what, wrong.hint)


def _expression_of(driver: Driver, pattern: str) -> str:
    """The text of the manifest that a regular expression which cannot be compiled was made from."""
    said = (text for text in texts(driver.table) if text in pattern and not _compiles(text))
    return max(said, key=len, default=pattern)


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _framing_of(driver: Driver) -> str:
    """Where the first framing stands that cannot be used."""
    for name, dialect in driver.manifest.dialect.items():
        for framing in dialect.framing:
            try:
                Profile.from_dict(framing)
            except DriverError:
                return driver.place("dialect", name, "framing")
    return str(driver.files[0])
