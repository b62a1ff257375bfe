"""Exit codes, the same for every command (docs/cli.md)."""

from __future__ import annotations

from enum import IntEnum

from lis_bridge.core.faults import BridgeError, ConfigError, DriverError, LinkError, StorageError, UsageError


class Exit(IntEnum):
    """What a script may rely on."""

    OK = 0
    FINDINGS = 1  # the thing asked for is not so, or a check found something
    USAGE = 2
    CONFIG = 3
    STORAGE = 4
    LINK = 5
    DRIVER = 6
    INTERRUPTED = 130


CODES: dict[type[BridgeError], Exit] = {
    UsageError: Exit.USAGE,
    ConfigError: Exit.CONFIG,
    StorageError: Exit.STORAGE,
    LinkError: Exit.LINK,
    DriverError: Exit.DRIVER,
}


def code_of(error: BridgeError) -> Exit:
    """The exit code of an error; a kind that is not listed counts as a finding."""
    return next((code for kind, code in CODES.items() if isinstance(error, kind)), Exit.FINDINGS)
