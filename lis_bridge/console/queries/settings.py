"""The configuration as the service reads it, for people; a password in an address is never shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec
from pydantic import BaseModel

from lis_bridge.settings import Config

MASK = "•••"
_SECTIONS = ("site", "storage", "specimen", "drivers", "console")


class Section(msgspec.Struct, frozen=True):
    """A table of the file: its name as it stands there, and each key with its value; ``default`` names those that the file does not set."""

    name: str
    title: str
    values: dict[str, str]
    default: frozenset[str]


def sections(config: Config) -> list[Section]:
    """Every table, in the file's order."""
    tables = [_section(f"[{name}]", "", getattr(config, name)) for name in _SECTIONS]
    tables += [_section("[[analyzer]]", one.id, one) for one in config.analyzers]
    tables += [_section("[[destination]]", one.id, one) for one in config.destinations]
    return tables


def _section(name: str, title: str, table: BaseModel) -> Section:
    said = table.model_fields_set
    values = dict(_flat("", table, type(table).model_fields))
    default = frozenset(key for key in values if key.split(".")[0] not in said)
    return Section(name, title, values, default)


def _flat(prefix: str, table: BaseModel, names: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in names:
        value = getattr(table, name)
        if isinstance(value, BaseModel):
            yield from _flat(f"{prefix}{name}.", value, type(value).model_fields)
        elif isinstance(value, Mapping):
            yield from ((f"{prefix}{name}.{key}", _text(item)) for key, item in value.items())
        else:
            yield f"{prefix}{name}", _text(value)


def _text(value: Any) -> str:
    if isinstance(value, re.Pattern):
        return str(value.pattern)
    if isinstance(value, tuple | frozenset):
        return ", ".join(map(_text, value))
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else masked(str(value)) if not isinstance(value, Path) else str(value)


def masked(text: str) -> str:
    """An address without its password."""
    if "://" not in text:
        return text
    parts = urlsplit(text)
    user, at, host = parts.netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    query = re.sub(r"(?i)\b(password|token|secret)=[^&]*", rf"\1={MASK}", parts.query)
    netloc = f"{name}{colon}{MASK if colon else ''}{at}{host}"
    return urlunsplit((parts.scheme, netloc, parts.path, query, parts.fragment)) if (colon or query != parts.query) else text
