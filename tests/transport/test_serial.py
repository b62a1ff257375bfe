"""A real pseudo-terminal stands for the serial line: its master is the analyzer, its slave the device that the bridge opens."""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from lis_bridge.core.faults import LinkError
from lis_bridge.transport import Channel, open_link
from lis_bridge.transport.errors import BadLinkError, DeniedError, DeviceMissingError
from lis_bridge.transport.ports import Identity, device_of


class Cable:
    """A pty whose slave is found under a stable name, as adapters are below /dev/serial/by-id."""

    def __init__(self, name: Path) -> None:
        self.name = name
        self.master = -1

    def plug(self) -> None:
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.name.symlink_to(os.ttyname(slave))
        os.close(slave)

    def unplug(self) -> None:
        os.close(self.master)
        self.master = -1
        self.name.unlink()


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    made = Cable(tmp_path / "usb-adapter")
    yield made
    if made.master >= 0:
        made.unplug()


async def read_all(channel: Channel, size: int) -> bytes:
    got = b""
    while len(got) < size:
        got += await channel.read()
    return got


async def closed(channel: Channel) -> None:
    channel.close()
    await channel.wait_closed()


async def test_every_byte_passes_unchanged_in_both_directions(cable: Cable) -> None:
    cable.plug()
    channel = await anext(aiter(open_link(f"serial://{cable.name}?baud=9600&format=8N1").connections()))
    every = bytes(range(256))  # XON, XOFF, CR, LF, EOT and DEL among them
    os.write(cable.master, every)
    assert await read_all(channel, 256) == every
    await channel.write(every)
    assert os.read(cable.master, 256) == every
    await closed(channel)


async def test_bytes_are_read_while_the_bridge_is_busy(cable: Cable) -> None:
    cable.plug()
    channel = await anext(aiter(open_link(f"serial://{cable.name}").connections()))
    sent = os.urandom(256 * 1024)  # far more than a terminal's own buffer

    def analyzer() -> None:
        left = memoryview(sent)
        while left:
            left = left[os.write(cable.master, left[:1000]) :]

    await asyncio.to_thread(analyzer)  # ends although nobody has read from the channel yet
    assert await read_all(channel, len(sent)) == sent
    await closed(channel)


async def test_a_device_that_is_missing_is_named_and_had_once_it_appears(cable: Cable) -> None:
    link = open_link(f"serial://{cable.name}")
    with pytest.raises(DeviceMissingError) as caught:
        await anext(aiter(link.connections()))
    assert caught.value.where == str(cable.name)
    assert "Present:" in caught.value.hint
    cable.plug()
    channel = await anext(aiter(link.connections()))
    os.write(cable.master, b"there")
    assert await read_all(channel, 5) == b"there"
    await closed(channel)


async def test_an_unplugged_adapter_is_a_lost_link_and_is_had_again_under_its_name(cable: Cable) -> None:
    link = open_link(f"serial://{cable.name}")
    for word in (b"first", b"again"):
        cable.plug()
        connections = aiter(link.connections())
        channel = await anext(connections)
        os.write(cable.master, word)
        assert await read_all(channel, 5) == word
        cable.unplug()
        with pytest.raises(LinkError, match="the serial line was lost"):
            await channel.read()
        channel.close()
        with pytest.raises(DeviceMissingError, match="the serial line was lost"):
            await anext(connections)


async def test_what_was_read_before_the_loss_is_not_lost(cable: Cable) -> None:
    cable.plug()
    channel = await anext(aiter(open_link(f"serial://{cable.name}").connections()))
    os.write(cable.master, b"last words")
    await asyncio.sleep(0.1)
    cable.unplug()
    await channel.wait_closed()
    assert await channel.read() == b"last words"
    with pytest.raises(LinkError):
        await channel.read()
    channel.close()


async def test_a_device_in_use_is_refused_with_the_way_to_its_holder(cable: Cable) -> None:
    cable.plug()
    link = open_link(f"serial://{cable.name}")
    channel = await anext(aiter(link.connections()))
    with pytest.raises(DeniedError) as caught:
        await anext(aiter(link.connections()))
    assert "another program" in caught.value.what
    assert f"fuser -v {cable.name}" in caught.value.hint
    await closed(channel)


async def test_a_device_is_free_as_soon_as_its_channel_is_closed(cable: Cable) -> None:
    cable.plug()
    link = open_link(f"serial://{cable.name}")
    for _ in range(3):
        channel = await anext(aiter(link.connections()))
        await closed(channel)
        assert await channel.read() == b""


async def test_what_is_no_serial_device_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LinkError, match="refuses 9600 8N1") as caught:
        await anext(aiter(open_link(f"serial://{tmp_path / 'file'}").connections()))
    assert "serial device" in caught.value.hint


ADAPTERS = [
    SimpleNamespace(device="COM3", vid=0x0403, pid=0x6001, serial_number="A1"),
    SimpleNamespace(device="COM4", vid=0x0403, pid=0x6001, serial_number="B2"),
    SimpleNamespace(device="COM7", vid=0x067B, pid=0x2303, serial_number=None),
    SimpleNamespace(device="COM1", vid=None, pid=None, serial_number=None),
]


@pytest.mark.parametrize(
    ("identity", "device"),
    [(Identity("067b", "2303"), "COM7"), (Identity("0403", "6001", "b2"), "COM4"), (Identity(sn="A1"), "COM3")],
)
def test_an_adapter_is_found_by_its_usb_identity_whatever_its_name_is_now(identity: Identity, device: str) -> None:
    assert device_of(identity, ADAPTERS) == device


def test_an_adapter_that_is_not_plugged_in_is_missing_although_others_are_there() -> None:
    with pytest.raises(DeviceMissingError, match="USB vid=0403 sn=C3"):
        device_of(Identity("0403", "", "C3"), ADAPTERS)


def test_adapters_that_cannot_be_told_apart_are_refused() -> None:
    with pytest.raises(BadLinkError, match="COM3, COM4") as caught:
        device_of(Identity("0403", "6001"), ADAPTERS)
    assert "sn=" in caught.value.hint
