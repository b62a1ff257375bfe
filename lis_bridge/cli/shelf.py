"""The drivers on the shelf, as commands are given them: the site's own folders in front of those that come with the bridge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lis_bridge.core import resources
from lis_bridge.core.faults import UsageError

if TYPE_CHECKING:
    from lis_bridge.catalogue.library import Broken, Library
    from lis_bridge.settings import Config


def shelf(own: Sequence[Path] | None = None, *, broken: Broken | None = None) -> Library:
    """All drivers, those of the site's ``own`` folders in front. Raises DriverError, unless ``broken`` takes what is wrong."""
    from lis_bridge.catalogue.library import Library

    return Library.load(resources.drivers(tuple(own or ())), broken=broken)


def shelf_of(file: Path) -> Library:
    """The drivers that a configuration file may name; what is wrong with the file itself is not told here."""
    from lis_bridge import settings

    return shelf(settings.driver_paths(file))


def configured(file: Path) -> tuple[Config, Library]:
    """A checked configuration with its drivers, as ``run`` takes it. Raises ConfigError and DriverError."""
    from lis_bridge import settings
    from lis_bridge.cli.overriding import refuse_mismatches

    library = shelf_of(file)
    config = settings.load(file, drivers=library.ids())
    refuse_mismatches(config, library)
    return config, library


def known(library: Library, id: str, where: str) -> str:
    """The id of a driver that is on the shelf. Raises UsageError with the nearest one."""
    from lis_bridge.settings.nearest import did_you_mean

    if id not in library.ids():
        hint = did_you_mean(id, library.ids()) or "lis-bridge driver list shows all"
        raise UsageError(f"there is no driver {id!r}", where=where, hint=hint)
    return id
