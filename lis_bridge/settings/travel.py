"""What a site says of one analyzer, as a text that travels with its driver: never addresses, names of people or serial numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from lis_bridge.settings.models import Analyzer

_PLAIN = ("revision", "dialect", "charset", "new_codes", "ignored", "decimal", "specimen_pattern")
_TABLES = ("codes", "units", "options")


def travelling(analyzer: Analyzer) -> str:
    """TOML of the analyzer's settings that differ from a default; the line's parameters as a comment."""
    link = urlsplit(analyzer.link)
    lines = [f"# {link.scheme}{f', {link.query}' if link.scheme == 'serial' and link.query else ''}"]
    said = analyzer.model_dump(exclude_defaults=True)
    lines += [f"{key} = {_value(said[key])}" for key in _PLAIN if key in said]
    for name in _TABLES:
        lines += _table(name, said.get(name, {}))
    return "\n".join(lines) + "\n"


def _table(name: str, said: Mapping[str, Any]) -> Iterator[str]:
    if said:
        yield f"\n[{name}]"
        yield from (f"{_value(key)} = {_value(value)}" for key, value in said.items())


def _value(value: Any) -> str:
    """A TOML value; JSON's strings, numbers, booleans and arrays are TOML's."""
    plain = getattr(value, "pattern", value)
    return json.dumps(list(plain) if isinstance(plain, tuple) else plain, ensure_ascii=False)
