"""The drivers on the shelf, as commands are given them by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lis_bridge.core.faults import UsageError

if TYPE_CHECKING:
    from lis_bridge.catalogue.library import Library


def known(library: Library, id: str, where: str) -> str:
    """The id of a driver that is on the shelf. Raises UsageError with the nearest one."""
    from lis_bridge.settings.nearest import did_you_mean

    if id not in library.ids():
        hint = did_you_mean(id, library.ids()) or "lis-bridge driver list shows all"
        raise UsageError(f"there is no driver {id!r}", where=where, hint=hint)
    return id
