"""What can go wrong, always with the place and the remedy.

BridgeError
├── ConfigError        a file the user wrote: ``where`` is file:line
├── DriverError        a driver manifest or hook
├── LinkError          a port, socket, device or folder
├── StorageError       the disk or the database
└── UsageError         a command line

A ``Fault`` is the same as a value: bad bytes never raise past the room that met them.
"""

from __future__ import annotations

import msgspec


class Fault(msgspec.Struct, frozen=True):
    """Something wrong with bytes or with a link; ``kind`` is a stable lower-case word, ``where`` the place, ``hint`` the remedy."""

    kind: str
    where: str
    hint: str


class BridgeError(Exception):
    """An error that a user meets: says ``what``, ``where`` and, as ``hint``, what to do about it."""

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        remedy = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.what}{remedy}"


class ConfigError(BridgeError):
    """A configuration file says something that cannot be used."""


class DriverError(BridgeError):
    """A driver's manifest or hook is wrong."""


class LinkError(BridgeError):
    """A port, socket, serial device or folder cannot be used."""


class StorageError(BridgeError):
    """The database or the disk refuses."""


class UsageError(BridgeError):
    """A command was called wrongly."""
