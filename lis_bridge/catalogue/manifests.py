"""Manifests from their files: inheritance resolved, and for everything wrong the file, the line, the key and the nearest known one.

``extends`` merges table by table; lists are replaced whole.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lis_bridge.catalogue.manifest import Manifest
from lis_bridge.core.faults import ConfigError, DriverError
from lis_bridge.settings import source
from lis_bridge.settings.nearest import did_you_mean
from lis_bridge.settings.source import Location

NOT_INHERITED = (
    "identify", "lookalikes", "low_confidence", "not_verified", "waived", "models", "needs", "replaces_shipped",
)  # fmt: skip
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


def read(file: Path) -> dict[str, Any]:
    """The table of a ``driver.toml``. Raises DriverError with file and line."""
    try:
        return source.read(file).table
    except ConfigError as wrong:
        raise DriverError(wrong.what, where=wrong.where, hint=wrong.hint) from wrong


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
        location = _spelled(detail["loc"])
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


def dotted(location: Location) -> str:
    """``dialect.text.results.code``: the key as the file's reader would say it."""
    return ".".join(str(part) for part in location if not isinstance(part, int))


def place(files: Sequence[Path], location: Location) -> str:
    """``file:line`` of a key, in the nearest file that says it; of the table around it where none does."""
    sources = [source.read(file) for file in files]
    for length in range(len(location), 0, -1):
        for one in sources:
            if location[:length] in one.lines:
                return f"{one.path}:{one.lines[location[:length]]}"
    return str(files[0])


def line_of(files: Sequence[Path], text: str) -> str:
    """``file:line`` where a text stands first; the first file where it stands nowhere."""
    for file in files:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if text in line:
                return f"{file}:{number}"
    return str(files[0])


def texts(value: Any) -> Iterator[str]:
    """Every text in a table, but the keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from texts(inner)


def known_keys(location: Location) -> tuple[str, ...]:
    """The keys of the table at a location, as a manifest spells them."""
    annotation: Any = Manifest
    for part in location:
        annotation = _inner(annotation, part)
    return tuple(key for model in _models(annotation) for key in _fields(model))


def _spelled(location: Location) -> Location:
    """A location without the names of types that pydantic puts where a value may be one of several."""
    kept: list[str | int] = []
    annotation: Any = Manifest
    for part in location:
        if isinstance(part, str) and part in _members(annotation):
            annotation = _members(annotation)[part]
            continue
        kept.append(part)
        annotation = _inner(annotation, part)
    return tuple(kept)


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _inner(annotation: Any, part: str | int) -> Any:
    """What stands under one part of a location."""
    if isinstance(part, str):
        for model in _models(annotation):
            if part in _fields(model):
                return _fields(model)[part]
    tables = [one for one in _members(annotation).values() if get_origin(one) in (dict, tuple)]
    return get_args(tables[0])[1 if get_origin(tables[0]) is dict else 0] if tables else None


def _models(annotation: Any) -> list[type[BaseModel]]:
    return [one for one in _members(annotation).values() if isinstance(one, type) and issubclass(one, BaseModel)]


def _members(annotation: Any) -> dict[str, Any]:
    """The types that a value may have, by name."""
    if get_origin(annotation) in (Union, types.UnionType):
        return {name: one for member in get_args(annotation) for name, one in _members(member).items()}
    return {getattr(annotation, "__name__", str(annotation)): annotation}


def resolved(name: str, tables: Mapping[str, tuple[Path, dict[str, Any]]]) -> tuple[dict[str, Any], tuple[Path, ...]]:
    """The table of a driver with what it extends merged under it, and the files that it is made from, its own first. Raises DriverError."""
    return _resolved(name, tables, ())


def _resolved(
    name: str, tables: Mapping[str, tuple[Path, dict[str, Any]]], seen: tuple[str, ...]
) -> tuple[dict[str, Any], tuple[Path, ...]]:
    if name not in tables or name in seen:
        below = seen[-1] if seen else name
        what = f"extends {name!r}, which is {'a circle' if name in seen else 'not there'}"
        hint = did_you_mean(name, tables) if name not in seen else ""
        where = place((tables[below][0],), ("extends",))
        raise DriverError(what, where=where, hint=hint or "Name a driver that stands on its own")
    file, table = tables[name]
    if "extends" not in table:
        return table, (file,)
    parent, files = _resolved(table["extends"], tables, (*seen, name))
    under = {key: value for key, value in parent.items() if key not in (*NOT_INHERITED, "extends")}
    return merged(under, table), (file, *files)


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``over`` on top of ``under``: tables are merged key by key, everything else is replaced."""
    result = dict(under)
    for key, value in over.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result
