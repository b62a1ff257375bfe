"""A simulated analyzer over real sockets and a real pseudo-terminal, against the framers that the bridge itself uses."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.plan import Plan
from lis_bridge.catalogue.tests import TestCatalogue as Catalogue
from lis_bridge.core import resources
from lis_bridge.core.faults import UsageError
from lis_bridge.framing import FrameReceived, MessageReceived, Send, make
from lis_bridge.simulate.analyzer import Analyzer, Mishaps, Taken
from lis_bridge.simulate.bridge import free_port
from lis_bridge.simulate.compose import Composer
from lis_bridge.simulate.sample import Measured, Sample
from lis_bridge.simulate.speech import msa, voice_of
from lis_bridge.transport import open_link

LIBRARY = Library.load(resources.drivers())
TESTS = Catalogue.load(resources.catalogue())
ZONE = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 3, 17, 9, 5, tzinfo=ZONE)
LIMIT = 60


@dataclass
class Host:
    """The other end: one framer for each connection, which answers as soon as it has read; nothing is stored."""

    plan: Plan
    refuse: Callable[[int], bool] = lambda number: False
    whole: list[bytes] = field(default_factory=list)
    torn: list[bytes] = field(default_factory=list)
    refused: int = 0
    naks: int = 0
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        framer = make(self.plan.profiles)
        while data := await reader.read(4096):
            for event in framer.receive(data, time.monotonic()):
                writer.write(self.heard(event))
        for event in framer.close(time.monotonic()):
            self.heard(event)
        writer.close()

    def heard(self, event: object) -> bytes:
        if isinstance(event, Send):
            self.naks += event.data == b"\x15"
            return event.data
        if isinstance(event, FrameReceived):
            return event.reply
        if not isinstance(event, MessageReceived):
            return b""
        if not event.complete:
            self.torn.append(event.raw)
            return b""
        if self.refuse(len(self.whole) + self.refused):
            self.refused += 1
            return (self.plan.acknowledge(event.raw) or b"").replace(b"MSA|AA|", b"MSA|AE|")
        self.whole.append(event.raw)
        return event.reply + (self.plan.acknowledge(event.raw) or b"")

    def values(self) -> list[tuple[str | None, str | None]]:
        """Specimen and value of all that was read whole, in order."""
        messages = [message for raw in self.whole for message in self.plan.decode(raw).messages]
        return [(message.specimen, seen.value) for message in messages for seen in message.observations]


@asynccontextmanager
async def hosting(id: str, refuse: Callable[[int], bool] = lambda number: False) -> AsyncIterator[Host]:
    host = Host(LIBRARY.plan(id, TESTS, zone=ZONE), refuse)
    server = await asyncio.start_server(host.serve, "127.0.0.1", 0)
    host.port = server.sockets[0].getsockname()[1]
    try:
        yield host
    finally:
        server.close()


def samples(count: int) -> list[Sample]:
    return [
        Sample(f"2603170{number:04d}", AT, (Measured("X", f"4.{number}0"),), control_id=str(number + 1))
        for number in range(count)
    ]


def sent(count: int) -> list[tuple[str, str]]:
    return [(sample.id, sample.results[0].value) for sample in samples(count)]


async def play(id: str, port: int, count: int, mishaps: Mishaps) -> list[Taken]:
    taken: list[Taken] = []
    link = open_link(f"tcp-connect://127.0.0.1:{port}")
    playing = Analyzer(link, Composer(LIBRARY.driver(id).manifest), samples(count), mishaps=mishaps, told=taken.append)
    await asyncio.wait_for(playing.run(), LIMIT)
    return taken


OVER_TCP = ["mindray-bs", "mindray-bc", "mindray-cl", "sysmex-xn", "zonci-zl"]


@pytest.mark.parametrize("id", OVER_TCP)
async def test_every_sample_is_taken_once_and_in_order(id: str) -> None:
    async with hosting(id) as host:
        taken = await play(id, host.port, 3, Mishaps())
        await until(lambda: len(host.whole) == 3)
    assert [one.sample.id for one in taken] == [sample.id for sample in samples(3)]
    assert host.values() == sent(3)
    assert not host.torn


@pytest.mark.parametrize("id", ["mindray-bs", "sysmex-xn"])
async def test_a_dropped_connection_is_followed_by_the_whole_message(id: str) -> None:
    async with hosting(id) as host:
        await play(id, host.port, 2, Mishaps(drop_every=2))
        await until(lambda: len(host.whole) == 2 and len(host.torn) == 1)
    assert host.values() == sent(2)


async def test_a_message_sent_twice_has_one_control_id() -> None:
    async with hosting("mindray-bs") as host:
        taken = await play("mindray-bs", host.port, 2, Mishaps(twice_every=2))
    assert len(taken) == 2
    assert len(host.whole) == 3
    assert host.whole[1] == host.whole[2]


async def test_a_damaged_frame_is_refused_and_sent_again() -> None:
    async with hosting("sysmex-xn") as host:
        await play("sysmex-xn", host.port, 2, Mishaps(spoil_every=2))
        await until(lambda: len(host.whole) == 2)
    assert host.naks == 1
    assert host.values() == sent(2)


async def test_a_refused_message_is_said_again() -> None:
    async with hosting("mindray-bs", refuse=lambda number: number == 1) as host:
        taken = await play("mindray-bs", host.port, 3, Mishaps())
    assert host.refused == 1
    assert len(taken) == 3
    assert host.values() == sent(3)


async def test_an_analyzer_waits_for_a_bridge_that_is_not_up_yet() -> None:
    port = free_port()
    playing = asyncio.create_task(play("mindray-bs", port, 1, Mishaps()))
    await asyncio.sleep(0.2)
    host = Host(LIBRARY.plan("mindray-bs", TESTS, zone=ZONE))
    server = await asyncio.start_server(host.serve, "127.0.0.1", port)
    assert len(await playing) == 1
    server.close()


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
async def test_nothing_is_said_on_a_serial_line_before_the_other_side_opened_it() -> None:
    import serial

    from lis_bridge.simulate.pty import PtyLink

    link = PtyLink()
    playing = asyncio.create_task(Analyzer(link, Composer(LIBRARY.driver("zonci-zl").manifest), samples(2)).run())
    await asyncio.sleep(0.3)
    assert not playing.done()
    with serial.Serial(link.device, 9600, timeout=0.2) as line:
        heard = b""
        while heard.count(b"\x03") < 2:
            heard += await asyncio.to_thread(line.read, 4096)
        await asyncio.wait_for(playing, LIMIT)
    await link.close()
    found = LIBRARY.plan("zonci-zl", TESTS, zone=ZONE).decode(heard).messages
    assert [(message.specimen, message.observations[0].value) for message in found] == sent(2)


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
async def test_more_than_a_line_holds_waits_for_the_reader() -> None:
    from lis_bridge.simulate.pty import PtyLink

    link = PtyLink()
    far = os.open(link.device, os.O_RDWR | os.O_NOCTTY)
    channel = await anext(link.connections())
    writing = asyncio.create_task(channel.write(bytes(range(32, 96)) * 2000))
    heard = 0
    while heard < 64 * 2000:
        heard += len(await asyncio.to_thread(os.read, far, 4096))
    await asyncio.wait_for(writing, LIMIT)
    os.write(far, b"\x06")
    assert await asyncio.wait_for(channel.read(), LIMIT) == b"\x06"
    os.close(far)
    await link.close()


async def until(true: Callable[[], bool]) -> None:
    """Waits for what the host has still to read."""
    async with asyncio.timeout(LIMIT):
        while not true():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"\x0bMSH|^~\\&|||\rMSA|AA|17|Message accepted|||0|\r", (b"AA", b"17")),
        (b"\x0bMSH|^~\\&|||\rMSA|AE\r", (b"", b"")),
        (b"", (b"", b"")),
    ],
)
def test_an_acknowledgement_names_verdict_and_message(answer: bytes, said: tuple[bytes, bytes]) -> None:
    assert msa(answer) == said


def test_a_framing_that_cannot_be_said_is_a_usage_error() -> None:
    dialect = LIBRARY.driver("sysmex-xn").manifest.dialect["astm"]
    bare = dialect.model_copy(update={"framing": ({"kind": "bare-lis2"},)})
    with pytest.raises(UsageError, match="bare-lis2"):
        voice_of(bare, None)  # type: ignore[arg-type]
