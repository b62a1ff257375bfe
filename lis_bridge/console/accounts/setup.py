"""The first engineer: a link that works once, in a file beside the database that only its owner can read."""

from __future__ import annotations

import hmac
import secrets
from pathlib import Path

from lis_bridge.core.replacing import replace_file
from lis_bridge.runtime import status
from lis_bridge.settings import Config


def file_of(config: Config) -> Path:
    """Where the link stands."""
    return status.file_of(config).with_suffix("").with_suffix(".setup-link")


class SetupLink:
    """The link of one start of the service; a later start writes another."""

    def __init__(self, file: Path, address: str) -> None:
        self._file = file
        self._token = secrets.token_urlsafe(32)
        self._address = address

    @property
    def file(self) -> Path:
        return self._file

    def write(self) -> None:
        """Write it, readable by its owner only. Raises OSError."""
        replace_file(self._file, f"{self._address}/setup/{self._token}\n".encode(), durable=False, private=True)

    def is_right(self, token: str) -> bool:
        """Whether this is the link's token."""
        return hmac.compare_digest(self._token.encode(), token.encode())

    def remove(self) -> None:
        """It was used, or is not needed any more."""
        self._file.unlink(missing_ok=True)
