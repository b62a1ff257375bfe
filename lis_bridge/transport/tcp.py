"""TCP links: the analyzer calls (``tcp-listen``), or is called (``tcp-connect``; also terminal servers).

An analyzer may be silent for days, so nothing here times out while reading; keepalive finds the peer whose cable was pulled.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

from lis_bridge.core.faults import LinkError
from lis_bridge.transport.errors import UnreachableError, connecting, listening, reason
from lis_bridge.transport.link import CHUNK, WRITE_SECONDS, Channel

CONNECT_SECONDS = 10.0
WAITING = 32
"""Connections that nobody has taken yet; more are turned away."""
_KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 6))
"""Seconds of silence before the first probe, seconds between probes, probes: a dead peer is found within two minutes."""


class Reader(asyncio.StreamReader):
    """Gives what came before a loss first, then the end; asyncio's own forgets what was not read in time. ``loss`` is what ended it."""

    loss: OSError | None = None

    def set_exception(self, exc: Exception) -> None:
        if isinstance(exc, OSError):
            self.loss = exc
            self.feed_eof()
        else:
            super().set_exception(exc)


class TcpChannel:
    """One TCP connection; ``peer`` is the address without the port, IPv4 also where it came over an IPv6 socket."""

    repeats = False

    def __init__(self, reader: Reader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._closed = asyncio.Event()
        self.peer = _address(writer)
        _keep_alive(writer)

    async def read(self) -> bytes:
        data = await self._reader.read(CHUNK)
        if not data and self._reader.loss is not None:
            raise self._lost(self._reader.loss) from self._reader.loss
        return data

    async def write(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            async with asyncio.timeout(WRITE_SECONDS):
                await self._writer.drain()
        except OSError as error:
            raise self._lost(error) from error

    async def committed(self) -> None:
        """Nothing is to be put away."""

    def close(self) -> None:
        self._writer.close()
        self._closed.set()

    async def wait_closed(self) -> None:
        await self._closed.wait()

    def _lost(self, error: OSError) -> LinkError:
        return UnreachableError(
            f"the connection broke: {reason(error)}", where=self.peer, hint="Is the analyzer on, the cable in?"
        )


class ListenLink:
    """A listening port; any number of connections at a time, what they mean is the caller's business."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None
        self._waiting: asyncio.Queue[TcpChannel] = asyncio.Queue()

    @property
    def where(self) -> str:
        return f"{self._host}:{self._port}"

    @property
    def bound(self) -> tuple[str, ...]:
        """The addresses that are listened on now."""
        sockets = self._server.sockets if self._server is not None else ()
        return tuple("{}:{}".format(*held.getsockname()[:2]) for held in sockets)

    async def open(self) -> None:
        if self._server is not None:
            return
        host = None if self._host == "*" else self._host
        try:
            self._server = await asyncio.get_running_loop().create_server(self._conversation, host, self._port)
        except OSError as error:
            raise listening(error, self._host, self._port) from error

    async def connections(self) -> AsyncIterator[Channel]:
        await self.open()
        while True:
            yield await self._waiting.get()

    async def close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        while not self._waiting.empty():
            self._waiting.get_nowait().close()

    def _conversation(self) -> asyncio.StreamReaderProtocol:
        reader = Reader(limit=CHUNK)

        def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if self._waiting.qsize() >= WAITING:
                writer.transport.abort()
            else:
                self._waiting.put_nowait(TcpChannel(reader, writer))

        return asyncio.StreamReaderProtocol(reader, accept)


class ConnectLink:
    """A connection that the bridge makes, one at a time."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port

    @property
    def where(self) -> str:
        return f"{self._host}:{self._port}"

    async def open(self) -> None:
        """Nothing need be had beforehand: an analyzer that is off is no reason not to start."""

    async def connections(self) -> AsyncIterator[Channel]:
        channel = await self._connect()
        yield channel
        await channel.wait_closed()
        raise UnreachableError("the connection ended", where=self.where, hint="Is the analyzer on, the cable in?")

    async def close(self) -> None:
        """Nothing is held between connections."""

    async def _connect(self) -> TcpChannel:
        loop, reader = asyncio.get_running_loop(), Reader(limit=CHUNK)
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                transport, _ = await loop.create_connection(lambda: protocol, self._host, self._port)
        except OSError as error:
            raise connecting(error, self._host, self._port) from error
        return TcpChannel(reader, asyncio.StreamWriter(transport, protocol, reader, loop))


def _address(writer: asyncio.StreamWriter) -> str:
    name = writer.get_extra_info("peername")
    if not name:  # the peer was gone before it was accepted
        return ""
    address = ipaddress.ip_address(str(name[0]).partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    with suppress(OSError):  # it may be gone already; the first read will say so
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEPALIVE:
            if hasattr(socket, option):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
