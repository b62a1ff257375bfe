"""What every kind of link offers. A link is configured once and lives as long as the service; a channel is one conversation over it.

``connections`` raises LinkError when the link cannot be had or is lost; it is called again, after a pause that is the caller's
business, and goes on where it stopped. A channel that ends does so in one of two ways: ``read`` gives ``b""``, or raises LinkError.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

CHUNK = 64 * 1024
"""The most bytes that one read gives."""

WRITE_SECONDS = 30.0
"""A reply that the other side does not take for so long means that nobody is there."""


class Channel(Protocol):
    """One conversation: a connection, an open serial line, one file."""

    @property
    def peer(self) -> str:
        """Who speaks: an address without port, a device, a file's name. Kept as provenance; a file's name is not for logs."""

    @property
    def repeats(self) -> bool:
        """True where all of it is read again later unless ``committed`` was called (a file)."""

    async def read(self) -> bytes:
        """The next bytes; ``b""`` at the end. May be cancelled without losing any. Raises LinkError, behind what came before the loss."""

    async def write(self, data: bytes) -> None:
        """Say something; what cannot be answered (a file) is silent. Raises LinkError."""

    async def committed(self) -> None:
        """All that was read is on the disk: what was read may now be put away (a file)."""

    def close(self) -> None:
        """End the conversation; may be called again."""

    async def wait_closed(self) -> None:
        """Until what the channel held is free again."""


class Link(Protocol):
    """Where an analyzer speaks; ``where`` names it in errors and logs."""

    @property
    def where(self) -> str:
        """The port, device or folder."""

    async def open(self) -> None:
        """Take what must be had before the service is ready (a listening port). Raises LinkError."""

    def connections(self) -> AsyncIterator[Channel]:
        """The conversations, one after the other, or several at once where the link can."""

    async def close(self) -> None:
        """Give everything back; channels are closed by who has them."""
