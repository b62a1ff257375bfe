"""From a table to a manifest, and for everything wrong the file, the line, the key and the nearest known one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from lis_bridge.catalogue.manifest.driver import Manifest
from lis_bridge.catalogue.manifest.keys import dotted, known_keys, spelled
from lis_bridge.catalogue.manifest.places import place
from lis_bridge.core.faults import DriverError
from lis_bridge.settings.nearest import did_you_mean
from lis_bridge.settings.source import Location

SEE = "docs/drivers.md describes every key"


@dataclass(frozen=True)
class ManifestError:
    """One thing wrong with a manifest: ``where`` is file:line, ``key`` the key as a reader of the file would say it."""

    where: str
    key: str
    what: str
    hint: str

    def raised(self) -> DriverError:
        """The same as an error."""
        return DriverError(f"{self.key}: {self.what}" if self.key else self.what, where=self.where, hint=self.hint)


def validated(table: Mapping[str, Any], files: Sequence[Path]) -> tuple[Manifest | None, tuple[ManifestError, ...]]:
    """The manifest of a resolved table, or everything that is wrong with it; ``files`` are its own and those that it extends, nearest first."""
    try:
        return Manifest.model_validate(table), ()
    except ValidationError as wrong:
        return None, tuple(_errors(wrong, files))


def _errors(wrong: ValidationError, files: Sequence[Path]) -> Iterator[ManifestError]:
    """One for each key, unknown ones first: what they are slips of is missing elsewhere. A value that fits no member of a union is told once."""
    seen: set[str] = set()
    for detail in sorted(wrong.errors(), key=lambda detail: detail["type"] != "extra_forbidden"):
        location = spelled(detail["loc"])
        where, (what, hint) = place(files, location), _words(detail, location)
        if (told := f"{where} {location[-1:]}") not in seen:
            seen.add(told)
            yield ManifestError(where, dotted(location), what, hint)


def _words(detail: ErrorDetails, location: Location) -> tuple[str, str]:
    match detail["type"]:
        case "extra_forbidden":
            return "unknown key", did_you_mean(str(location[-1]), known_keys(location[:-1])) or SEE
        case "missing":
            return "is missing", SEE
        case _:
            return detail["msg"][:1].lower() + detail["msg"][1:], SEE
