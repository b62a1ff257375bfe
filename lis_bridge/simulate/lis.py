"""A LIS that is not our own code: python-hl7's MLLP server, with a laboratory's moods.

It records every message that it read, the moment at which the last byte was there and the answer that it gave. It does not deduplicate:
that is for whoever reads the record.
"""

from __future__ import annotations

import asyncio
import time
from asyncio import IncompleteReadError, Server
from collections.abc import Callable
from dataclasses import dataclass

import hl7
from hl7.mllp import HL7StreamReader, HL7StreamWriter, InvalidBlockError, start_hl7_server

from lis_bridge.core.faults import LinkError, UsageError
from lis_bridge.settings.links import BadLinkError, host_and_port

LARGEST = 64 * 1024 * 1024
"""python-hl7 stops at 64 KiB unless told otherwise; a tube of 220 results is about that long."""


@dataclass(frozen=True, slots=True)
class Received:
    """One message as the LIS got it; ``at`` is monotonic seconds, ``verdict`` empty where it gave no answer."""

    control_id: str
    text: str
    raw: bytes
    at: float
    verdict: str


Verdicts = Callable[[int], str]
"""The answer (AA, AE, AR, CA, …, or empty for silence) to the n-th message that came in, counted from 0."""


def always(verdict: str) -> Verdicts:
    """The same answer to every message."""
    return lambda number: verdict


ACCEPT = always("AA")


class Lis:
    """One listening LIS; an async context manager."""

    def __init__(
        self,
        listen: str = "127.0.0.1:0",
        *,
        verdicts: Verdicts = ACCEPT,
        delay: float = 0.0,
        heard: Callable[[Received], None] = lambda received: None,
    ) -> None:
        self._host, self._port = _address(listen)
        self._verdicts = verdicts
        self._delay = delay
        self._heard = heard
        self._server: Server | None = None
        self._writers: set[HL7StreamWriter] = set()
        self.received: list[Received] = []

    @property
    def address(self) -> str:
        """``host:port``; the port is known once the LIS listens."""
        return f"{self._host}:{self._port}"

    async def __aenter__(self) -> Lis:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Listens, on the same port as before after ``close``. Raises LinkError where the port cannot be had."""
        try:
            self._server = await start_hl7_server(self._serve, self._host, self._port, limit=LARGEST)
        except OSError as error:
            hint = "Choose another --listen, or stop what holds the port"
            raise LinkError(f"cannot listen: {error.strerror or error}", where=self.address, hint=hint) from error
        self._port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stops listening and drops every connection, whatever was under way."""
        if self._server is None:
            return
        self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()
        self._server = None

    async def away(self, seconds: float) -> None:
        """Is not there for a while: no port, no connections."""
        await self.close()
        try:
            await asyncio.sleep(seconds)
        finally:
            await self.open()

    async def _serve(self, reader: HL7StreamReader, writer: HL7StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                await self._answer(await reader.readblock(), writer)
        except (IncompleteReadError, InvalidBlockError, ConnectionError, ValueError):
            pass  # the peer went away, or spoke no MLLP: a LIS hangs up
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer(self, raw: bytes, writer: HL7StreamWriter) -> None:
        at = time.monotonic()
        if self._delay:
            await asyncio.sleep(self._delay)
        text = raw.decode(charset_of(raw))
        message = hl7.parse(text)
        verdict = self._verdicts(len(self.received))
        received = Received(str(message.segment("MSH")(10)), text, raw, at, verdict)
        self.received.append(received)
        self._heard(received)
        if verdict:
            writer.writeblock(str(message.create_ack(ack_code=verdict)).encode("ascii", "replace"))
            await writer.drain()


def charset_of(raw: bytes) -> str:
    """The charset that MSH-18 names (HL7 table 0211); UTF-8 where it names none that we know."""
    fields = raw.split(b"\r", 1)[0].split(b"|")
    named = fields[17] if len(fields) > 17 else b""
    return "gb18030" if b"GB" in named.upper() else "utf-8"


def _address(listen: str) -> tuple[str, int]:
    if listen.endswith(":0"):  # any free port, which a configuration file may not say
        return listen[:-2], 0
    try:
        return host_and_port(listen)
    except BadLinkError as wrong:
        raise UsageError(wrong.what, where="--listen", hint=wrong.hint) from wrong
