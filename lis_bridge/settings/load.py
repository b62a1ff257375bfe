"""From a file to a checked ``Config``, or to the list of everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from lis_bridge.core.faults import ConfigError
from lis_bridge.settings import checks, explain, links, source
from lis_bridge.settings.models import Config, Destination, Table

T = TypeVar("T", bound=Table)


def load(path: Path, *, drivers: Collection[str] | None = None) -> Config:
    """The configuration of a file; with ``drivers`` (known ids) an unknown driver is an error too.

    Relative paths count from the file's folder. Raises ConfigError with ``file:line`` of the first thing wrong.
    """
    config, wrong = examine(path, drivers=drivers)
    if config is None:
        raise wrong[0]
    return config


def examine(path: Path, *, drivers: Collection[str] | None = None) -> tuple[Config | None, tuple[ConfigError, ...]]:
    """The configuration, or None and everything that is wrong, in the order of the file's lines."""
    try:
        read = source.read(path)
    except ConfigError as wrong:
        return None, (wrong,)
    try:
        config = Config.model_validate(_completed(read.table, path))
    except ValidationError as wrong:
        return None, explain.errors(wrong, read)
    config = _rooted(config, path.resolve().parent)
    refusals = [*checks.refusals(config), *checks.unknown_drivers(config, drivers)]
    problems = [ConfigError(item.what, where=read.where(item.location), hint=item.hint) for item in refusals]
    return (None, explain.in_order(problems)) if problems else (config, ())


def _completed(table: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The table with what one part of a file says for another; what has the wrong type is left for the models to refuse."""
    below = {
        "analyzer": {"require_order": _said(table, "specimen", "require_order", False)},
        "destination": {"sending_facility": _said(table, "site", "id", "")},
    }
    filled = {name: _each(table[name], defaults) for name, defaults in below.items() if name in table}
    return {**table, **filled, "path": path}


def _said(table: Mapping[str, Any], name: str, key: str, default: Any) -> Any:
    inner = table.get(name)
    return inner.get(key, default) if isinstance(inner, dict) else default


def _each(rows: Any, defaults: Mapping[str, Any]) -> Any:
    return [{**defaults, **row} if isinstance(row, dict) else row for row in rows] if isinstance(rows, list) else rows


def _rooted(config: Config, folder: Path) -> Config:
    """Every relative path made absolute."""
    storage = config.storage.model_copy(update={"url": _sqlite_at(config.storage.url, folder)})
    analyzers = tuple(item.model_copy(update={"link": links.rooted(item.link, folder)}) for item in config.analyzers)
    destinations = tuple(_certificates_at(item, folder) for item in config.destinations)
    console = _files_at(config.console, ("certificate", "key"), folder)
    drivers = config.drivers.model_copy(update={"paths": tuple(folder / item for item in config.drivers.paths)})
    changed = {"storage": storage, "drivers": drivers, "analyzers": analyzers, "destinations": destinations, "console": console}
    return config.model_copy(update=changed)


def _sqlite_at(url: str, folder: Path) -> str:
    scheme, found, place = url.partition("sqlite:///")
    return f"sqlite:///{(folder / place).resolve().as_posix()}" if found and not scheme else url


def _certificates_at(destination: Destination, folder: Path) -> Destination:
    if destination.tls is None:
        return destination
    return destination.model_copy(update={"tls": _files_at(destination.tls, ("ca", "certificate", "key"), folder)})


def _files_at(table: T, names: tuple[str, ...], folder: Path) -> T:
    return table.model_copy(update={name: folder / value for name in names if (value := getattr(table, name)) is not None})


def driver_paths(path: Path, *, there: bool = True) -> tuple[Path, ...]:
    """The site's own driver folders, as far as a file names some (that are ``there``): they must be known before its drivers can be checked."""
    try:
        table = source.read(path).table
    except ConfigError:
        return ()
    said = _said(table, "drivers", "paths", [])
    named = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    folders = (path.resolve().parent / item for item in named if isinstance(item, str))
    return tuple(folder for folder in folders if folder.is_dir() or not there)


def place(config: Config, location: source.Location) -> str:
    """``file:line`` of a key of a loaded configuration."""
    return source.read(config.path).where(location)
