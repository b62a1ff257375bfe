from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from lis_bridge.core.faults import LinkError
from lis_bridge.transport import Channel, open_link
from lis_bridge.transport.errors import PortTakenError, UnreachableError


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[int, AsyncIterator[Channel]]]:
    port = free_port()
    link = open_link(f"tcp-listen://127.0.0.1:{port}")
    await link.open()
    async with aclosing(link.connections()) as connections:  # type: ignore[type-var]
        yield port, connections
    await link.close()


async def test_bytes_pass_in_both_directions_and_the_peer_is_an_address_without_port() -> None:
    async with listening() as (port, connections):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        channel = await anext(connections)
        assert channel.peer == "127.0.0.1"
        writer.write(b"\x05")
        assert await channel.read() == b"\x05"
        await channel.write(b"\x06")
        assert await reader.read(1) == b"\x06"
        writer.close()
        assert await channel.read() == b""
        channel.close()


async def test_a_cancelled_read_loses_nothing() -> None:
    async with listening() as (port, connections):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        channel = await anext(connections)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await channel.read()
        writer.write(b"late")
        assert await channel.read() == b"late"
        writer.close()
        channel.close()


async def test_several_connections_are_open_at_a_time() -> None:
    async with listening() as (port, connections):
        clients = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        channels = [await anext(connections) for _ in clients]
        for number, (_, writer) in enumerate(clients):
            writer.write(b"%d" % number)
        assert {await channel.read() for channel in channels} == {b"0", b"1", b"2"}
        for channel in channels:
            channel.close()


async def test_a_reset_by_the_peer_is_a_lost_link() -> None:
    async with listening() as (port, connections):
        client = socket.create_connection(("127.0.0.1", port))
        channel = await anext(connections)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        with pytest.raises(LinkError, match="the connection broke"):
            await channel.read()
        channel.close()


async def heard_before_a_reset(client: socket.socket, channel: Channel) -> None:
    """The other end says something and breaks off; the channel gives that first, then the loss."""
    client.sendall(b"the last result")
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await asyncio.sleep(0.05)
    client.close()
    await asyncio.sleep(0.05)
    assert await channel.read() == b"the last result"
    with pytest.raises(LinkError, match="the connection broke"):
        await channel.read()
    channel.close()


async def test_what_came_before_a_reset_is_heard_before_the_loss() -> None:
    async with listening() as (port, connections):
        client = socket.create_connection(("127.0.0.1", port))
        await heard_before_a_reset(client, await anext(connections))


async def test_what_came_before_a_reset_of_a_connection_that_the_bridge_made_is_heard() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        connections = open_link(f"tcp-connect://127.0.0.1:{server.getsockname()[1]}").connections()
        channel = await anext(connections)
        client, _ = server.accept()
        await heard_before_a_reset(client, channel)


async def test_a_port_in_use_is_named_with_the_way_to_its_holder() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(PortTakenError) as caught:
            await open_link(f"tcp-listen://127.0.0.1:{port}").open()
    assert f"127.0.0.1:{port}: port {port} is in use" in str(caught.value)
    assert f"ss -ltnp 'sport = :{port}'" in caught.value.hint


async def test_a_port_is_free_again_at_once_after_the_link_was_closed() -> None:
    port = free_port()
    for _ in range(2):
        link = open_link(f"tcp-listen://127.0.0.1:{port}")
        await link.open()
        client = socket.create_connection(("127.0.0.1", port))
        channel = await anext(aiter(link.connections()))
        channel.close()
        await link.close()
        client.close()


async def test_an_address_of_another_machine_cannot_be_listened_on() -> None:
    with pytest.raises(LinkError) as caught:
        await open_link("tcp-listen://192.0.2.1:5100").open()
    assert "0.0.0.0:5100" in caught.value.hint


async def test_a_connection_is_made_and_its_end_is_a_lost_link() -> None:
    spoke = asyncio.Event()

    async def analyzer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        await spoke.wait()
        writer.close()

    async with await asyncio.start_server(analyzer, "127.0.0.1", 0) as server:
        link = open_link(f"tcp-connect://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        for _ in range(2):  # asked again, it connects again
            spoke.clear()
            connections = aiter(link.connections())
            channel = await anext(connections)
            assert await channel.read() == b"hello"
            spoke.set()
            assert await channel.read() == b""
            channel.close()
            with pytest.raises(UnreachableError, match="the connection ended"):
                await anext(connections)


async def test_nobody_there_is_named() -> None:
    port = free_port()
    link = open_link(f"tcp-connect://127.0.0.1:{port}")
    with pytest.raises(UnreachableError) as caught:
        await anext(aiter(link.connections()))
    assert caught.value.where == f"127.0.0.1:{port}"
    assert "refused" in caught.value.what


async def test_a_peer_that_reads_nothing_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lis_bridge.transport.tcp.WRITE_SECONDS", 0.1)
    async with listening() as (port, connections):
        client = socket.create_connection(("127.0.0.1", port))
        channel = await anext(connections)
        with pytest.raises(LinkError, match="no answer in time"):
            await channel.write(bytes(64 * 1024 * 1024))
        channel.close()
        client.close()
