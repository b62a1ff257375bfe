"""What pydantic found, in a user's words: the key, its line, and the remedy."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lis_bridge.core.faults import ConfigError
from lis_bridge.settings.models import Config
from lis_bridge.settings.nearest import did_you_mean
from lis_bridge.settings.source import Location, Source

SEE = "docs/configuration.md describes every key"


def errors(wrong: ValidationError, source: Source) -> tuple[ConfigError, ...]:
    """One ConfigError for each finding, in the order of the file's lines."""
    return in_order(_error(detail, source) for detail in wrong.errors())


def in_order(found: Iterable[ConfigError]) -> tuple[ConfigError, ...]:
    """Sorted by line; what has no line comes first."""
    return tuple(sorted(found, key=lambda error: int((re.findall(r":(\d+)$", error.where) or [0])[0])))


def _error(detail: ErrorDetails, source: Source) -> ConfigError:
    location: Location = detail["loc"]
    what, hint = _words(detail, location)
    return ConfigError(what, where=source.where(location), hint=hint)


def _words(detail: ErrorDetails, location: Location) -> tuple[str, str]:
    key = str(location[-1])
    context = detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            return f"unknown key {key!r}", did_you_mean(key, known_keys(location[:-1])) or SEE
        case "missing":
            return f"{_dotted(location)} is missing", f"Add {key!r}; {SEE}"
        case "literal_error":
            allowed = re.findall(r"'([^']*)'", str(context["expected"]))
            return f"{_dotted(location)}: {detail['input']!r} is not known", f"one of {', '.join(allowed)}"
        case "refused":
            return f"{_dotted(location)}: {context['what']}", str(context["hint"])
        case "model_type" | "model_attributes_type":
            return f"{_dotted(location)} is no table", SEE
        case _:
            return f"{_dotted(location)}: {detail['msg'][:1].lower()}{detail['msg'][1:]}", SEE


def _dotted(location: Location) -> str:
    """``analyzer.controls.ids``: the key as a reader of the file would say it."""
    return ".".join(str(part) for part in location if not isinstance(part, int))


def known_keys(location: Location) -> tuple[str, ...]:
    """The keys of the table at a location, as the file spells them."""
    model: type[BaseModel] | None = Config
    for part in location:
        if isinstance(part, str) and model is not None:
            model = _inner(fields(model).get(part))
    return tuple(name for name in fields(model) if name != "path") if model is not None else ()


def fields(model: type[BaseModel]) -> dict[str, Any]:
    """The fields of a model by their key in the file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _inner(field: Any) -> type[BaseModel] | None:
    """The model that a field holds: itself, optional, or many of them."""
    annotation = field.annotation if field is not None else None
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None
