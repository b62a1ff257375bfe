"""A serial line. A thread reads it without a pause, because a UART's few bytes of buffer do not wait for a commit.

The device is opened anew after every loss, by the same path (best one below /dev/serial/by-id) or by the USB identity of its adapter.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Condition, Thread

import serial

from lis_bridge.core.faults import LinkError
from lis_bridge.transport import ports
from lis_bridge.transport.errors import DENIED, BadSettingsError, DeniedError, DeviceMissingError, UnreachableError, reason
from lis_bridge.transport.link import CHUNK, WRITE_SECONDS, Channel

POLL_SECONDS = 0.5
"""How often the thread looks whether it should end, or whether its device has vanished without a word."""
BUFFER = 4 * 1024 * 1024
"""Bytes read ahead of the bridge; beyond, the thread waits, and flow control (where there is any) holds the analyzer."""
_REFUSALS: tuple[type[Exception], ...] = (OSError, ValueError)
with suppress(ImportError):
    import termios

    _REFUSALS = (*_REFUSALS, termios.error)  # settings that a device cannot have; no OSError
_ON = frozenset({"on", "true", "1"})
_GONE = frozenset({errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EIO})
_BUSY = frozenset({errno.EBUSY, errno.EAGAIN})


@dataclass(frozen=True)
class Line:
    """How to open a serial device: where it is and how it is set; ``dtr`` and ``rts`` None leave the line as the driver sets it."""

    place: str
    identity: ports.Identity = ports.ANY
    baud: int = 9600
    bits: int = 8
    parity: str = "N"
    stop: float = 1
    flow: str = "none"
    dtr: bool | None = None
    rts: bool | None = None

    @classmethod
    def of(cls, place: str, words: Mapping[str, str]) -> Line:
        """From the words of a link's URL, checked by ``settings.links``."""
        form = words.get("format", "8N1")
        return cls(
            place,
            ports.Identity(words.get("vid", ""), words.get("pid", ""), words.get("sn", "")),
            int(words.get("baud", "9600")),
            int(form[0]),
            form[1].upper(),
            float(form[2:]),
            words.get("flow", "none"),
            _switch(words.get("dtr")),
            _switch(words.get("rts")),
        )

    @property
    def where(self) -> str:
        return str(self.identity) if self.identity else self.place

    @property
    def settings(self) -> str:
        """As people write it: ``9600 8N1``."""
        return f"{self.baud} {self.bits}{self.parity}{self.stop:g}"

    def open(self) -> serial.Serial:
        """The open device, for this process alone. Raises LinkError."""
        # An adapter's COM name may by now be another adapter's, so a name never stands in for an identity.
        device = ports.device_of(self.identity) if self.identity else self.place
        try:
            port = self._unopened()
            port.port = device
            port.open()
        except _REFUSALS as error:
            raise self._refused(device, error) from error
        return port

    def _unopened(self) -> serial.Serial:
        port = serial.Serial(
            baudrate=self.baud,
            bytesize=self.bits,
            parity=self.parity,
            stopbits=self.stop,
            xonxoff=self.flow == "xonxoff",
            rtscts=self.flow == "rtscts",
            dsrdtr=self.flow == "dsrdtr",
            timeout=POLL_SECONDS,
            write_timeout=WRITE_SECONDS,
            exclusive=True if os.name == "posix" else None,
        )
        if self.dtr is not None:
            port.dtr = self.dtr
        if self.rts is not None:
            port.rts = self.rts
        return port

    def _refused(self, device: str, error: Exception) -> LinkError:
        number = error.errno if isinstance(error, OSError) else None
        if number in _BUSY:
            return DeniedError("another program has the device open", where=device, hint=f"Find it with: fuser -v {device}")
        if number in DENIED or (os.name == "nt" and "PermissionError" in str(error)):
            return DeniedError("the device may not be opened", where=device, hint=_who_may(device))
        if number in _GONE or not self._is_there(device):
            return ports.missing(device)
        return BadSettingsError(
            f"the device refuses {self.settings}, flow {self.flow}",
            where=device,
            hint="Is this a serial device, and does it know these settings?",
        )

    def _is_there(self, device: str) -> bool:
        return os.name == "nt" or os.path.exists(device)


class SerialLink:
    """A serial device, one conversation from its opening to its loss."""

    def __init__(self, line: Line) -> None:
        self.line = line

    @property
    def where(self) -> str:
        return self.line.where

    async def open(self) -> None:
        """Nothing need be had beforehand: an adapter that is not plugged in is no reason not to start."""

    async def connections(self) -> AsyncIterator[Channel]:
        port = await asyncio.to_thread(self.line.open)
        channel = SerialChannel(port)
        yield channel
        await channel.wait_closed()
        raise channel.loss or UnreachableError("the serial line was closed", where=self.where, hint="It is opened again")

    async def close(self) -> None:
        """Nothing is held between conversations."""


class SerialChannel:
    """An open serial device; ``peer`` is its name."""

    repeats = False

    def __init__(self, port: serial.Serial) -> None:
        self.peer = str(port.port)
        self._port = port
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self._ended = asyncio.Event()
        self._room = Condition()
        self._buffer = bytearray()
        self._closing = False
        self._loss: Exception | None = None
        Thread(target=self._listen, name=f"serial {self.peer}", daemon=True).start()

    async def read(self) -> bytes:
        while True:
            with self._room:
                if self._buffer:
                    return self._take()
                if self._loss or self._closing:
                    break
                self._arrived.clear()
            await self._arrived.wait()
        if self.loss is not None:
            raise self.loss from self._loss
        return b""

    async def write(self, data: bytes) -> None:
        try:
            await self._loop.run_in_executor(None, self._port.write, data)
        except (OSError, TypeError) as error:  # TypeError: pyserial, when the device is closed under it
            raise self._lost(error) from error

    async def committed(self) -> None:
        """Nothing is to be put away."""

    def close(self) -> None:
        with self._room:
            self._closing = True
            self._room.notify()
        self._arrived.set()
        with suppress(OSError, AttributeError, TypeError):  # the thread may have closed the device by now
            self._port.cancel_read()

    async def wait_closed(self) -> None:
        await self._ended.wait()

    @property
    def loss(self) -> LinkError | None:
        """Why the device was lost, if it was."""
        return None if self._loss is None else self._lost(self._loss)

    def _take(self) -> bytes:
        data = bytes(self._buffer[:CHUNK])
        del self._buffer[:CHUNK]
        self._room.notify()
        return data

    def _listen(self) -> None:
        """The thread: from the device into the buffer, until one of both ends is closed."""
        try:
            while not self._closing:
                data = self._port.read(min(max(1, self._port.in_waiting), CHUNK))
                self._keep(data) if data else self._look()
        except (OSError, TypeError) as error:  # TypeError: pyserial, when the device is closed under it
            self._loss = None if self._closing else error
        finally:
            with suppress(OSError):
                self._port.close()
            self._tell(self._arrived.set)
            self._tell(self._ended.set)

    def _keep(self, data: bytes) -> None:
        with self._room:
            while len(self._buffer) >= BUFFER and not self._closing:
                self._room.wait()
            self._buffer += data
        self._tell(self._arrived.set)

    def _look(self) -> None:
        """Some adapters vanish without an error on the open device."""
        if os.name == "posix" and not os.path.exists(self.peer):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.peer)

    def _tell(self, what: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(what)

    def _lost(self, error: Exception) -> LinkError:
        words = reason(error) if isinstance(error, OSError) else type(error).__name__
        return DeviceMissingError(f"the serial line was lost: {words}", where=self.peer, hint="Is the adapter plugged in?")


def _switch(word: str | None) -> bool | None:
    return None if word is None else word in _ON


def _who_may(device: str) -> str:
    try:
        import grp

        group = grp.getgrgid(os.stat(device).st_gid).gr_name
    except (ImportError, KeyError, OSError):
        group = "dialout"
    return f"Let the bridge's account into the group: usermod -aG {group} ACCOUNT, then log in again"
