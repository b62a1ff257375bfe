"""A ``driver.toml`` as a table, with what it extends merged under it: table by table; lists are replaced whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lis_bridge.catalogue.manifest.places import place
from lis_bridge.core.faults import ConfigError, DriverError
from lis_bridge.settings import source
from lis_bridge.settings.nearest import did_you_mean

NOT_INHERITED = (
    "identify", "lookalikes", "low_confidence", "not_verified", "waived", "models", "needs", "replaces_shipped",
)  # fmt: skip


def read(file: Path) -> dict[str, Any]:
    """The table of a ``driver.toml``. Raises DriverError with file and line."""
    try:
        return source.read(file).table
    except ConfigError as wrong:
        raise DriverError(wrong.what, where=wrong.where, hint=wrong.hint) from wrong


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


def texts(value: Any) -> Iterator[str]:
    """Every text in a table, but the keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from texts(inner)
