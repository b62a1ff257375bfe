"""A tee on a channel: every chunk of bytes, in both directions, with its moment, to whoever keeps the recording."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

import msgspec

from lis_bridge.core.clock import Clock
from lis_bridge.transport.link import Channel


class Heard(msgspec.Struct, frozen=True):
    """One chunk as it was read or written; ``at`` is aware, ``by`` is who spoke."""

    at: datetime
    by: Literal["analyzer", "bridge"]
    data: bytes


class Recorder:
    """A channel that tells ``note`` what passes through it; bytes are noted before anybody acts on them."""

    def __init__(self, channel: Channel, note: Callable[[Heard], None], clock: Clock) -> None:
        self._channel = channel
        self._note = note
        self._clock = clock

    @property
    def peer(self) -> str:
        return self._channel.peer

    @property
    def repeats(self) -> bool:
        return self._channel.repeats

    async def read(self) -> bytes:
        data = await self._channel.read()
        if data:
            self._note(Heard(self._clock.now(), "analyzer", data))
        return data

    async def write(self, data: bytes) -> None:
        self._note(Heard(self._clock.now(), "bridge", data))
        await self._channel.write(data)

    async def committed(self) -> None:
        await self._channel.committed()

    def close(self) -> None:
        self._channel.close()

    async def wait_closed(self) -> None:
        await self._channel.wait_closed()
