"""LISs on real sockets: one that is not our own code (python-hl7's MLLP server), and small ones that misbehave."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from hl7.mllp import HL7StreamReader, HL7StreamWriter, start_hl7_server

Answer = Callable[[str, int], bytes | None]
"""Control id and the message's ordinal to the bytes to answer; None ends the connection."""

NOT_A_WORD = b""


@dataclass
class Lis:
    """What a LIS heard: control ids and messages in order."""

    port: int = 0
    ids: list[str] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    connections: int = 0

    @property
    def link(self) -> str:
        return f"mllp://127.0.0.1:{self.port}"

    def take(self, message: bytes) -> str:
        id = message.split(b"\r")[0].split(b"|")[9].decode()
        self.ids.append(id)
        self.messages.append(message)
        return id


def block(content: str | bytes) -> bytes:
    return b"\x0b" + (content.encode() if isinstance(content, str) else content) + b"\x1c\r"


def ack(id: str, code: str = "AA", text: str = "") -> bytes:
    return block(f"MSH|^~\\&|LIS||||20260317||ACK^R01|1|P|2.5.1\rMSA|{code}|{id}|{text}\r")


@asynccontextmanager
async def lis(answer: Answer, *, tls: ssl.SSLContext | None = None, port: int = 0) -> AsyncIterator[Lis]:
    """A LIS that answers as told."""
    heard = Lis()
    tasks: set[asyncio.Task[object]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        heard.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                raw = await reader.readuntil(b"\x1c\r")
                id = heard.take(raw[1:-2])
                told = answer(id, len(heard.ids))
                if told is None:
                    break
                writer.write(told)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port, ssl=tls)
    heard.port = server.sockets[0].getsockname()[1]
    try:
        yield heard
    finally:
        await _stop(server, tasks)


@asynccontextmanager
async def python_hl7_lis(
    charset: str = "UTF-8", code: Callable[[str], Awaitable[str]] | None = None, port: int = 0
) -> AsyncIterator[Lis]:
    """python-hl7's own MLLP server, reader and acknowledgement."""
    heard = Lis()
    tasks: set[asyncio.Task[object]] = set()

    async def serve(reader: HL7StreamReader, writer: HL7StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        heard.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                message = await reader.readmessage()
                id = heard.take(str(message).encode())
                writer.writemessage(message.create_ack(await code(id) if code else "AA"))
                await writer.drain()
        writer.close()

    server = await start_hl7_server(serve, "127.0.0.1", port, encoding=charset)
    heard.port = server.sockets[0].getsockname()[1]
    try:
        yield heard
    finally:
        await _stop(server, tasks)


async def _stop(server: asyncio.Server, tasks: set[asyncio.Task[object]]) -> None:
    server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
