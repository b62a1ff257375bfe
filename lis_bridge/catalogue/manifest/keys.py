"""Which keys a manifest has where, and how a reader of the file would say them."""

from __future__ import annotations

import types
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from lis_bridge.catalogue.manifest.driver import Manifest
from lis_bridge.settings.source import Location


def known_keys(location: Location) -> tuple[str, ...]:
    """The keys of the table at a location, as a manifest spells them."""
    annotation: Any = Manifest
    for part in location:
        annotation = _inner(annotation, part)
    return tuple(key for model in _models(annotation) for key in _fields(model))


def spelled(location: Location) -> Location:
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


def dotted(location: Location) -> str:
    """``dialect.text.results.code``: the key as the file's reader would say it."""
    return ".".join(str(part) for part in location if not isinstance(part, int))


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
