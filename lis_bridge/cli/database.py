"""The database of a configuration, opened beside a service that may be running."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lis_bridge.core.faults import StorageError

if TYPE_CHECKING:
    from lis_bridge.settings import Config
    from lis_bridge.storage import Store


@contextmanager
def database(file: Path) -> Iterator[tuple[Config, Store]]:
    """A configuration with what was mapped since, and its open store; a command never makes a database. Raises ConfigError and StorageError."""
    from lis_bridge import mappings, settings
    from lis_bridge.storage import Store

    config = settings.load(file)
    place = config.storage.url.removeprefix("sqlite:///")
    if place != config.storage.url and not Path(place).exists():
        raise StorageError(
            "no database is there yet", where=place, hint="lis-bridge run makes it; is this the right configuration?"
        )
    with Store.open(config.storage.url) as store:
        with store.read() as tx:
            config = mappings.applied(config, mappings.every(tx))
        yield config, store
