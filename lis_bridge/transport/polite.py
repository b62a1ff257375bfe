"""Keeps an analyzer talking whose driver nobody knows yet: its handshakes and messages are answered as the framing that its bytes speak asks for.

Whoever gives the channel sees to it that what was read is on the disk first (``Recorder`` with a ``Recording``): an answer says "received".
Queries are not answered: nobody here has orders.
"""

from __future__ import annotations

import asyncio

from lis_bridge.catalogue.manifest.reply import ReplySpec
from lis_bridge.catalogue.replies import reply
from lis_bridge.core.clock import Clock
from lis_bridge.framing import Event, FrameReceived, MessageReceived, Profile, Send, make
from lis_bridge.transport.link import Channel

ANY = Profile.from_dict({"kind": "auto"})
_HL7 = ReplySpec()


async def converse(channel: Channel, clock: Clock) -> None:
    """Listen and answer until the analyzer ends the conversation. Raises LinkError where the link is lost."""
    framer = make(ANY)
    while True:
        now = clock.monotonic()
        patience = None if framer.deadline is None else max(0.0, framer.deadline - now)
        try:
            async with asyncio.timeout(patience):
                data = await channel.read()
        except TimeoutError:
            await _answer(channel, framer.tick(clock.monotonic()), clock)
            continue
        if not data:
            return
        await _answer(channel, framer.receive(data, clock.monotonic()), clock)


async def _answer(channel: Channel, events: list[Event], clock: Clock) -> None:
    words = b"".join(_words(event, clock) for event in events)
    if words:
        await channel.write(words)


def _words(event: Event, clock: Clock) -> bytes:
    match event:
        case Send(data):
            return data
        case FrameReceived(_, answer, _):
            return answer
        case MessageReceived(raw, True, answer, _):
            return answer + (reply(raw, _HL7, clock.now()) or b"")
        case _:
            return b""
