"""One MLLP connection to a LIS, plain or TLS: one message out, one answer in, never two outstanding.

A connection is used only as long as it is in step. After anything that is no answer to the message just sent (silence, garbage,
another message's id, half a block) it is closed, because what comes next on it could be taken for the next message's answer. For
the same reason bytes that arrive while nothing is outstanding are thrown away.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from urllib.parse import urlsplit

from lis_bridge.core.faults import LinkError
from lis_bridge.forward import ack
from lis_bridge.forward.ack import Verdict
from lis_bridge.settings import Destination, Tls
from lis_bridge.settings.links import host_and_port

VT, FS = b"\x0b", b"\x1c"
"""MLLP: VT message FS CR (HL7 v2 transport specification, release 1). The answer's CR is not waited for: not every LIS sends it."""

ANSWER_BYTES = 1024 * 1024
"""An answer that is longer is none."""

CONNECT_SECONDS = 10.0


def tls_context(tls: Tls | None, where: str) -> ssl.SSLContext:
    """The context of ``[destination.tls]``; TLS 1.2 or newer. Raises LinkError where a certificate cannot be used."""
    tls = tls or Tls()
    try:
        context = ssl.create_default_context(cafile=None if tls.ca is None else str(tls.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if tls.certificate is not None:
            context.load_cert_chain(tls.certificate, tls.key)
    except (OSError, ssl.SSLError) as error:
        hint = "check ca, certificate and key in [destination.tls]: PEM files, the key without a passphrase"
        raise LinkError(f"a certificate cannot be used: {error}", where=where, hint=hint) from error
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class _Ear(asyncio.Protocol):
    """What is heard on one connection."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.gone = False
        self.transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self._answer is None:
            return
        self.heard += data
        if FS in data or len(self.heard) > ANSWER_BYTES:
            self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        self.gone = True
        self._wake()

    async def answer(self, message: bytes) -> bytes | None:
        """Send, then the content of the first block that comes back: None where the connection ended before, b"" for no block."""
        assert self.transport is not None
        self.heard.clear()
        self._answer = asyncio.get_running_loop().create_future()
        try:
            if not self.gone:
                self.transport.write(VT + message + FS + b"\r")
                await self._answer
        finally:
            self._answer = None
        content, ended, _ = bytes(self.heard).partition(FS)
        if not ended:
            return None if self.gone else b""
        return content.rpartition(VT)[2] if VT in content else b""

    def _wake(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(None)


class LisClient:
    """The connection to one destination; opened when it is needed, closed when it is of no use."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._where = f"destination {destination.id} ({destination.link})"
        self._ear: _Ear | None = None
        self._busy = asyncio.Lock()

    @property
    def connected(self) -> bool:
        """True while the connection stands, as far as can be known without speaking."""
        return self._ear is not None and not self._ear.gone

    async def connect(self) -> None:
        """Open the connection unless it stands. Raises LinkError."""
        if self.connected:
            return
        self.close()
        parts = urlsplit(self._destination.link)
        host, port = host_and_port(parts.netloc)
        secure = tls_context(self._destination.tls, self._where) if parts.scheme == "mllps" else None
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(min(CONNECT_SECONDS, self._destination.timeout_seconds)):
                transport, ear = await loop.create_connection(_Ear, host, port, ssl=secure)
        except ssl.SSLError as error:
            hint = "check the certificates of both sides and the names in them"
            raise LinkError(f"no TLS with the LIS: {error}", where=self._where, hint=hint) from error
        except (OSError, TimeoutError) as error:
            hint = "check address, port, cable and firewall, and that the LIS's receiver runs"
            what = "no answer" if isinstance(error, TimeoutError) else error.strerror or str(error)
            raise LinkError(f"the LIS cannot be reached: {what}", where=self._where, hint=hint) from error
        _keep_alive(transport)
        self._ear = ear

    async def deliver(self, message: bytes, control_id: str) -> Verdict:
        """Send one message and read the LIS's verdict; connects first where needed. Raises LinkError when nothing was sent."""
        async with self._busy:
            await self.connect()
            try:
                verdict = await self._exchange(message, control_id)
            except BaseException:
                self.close()
                raise
            if not verdict.answered:
                self.close()
            return verdict

    async def _exchange(self, message: bytes, control_id: str) -> Verdict:
        assert self._ear is not None
        seconds = self._destination.timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                block = await self._ear.answer(message)
        except TimeoutError:
            return Verdict("timeout", f"no acknowledgement in {seconds:g} s")
        if block is None:
            return Verdict("closed", "the LIS closed the connection instead of an acknowledgement")
        if not block:
            return Verdict("malformed", "an answer that is no MLLP block")
        return ack.read(block, control_id, self._destination.ack, self._destination.charset)

    def close(self) -> None:
        """Drop the connection at once; what was outstanding on it is not delivered."""
        ear, self._ear = self._ear, None
        if ear is not None and ear.transport is not None:
            ear.transport.abort()


def _keep_alive(transport: asyncio.Transport) -> None:
    endpoint: socket.socket | None = transport.get_extra_info("socket")
    if endpoint is not None:
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
