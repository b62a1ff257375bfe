"""The drivers on the shelf: loaded from their folders, found by id or by what a capture says.

A later folder of the search path never hides an earlier one's driver: the first folder that holds an id wins, so that a hospital can put its own
copy in front. ``extends`` merges table by table; lists are replaced whole.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lis_bridge.catalogue.manifest import Identify, Manifest
from lis_bridge.catalogue.plan import NO_OVERRIDES, Overrides, Plan
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core.faults import DriverError

NOT_INHERITED = ("identify", "lookalikes", "low_confidence", "not_verified", "waived", "models")


@dataclass(frozen=True)
class Driver:
    """One driver folder with its manifest, inheritance resolved."""

    manifest: Manifest
    folder: Path

    @property
    def id(self) -> str:
        return self.manifest.id


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
    def load(cls, folders: Iterable[Path]) -> Library:
        """Every driver under ``folders``. Raises DriverError with the file and key of the first thing wrong."""
        tables: dict[str, tuple[Path, dict[str, Any]]] = {}
        for folder in folders:
            for file in sorted(folder.glob("*/driver.toml")):
                tables.setdefault(file.parent.name, (file, _read(file)))
        return cls({name: _driver(name, tables) for name in tables})

    def ids(self) -> tuple[str, ...]:
        """All driver ids, sorted."""
        return tuple(self._drivers)

    def driver(self, id: str) -> Driver:
        """The driver of that id. Raises DriverError naming the nearest known one."""
        found = self._drivers.get(id)
        if found is None:
            near = difflib.get_close_matches(id, self._drivers, 1)
            hint = f"Did you mean {near[0]}?" if near else "lis-bridge driver list shows all"
            raise DriverError(f"unknown driver {id!r}", hint=hint)
        return found

    def plan(self, id: str, tests: TestCatalogue, *, zone: tzinfo, overrides: Overrides = NO_OVERRIDES) -> Plan:
        """The compiled driver."""
        driver = self.driver(id)
        try:
            return Plan(driver.manifest, tests, zone=zone, overrides=overrides)
        except (ValueError, re.error) as wrong:
            raise DriverError(str(wrong), where=str(driver.folder / "driver.toml"), hint="Mend the manifest") from wrong

    def identify(self, raw: bytes) -> tuple[Candidate, ...]:
        """The drivers that claim these bytes, the best evidence first; only the heaviest claims are named."""
        text = raw.decode("latin-1").replace("\r", "\n")
        claims = [Candidate(id, rule.why, rule.weight) for id, rules in self._rules.items() for rule in rules if rule.holds(text)]
        best: dict[str, Candidate] = {}
        for claim in sorted(claims, key=lambda claim: -claim.weight):
            best.setdefault(claim.driver, claim)
        top = max((claim.weight for claim in best.values()), default=0)
        return tuple(claim for claim in best.values() if claim.weight == top)

    @cached_property
    def _rules(self) -> dict[str, list[_Evidence]]:
        return {id: [_Evidence(item) for item in driver.manifest.identify] for id, driver in self._drivers.items()}


class _Evidence:
    """A compiled ``[[identify]]``; patterns see one byte as one character, and CR as a line end."""

    def __init__(self, spec: Identify) -> None:
        self.why = spec.why
        self.weight = spec.weight
        self._present = tuple(_bytewise(pattern) for pattern in spec.present)
        self._absent = tuple(_bytewise(pattern) for pattern in spec.absent)

    def holds(self, text: str) -> bool:
        return all(pattern.search(text) for pattern in self._present) and not any(
            pattern.search(text) for pattern in self._absent
        )


def _bytewise(pattern: str) -> re.Pattern[str]:
    """Non-ASCII letters of a pattern stand for their GB18030 bytes or their UTF-8 bytes, as captures hold them."""
    if pattern.isascii():
        return re.compile(pattern, re.MULTILINE)
    either = (pattern.encode(charset).decode("latin-1") for charset in ("gb18030", "utf-8"))
    return re.compile("|".join(f"(?:{one})" for one in either), re.MULTILINE)


def _read(file: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as wrong:
        raise DriverError(f"not readable as TOML: {wrong}", where=str(file), hint="Mend the line that it names") from wrong
    if table.get("id") != file.parent.name:
        raise DriverError(f"id {table.get('id')!r} differs from its folder", where=str(file), hint="Give both the same name")
    return table


def _driver(name: str, tables: Mapping[str, tuple[Path, dict[str, Any]]]) -> Driver:
    file, _ = tables[name]
    try:
        return Driver(Manifest.model_validate(_resolved(name, tables, ())), file.parent)
    except ValidationError as wrong:
        raise DriverError(_first_error(wrong), where=str(file), hint=_hint(wrong)) from wrong


def _resolved(name: str, tables: Mapping[str, tuple[Path, dict[str, Any]]], seen: tuple[str, ...]) -> dict[str, Any]:
    """The table with what it extends merged under it."""
    if name not in tables or name in seen:
        below = seen[-1] if seen else name
        raise DriverError(
            f"extends {name!r}, which is {'a circle' if name in seen else 'not there'}",
            where=str(tables[below][0]),
            hint="Name a driver that stands on its own",
        )
    table = tables[name][1]
    if "extends" not in table:
        return table
    parent = _resolved(table["extends"], tables, (*seen, name))
    return merged({key: value for key, value in parent.items() if key not in (*NOT_INHERITED, "extends")}, table)


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``over`` on top of ``under``: tables are merged key by key, everything else is replaced."""
    result = dict(under)
    for key, value in over.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result


def _first_error(wrong: ValidationError) -> str:
    error = wrong.errors()[0]
    return f"{'.'.join(map(str, error['loc']))}: {error['msg']}"


def _hint(wrong: ValidationError) -> str:
    error = wrong.errors()[0]
    if error["type"] != "extra_forbidden":
        return "docs/drivers.md describes every key"
    near = difflib.get_close_matches(str(error["loc"][-1]), _known_keys(), 1)
    return f"Did you mean {near[0]!r}?" if near else "docs/drivers.md describes every key"


def _known_keys() -> list[str]:
    from lis_bridge.catalogue import manifest, manifest_parts

    models = (*manifest.Model.__subclasses__(), *manifest_parts.Part.__subclasses__())
    return [field.alias or name for model in models for name, field in model.model_fields.items()]
