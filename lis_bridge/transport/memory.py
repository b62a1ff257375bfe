"""Links inside one process, for tests: ``dial`` is the analyzer's end of ``memory://name``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from lis_bridge.core.faults import LinkError
from lis_bridge.transport.link import Channel

_listening: dict[str, MemoryLink] = {}


class MemoryChannel:
    """One end of a conversation."""

    repeats = False

    def __init__(self, peer: str, arriving: asyncio.Queue[bytes], leaving: asyncio.Queue[bytes]) -> None:
        self.peer = peer
        self._arriving = arriving
        self._leaving = leaving
        self._closed = asyncio.Event()

    async def read(self) -> bytes:
        data = await self._arriving.get()
        if not data:
            self._arriving.put_nowait(b"")  # the end stays the end
        return data

    async def write(self, data: bytes) -> None:
        if data:
            self._leaving.put_nowait(data)

    async def committed(self) -> None:
        """Nothing is to be put away."""

    def close(self) -> None:
        if not self._closed.is_set():
            self._closed.set()
            self._arriving.put_nowait(b"")
            self._leaving.put_nowait(b"")

    async def wait_closed(self) -> None:
        await self._closed.wait()


class MemoryLink:
    """A name that can be dialled."""

    def __init__(self, name: str) -> None:
        self.where = f"memory://{name}"
        self._name = name
        self._waiting: asyncio.Queue[MemoryChannel] = asyncio.Queue()

    async def open(self) -> None:
        _listening[self._name] = self

    async def connections(self) -> AsyncIterator[Channel]:
        await self.open()
        while True:
            yield await self._waiting.get()

    async def close(self) -> None:
        _listening.pop(self._name, None)

    def dial(self, peer: str) -> MemoryChannel:
        """A new conversation; the end that is returned is the analyzer's."""
        there: asyncio.Queue[bytes] = asyncio.Queue()
        back: asyncio.Queue[bytes] = asyncio.Queue()
        self._waiting.put_nowait(MemoryChannel(peer, there, back))
        return MemoryChannel("bridge", back, there)


def dial(name: str, peer: str = "memory") -> MemoryChannel:
    """Call the open ``memory://name`` as ``peer``. Raises LinkError where nobody listens."""
    link = _listening.get(name)
    if link is None:
        raise LinkError("nobody listens", where=f"memory://{name}", hint="Open the link first")
    return link.dial(peer)
