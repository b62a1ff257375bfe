"""How a message is said over a channel, and how it is heard to be taken: one voice for each framing that has its own conversation.

An analyzer repeats a message that is not acknowledged (Mindray: three times; E1381: a frame six times, then the whole message later). After
that it hangs up, and begins again with the same message.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Protocol

from lis_bridge.catalogue.manifest.dialect import Dialect
from lis_bridge.core.faults import LinkError, UsageError
from lis_bridge.framing import block, mllp
from lis_bridge.framing.control import STX
from lis_bridge.framing.events import Send
from lis_bridge.framing.profile import Profile
from lis_bridge.framing.sender import Aborted, Sender, SenderEvent, Sent
from lis_bridge.transport import Channel

Moments = tuple[float, float]
"""When the last byte was written and when the message was known to be taken, in monotonic seconds."""

ANSWER_SECONDS = 30.0
REPEATS = 3
ACCEPTED = frozenset({b"AA", b"CA"})


class Voice(Protocol):
    """One framing's conversation over one channel."""

    async def say(self, body: bytes, control_id: str, *, spoil: bool = False) -> Moments:
        """Says a message until it is taken; ``spoil`` damages its first frame once, where frames are checked. Raises LinkError."""

    async def break_off(self, body: bytes) -> None:
        """Says about half of a message."""


def voice_of(dialect: Dialect, channel: Channel) -> Voice:
    """The voice for a dialect's first framing. Raises UsageError for one that cannot be said yet."""
    profile = Profile.from_dict(dialect.framing[0])
    if profile.kind == "mllp":
        return MllpVoice(channel)
    if profile.kind == "lis1a":
        return Lis1aVoice(channel, profile)
    if profile.kind == "block" and not profile.reply:
        return BlockVoice(channel, profile)
    raise UsageError(
        f"nothing can be said in the framing {profile.kind!r} yet", hint="mllp, lis1a and plain blocks can be simulated"
    )


class MllpVoice:
    """HL7 over MLLP: a block, then the wait for the MSA that names it."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._heard = b""

    async def say(self, body: bytes, control_id: str, *, spoil: bool = False) -> Moments:
        for _ in range(1 + REPEATS):
            await self._channel.write(mllp.wrap(body))
            said_at = time.monotonic()
            if await self._taken(control_id.encode()):
                return said_at, time.monotonic()
        raise _not_taken(self._channel)

    async def break_off(self, body: bytes) -> None:
        await self._channel.write(mllp.wrap(body)[: len(body) // 2])

    async def _taken(self, control_id: bytes) -> bool:
        """False after a refusal, or after long silence; answers to earlier messages are passed over."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                while True:
                    verdict, about = msa(await self._block())
                    if about == control_id:
                        return verdict in ACCEPTED
        except TimeoutError:
            return False

    async def _block(self) -> bytes:
        while b"\x1c" not in self._heard:
            self._heard += await _more(self._channel)
        answer, _, self._heard = self._heard.partition(b"\x1c")
        return answer


def msa(answer: bytes) -> tuple[bytes, bytes]:
    """MSA-1 and MSA-2 of an acknowledgement; empty where there is none."""
    for line in answer.split(b"\r"):
        fields = line.split(b"|")
        if fields[0] == b"MSA" and len(fields) > 2:
            return fields[1], fields[2]
    return b"", b""


class Lis1aVoice:
    """LIS2-A2 over LIS1-A, by the framing's own sender."""

    def __init__(self, channel: Channel, profile: Profile) -> None:
        self._channel = channel
        self._sender = Sender(checksum="excluding" if profile.checksum == "excluding" else "including")
        self._said_at = 0.0
        self._spoil = False

    async def say(self, body: bytes, control_id: str, *, spoil: bool = False) -> Moments:
        self._spoil = spoil
        events: Sequence[SenderEvent] = self._sender.start([body], time.monotonic())
        while not any(isinstance(event, Sent) for event in events):
            await self._speak(events)
            events = await self._answer()
        taken_at = time.monotonic()
        await self._speak(events)
        return self._said_at, taken_at

    async def break_off(self, body: bytes) -> None:
        events: Sequence[SenderEvent] = self._sender.start([body], time.monotonic())
        for _ in range(1 + body.count(b"\r") // 2):
            await self._speak(events)
            events = await self._answer()

    async def _speak(self, events: Sequence[SenderEvent]) -> None:
        for event in events:
            if isinstance(event, Send):
                is_frame = event.data.startswith(STX)
                await self._channel.write(_damaged(event.data) if is_frame and self._spoil else event.data)
                self._spoil = self._spoil and not is_frame
                self._said_at = time.monotonic() if is_frame else self._said_at
            elif isinstance(event, Aborted):
                raise _not_taken(self._channel)

    async def _answer(self) -> Sequence[SenderEvent]:
        """What the other side says, or what the sender does about its silence."""
        deadline = self._sender.deadline
        try:
            async with asyncio.timeout(None if deadline is None else max(0.0, deadline - time.monotonic())):
                heard = await _more(self._channel)
        except TimeoutError:
            return self._sender.tick(time.monotonic())
        return self._sender.receive(heard, time.monotonic())


def _damaged(frame: bytes) -> bytes:
    """One bit of the frame's text flipped."""
    return frame[:2] + bytes([frame[2] ^ 1]) + frame[3:]


class BlockVoice:
    """Blocks that nobody answers: said is taken."""

    def __init__(self, channel: Channel, profile: Profile) -> None:
        self._channel = channel
        self._profile = profile

    async def say(self, body: bytes, control_id: str, *, spoil: bool = False) -> Moments:
        await self._channel.write(block.wrap(body, self._profile))
        now = time.monotonic()
        return now, now

    async def break_off(self, body: bytes) -> None:
        await self._channel.write(block.wrap(body, self._profile)[: len(body) // 2])


async def _more(channel: Channel) -> bytes:
    data = await channel.read()
    if not data:
        raise LinkError("the bridge hung up", where=channel.peer, hint="Is it running, and is the peer allowed?")
    return data


def _not_taken(channel: Channel) -> LinkError:
    return LinkError("the message was not taken", where=channel.peer, hint="The bridge's log says why")
