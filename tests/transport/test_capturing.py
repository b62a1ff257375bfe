"""Captures over real sockets and pseudo-terminals. The serial analyzer here garbles what it says as a UART of another setting would."""

from __future__ import annotations

import asyncio
import os
import stat
import termios
import tty
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lis_bridge.core.clock import SystemClock
from lis_bridge.core.faults import LinkError, UsageError
from lis_bridge.transport import open_link
from lis_bridge.transport.capturing import Capture
from lis_bridge.transport.line_trial import Attempt
from lis_bridge.transport.recording import FORMAT, Recording, Title, chunks, is_recording, wire
from tests.transport.uart import Setting, read

FRAME = b"\x021H|\\^&|||X\r\x03B1\r\n"
LAST = b"\x022L|1|N\r\x0305\r\n"
HL7 = b"\x0bMSH|^~\\&|X||||20260101||ORU^R01|17|P|2.3.1\rPID|1\r\x1c\r"


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    return Recording(tmp_path / "line.jsonl", Title(FORMAT, "tcp-listen://127.0.0.1:1", "lis-bridge", datetime.now(UTC)))


@asynccontextmanager
async def running(work: asyncio.Future[None] | object) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work)  # type: ignore[arg-type]
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    for _ in range(200):
        with suppress(OSError):
            return await asyncio.open_connection("127.0.0.1", port)
        await asyncio.sleep(0.02)
    raise AssertionError("nobody listens")


def said(file: Path) -> list[tuple[str, bytes]]:
    return [(chunk.by, chunk.data) for chunk in chunks(file.read_bytes())]


async def test_an_enq_and_every_frame_are_answered_once_they_are_in_the_recording(
    recording: Recording, tmp_path: Path, unused_tcp_port: int
) -> None:
    file = tmp_path / "line.jsonl"
    async with running(Capture(recording, SystemClock()).listen(open_link(f"tcp-listen://127.0.0.1:{unused_tcp_port}"))):
        reader, writer = await connected(unused_tcp_port)
        for data in (b"\x05", FRAME, LAST):
            writer.write(data)
            assert await reader.readexactly(1) == b"\x06"
            assert said(file)[-1] == ("bridge", b"\x06")
            assert ("analyzer", data) in said(file)
        writer.write(b"\x04")
        writer.close()
        await writer.wait_closed()
        while said(file)[-1] != ("analyzer", b"\x04"):
            await asyncio.sleep(0.01)
    assert wire(file.read_bytes()) == b"\x05" + FRAME + LAST + b"\x04"


async def test_an_hl7_message_is_acknowledged_by_its_own_control_id(
    recording: Recording, tmp_path: Path, unused_tcp_port: int
) -> None:
    async with running(Capture(recording, SystemClock()).listen(open_link(f"tcp-listen://127.0.0.1:{unused_tcp_port}"))):
        reader, writer = await connected(unused_tcp_port)
        writer.write(HL7)
        assert b"MSA|AA|17|" in await reader.readuntil(b"\x1c\r")
        writer.close()
    assert wire((tmp_path / "line.jsonl").read_bytes()) == HL7


async def test_a_silent_capture_says_nothing(recording: Recording, tmp_path: Path, unused_tcp_port: int) -> None:
    link = open_link(f"tcp-listen://127.0.0.1:{unused_tcp_port}")
    async with running(Capture(recording, SystemClock()).listen(link, answer=False)):
        reader, writer = await connected(unused_tcp_port)
        writer.write(b"\x05")
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
    assert said(tmp_path / "line.jsonl") == [("analyzer", b"\x05")]


async def test_between_an_analyzer_and_its_host_every_byte_passes_unchanged(
    tmp_path: Path, unused_tcp_port_factory: Callable[[], int]
) -> None:
    file, here, there = tmp_path / "between.jsonl", unused_tcp_port_factory(), unused_tcp_port_factory()
    recording = Recording(file, Title(FORMAT, "x", "host", datetime.now(UTC)))
    heard = asyncio.Queue[bytes]()

    async def host(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            heard.put_nowait(data)
            writer.write(b"\x15" + data)
        writer.close()

    async with await asyncio.start_server(host, "127.0.0.1", there):
        work = Capture(recording, SystemClock()).between(
            open_link(f"tcp-listen://127.0.0.1:{here}"), open_link(f"tcp-connect://127.0.0.1:{there}")
        )
        async with running(work):
            for number in (1, 2):  # the host is called anew for every conversation
                reader, writer = await connected(here)
                writer.write(bytes([number]))
                assert await reader.readexactly(2) == b"\x15" + bytes([number])
                assert await heard.get() == bytes([number])
                writer.close()
                await writer.wait_closed()
    assert said(file) == [("analyzer", b"\x01"), ("host", b"\x15\x01"), ("analyzer", b"\x02"), ("host", b"\x15\x02")]
    assert [chunk.conversation for chunk in chunks(file.read_bytes())] == [1, 1, 2, 2]


class WrongLine:
    """An analyzer on a pseudo-terminal: what it says arrives as a UART with the terminal's setting would read it."""

    def __init__(self, sent: Setting, words: bytes) -> None:
        self.near, self._far = os.openpty()
        tty.setraw(self._far)
        self.device = os.ttyname(self._far)
        self._sent, self._words = sent, words
        os.set_blocking(self.near, False)

    async def talk(self) -> None:
        while True:
            with suppress(BlockingIOError):  # nobody has the device open now
                os.write(self.near, read(self._words, self._sent, self._heard()))
            await asyncio.sleep(0.1)
            with suppress(BlockingIOError):
                os.read(self.near, 1000)

    def _heard(self) -> Setting:
        """A pseudo-terminal knows the speed that was set; of eight bits without parity it never parts."""
        speed = termios.tcgetattr(self._far)[4]
        names = {value: int(name[1:]) for name, value in vars(termios).items() if name[0] == "B" and name[1:].isdigit()}
        return Setting(names[speed], "8N1")


async def attempts_on(line: WrongLine, recording: Recording, until: Callable[[list[Attempt]], bool]) -> list[Attempt]:
    attempts: list[Attempt] = []

    async def tried() -> None:
        async for attempt in Capture(recording, SystemClock()).try_settings(open_link(f"serial://{line.device}"), seconds=5):
            attempts.append(attempt)

    async with asyncio.timeout(60), running(line.talk()), running(tried()):
        while not until(attempts):
            await asyncio.sleep(0.05)
    os.close(line.near)
    return attempts


WORDS = b"\x02Sample 0012\r\nGLU 5.41 mmol/L\r\nALT 31 U/L\r\n\x03"


async def test_the_speed_of_a_line_is_found_and_the_capture_goes_on_under_it(recording: Recording, tmp_path: Path) -> None:
    file = tmp_path / "line.jsonl"

    def captured(attempts: list[Attempt]) -> bool:
        return bool(attempts) and attempts[-1].fits and wire(file.read_bytes()).count(WORDS) > 5

    attempts = await attempts_on(WrongLine(Setting(4800, "8N1"), WORDS), recording, captured)
    assert [attempt.line.settings for attempt in attempts] == ["9600 8N1", "19200 8N1", "38400 8N1", "4800 8N1"]
    assert not any(attempt.fits for attempt in attempts[:-1])


async def test_seven_bits_with_parity_are_tried_when_the_bytes_say_so(recording: Recording) -> None:
    attempts = await attempts_on(WrongLine(Setting(9600, "7E1"), WORDS), recording, lambda attempts: len(attempts) > 1)
    assert [attempt.line.settings for attempt in attempts[:2]] == ["9600 8N1", "9600 7E1"]
    assert attempts[1].fit.why.startswith("the device refuses")  # a pseudo-terminal has no parity


async def test_only_a_serial_line_has_settings_to_try(recording: Recording) -> None:
    with pytest.raises(UsageError, match="serial line"):
        async for _ in Capture(recording, SystemClock()).try_settings(open_link("tcp-listen://127.0.0.1:1"), seconds=1):
            pass


async def test_a_link_that_cannot_be_had_at_the_start_is_said(recording: Recording) -> None:
    with pytest.raises(LinkError):
        await Capture(recording, SystemClock()).listen(open_link("serial:///dev/no-such-device"))


def test_a_recording_is_for_its_owner_only_and_is_never_overwritten(recording: Recording, tmp_path: Path) -> None:
    file = tmp_path / "line.jsonl"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(UsageError, match="there already"):
        Recording(file, Title(FORMAT, "x", "nobody", datetime.now(UTC)))


def test_a_recording_that_was_torn_is_read_up_to_its_last_whole_line(recording: Recording, tmp_path: Path) -> None:
    from lis_bridge.transport import Heard

    note = recording.keep(1)
    note(Heard(datetime.now(UTC), "analyzer", b"one"))
    note(Heard(datetime.now(UTC), "analyzer", b"two"))
    raw = (tmp_path / "line.jsonl").read_bytes()
    assert is_recording(raw)
    for torn in range(1, 40):
        assert wire(raw[:-torn]) == b"one"
    assert wire(b"MSH|^~\\&|") == b"MSH|^~\\&|"
