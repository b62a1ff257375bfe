"""A serial line without hardware: a pseudo-terminal whose far end the bridge opens like any other serial device (POSIX only).

A pseudo-terminal has no cable to see: the near end hangs up as long as nobody holds the far end, and that is how the line knows that it was
opened. Bytes that were written before would be flushed by whoever opens the device.
"""

from __future__ import annotations

import asyncio
import os
import pty
import select
import tty
from collections.abc import AsyncIterator

from lis_bridge.core.faults import LinkError
from lis_bridge.transport import Channel

LOOK_SECONDS = 0.05
SETTLE_SECONDS = 0.5
"""Between the opening of the device and the first byte: programs set the line up, and flush it, after opening it."""


class PtyLink:
    """The near end of a pseudo-terminal as a link; ``device`` is what the other side opens."""

    def __init__(self) -> None:
        self._near, far = pty.openpty()
        tty.setraw(far)
        os.set_blocking(self._near, False)
        self.device = os.ttyname(far)
        os.close(far)

    @property
    def where(self) -> str:
        return self.device

    async def open(self) -> None:
        """Nothing more to take."""

    async def connections(self) -> AsyncIterator[Channel]:
        while True:
            while self._hung_up():
                await asyncio.sleep(LOOK_SECONDS)
            await asyncio.sleep(SETTLE_SECONDS)
            channel = PtyChannel(self._near, self.device)
            yield channel
            await channel.wait_closed()

    async def close(self) -> None:
        os.close(self._near)

    def _hung_up(self) -> bool:
        near = select.poll()
        near.register(self._near, 0)
        return any(seen & select.POLLHUP for _, seen in near.poll(0))


class PtyChannel:
    """One conversation over the near end. The line itself stays open when the channel is closed."""

    repeats = False

    def __init__(self, near: int, device: str) -> None:
        self._near = near
        self._closed = asyncio.Event()
        self.peer = device

    async def read(self) -> bytes:
        while True:
            try:
                return os.read(self._near, 4096)
            except BlockingIOError:
                await self._ready(write=False)
            except OSError as error:
                raise self._lost(error) from error

    async def write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._near, rest) :]
            except BlockingIOError:
                await self._ready(write=True)
            except OSError as error:
                raise self._lost(error) from error

    async def committed(self) -> None:
        """Nothing is to be put away."""

    def close(self) -> None:
        self._closed.set()

    async def wait_closed(self) -> None:
        await self._closed.wait()

    async def _ready(self, *, write: bool) -> None:
        loop, ready = asyncio.get_running_loop(), asyncio.Event()
        add, remove = (loop.add_writer, loop.remove_writer) if write else (loop.add_reader, loop.remove_reader)
        add(self._near, ready.set)
        try:
            await ready.wait()
        finally:
            remove(self._near)

    def _lost(self, error: OSError) -> LinkError:
        return LinkError(f"the line broke: {os.strerror(error.errno or 0)}", where=self.peer, hint="Did the other side close it?")
