"""Links of a running service, stopped and started by a person while real sockets, ptys and folders are on them."""

from __future__ import annotations

import asyncio
import os
import re
import tty
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lis_bridge import journal, settings
from lis_bridge.core.faults import UsageError
from lis_bridge.runtime.service import Service
from lis_bridge.runtime.tap import MOST, MOST_BYTES, Tap
from lis_bridge.simulate.bridge import free_port
from lis_bridge.transport import memory
from lis_bridge.transport.recording import chunks, wire

CAPTURE = Path(__file__).parents[2] / "drivers" / "mindray-cl" / "captures" / "mindray-cl--03.astm"
PARTS = re.findall(rb"\x05|\x02.*?\r\n|\x04", CAPTURE.read_bytes(), re.DOTALL)
PARTS = PARTS[: PARTS.index(b"\x04") + 1]
ACK = b"\x06"


async def unnoted() -> None:
    """Nobody writes it down here."""


@asynccontextmanager
async def running(folder: Path, link: str, driver: str = "mindray-cl") -> AsyncIterator[Service]:
    file = folder / "bridge.toml"
    file.write_text(
        f'[site]\nid = "xinhe"\n[storage]\nurl = "sqlite:///bridge.db"\n[[analyzer]]\nid = "a1"\ndriver = "{driver}"\n'
        f'link = "{link if not link.startswith("memory:") else "tcp-listen://127.0.0.1:1"}"\n',
        encoding="utf-8",
    )
    config = settings.load(file)
    analyzer = config.analyzers[0].model_copy(update={"link": link})
    service = Service(config.model_copy(update={"analyzers": (analyzer,)}))
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


def entries(service: Service) -> list[tuple[bytes, bool]]:
    with service.store.read() as tx:
        found = [journal.get(tx, line.id) for line in reversed(journal.lines(tx))]
    return [(entry.raw, entry.complete) for entry in found if entry is not None]


async def spoken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, part: bytes) -> bytes:
    """The answer to one frame; EOT has none."""
    writer.write(part)
    return b"" if part == b"\x04" else await asyncio.wait_for(reader.readexactly(1), 5)


async def test_a_stop_in_the_middle_of_a_transmission_hears_it_to_its_end(tmp_path: Path) -> None:
    port = free_port()
    async with running(tmp_path, f"tcp-listen://127.0.0.1:{port}") as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for part in PARTS[:3]:
            assert await spoken(reader, writer, part) == ACK
        stopping = asyncio.create_task(service.switches.stop("a1", "lin", unnoted))
        await asyncio.sleep(1.5)  # longer than the silence between two transmissions
        assert not stopping.done()
        for part in PARTS[3:]:
            assert await spoken(reader, writer, part) in (ACK, b"")
        await stopping
        assert await reader.read() == b""  # hung up
        assert [whole for _, whole in entries(service)] == [True]
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        (status,) = service.snapshot().analyzers
        assert (status.state, status.stopped_by, status.messages) == ("stopped", "lin", 1)
        await service.switches.start("a1", unnoted)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await spoken(reader, writer, PARTS[0]) == ACK
        assert service.snapshot().analyzers[0].state == "running"
        writer.close()


async def test_a_transmission_that_never_ends_is_kept_as_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lis_bridge.pipeline.inbound.WHOLE_AT_MOST", 0.3)
    port = free_port()
    async with running(tmp_path, f"tcp-listen://127.0.0.1:{port}") as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for part in PARTS[:3]:
            assert await spoken(reader, writer, part) == ACK
        await service.switches.stop("a1", "lin", unnoted)
        ((raw, whole),) = entries(service)
        assert not whole
        assert PARTS[1].strip(b"\r\n") in raw or PARTS[1] in raw
        writer.close()


async def test_a_message_that_arrives_in_pieces_is_stored_whole_before_the_link_is_given_back(tmp_path: Path) -> None:
    port = free_port()
    message = b"\x0bMSH|^~\\&|BS|Mindray|||20260318081744||ORU^R01|11|P|2.3.1||||0||UNICODE\rPID|1\rOBR|1|26031800429|1|\r\x1c\r"
    async with running(tmp_path, f"tcp-listen://127.0.0.1:{port}", driver="mindray-bs") as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(message[:40])
        await asyncio.sleep(0.2)
        stopping = asyncio.create_task(service.switches.reconnect("a1", "lin", unnoted))
        await asyncio.sleep(0.4)
        writer.write(message[40:])
        assert b"MSA|AA" in await asyncio.wait_for(reader.read(4096), 5)
        await stopping
        assert [whole for _, whole in entries(service)] == [True]
        assert service.snapshot().analyzers[0].state != "stopped"
        writer.close()


async def test_an_action_that_makes_no_sense_is_refused_and_not_written_down(tmp_path: Path) -> None:
    noted: list[str] = []

    async def note() -> None:
        noted.append("done")

    async with running(tmp_path, "memory://a1") as service:
        for act in (
            service.switches.start("a1", note),
            service.switches.end_recording("a1", note),
            service.switches.stop("b", "lin", note),
        ):
            with pytest.raises(UsageError):
                await act
        await service.switches.stop("a1", "lin", note)
        with pytest.raises(UsageError, match="stopped already"):
            await service.switches.stop("a1", "lin", note)
        assert noted == ["done"]


async def test_a_folder_is_read_again_after_it_was_stopped(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    async with running(tmp_path, f"folder://{folder}?settle=0.1&pattern=*.astm") as service:
        (count, heard) = await service.switches.test("a1")
        assert (count.outcome, count.seen) == ("yes", "0 files match the pattern; whether they can be read shows when they are")
        assert heard.outcome == "no"
        await service.switches.stop("a1", "lin", unnoted)
        (folder / "1.astm").write_bytes(CAPTURE.read_bytes())
        await asyncio.sleep(0.5)
        assert entries(service) == []
        await service.switches.start("a1", unnoted)
        async with asyncio.timeout(10):
            while not entries(service):
                await asyncio.sleep(0.05)
        (count, heard) = await service.switches.test("a1")
        assert (count.seen[0], heard.outcome) == ("1", "yes")


async def test_a_recording_holds_both_sides_across_a_new_connection(tmp_path: Path) -> None:
    async with running(tmp_path, "memory://a1") as service:
        keeper = await service.switches.record("a1", "lin", datetime(2026, 3, 18, 8, 0, tzinfo=UTC), unnoted)
        with pytest.raises(UsageError, match="recorded already"):
            await service.switches.record("a1", "lin", datetime(2026, 3, 18, 8, 1, tzinfo=UTC), unnoted)
        for _ in range(2):
            line = memory.dial("a1")
            await line.write(b"\x05")
            assert await line.read() == ACK
            await service.switches.reconnect("a1", "lin", unnoted)
            async with asyncio.timeout(5):
                while "a1" not in memory._listening:
                    await asyncio.sleep(0.01)
        await service.switches.end_recording("a1", unnoted)
        file = service.switches.captures.file(keeper.name)
        assert file.stat().st_mode & 0o077 == 0
        assert file.parent.stat().st_mode & 0o077 == 0
        said = [(chunk.conversation, chunk.by, chunk.data) for chunk in chunks(file.read_bytes())]
        assert [(number, by) for number, by, data in said if data in (b"\x05", ACK)] == [
            (1, "analyzer"),
            (1, "bridge"),
            (2, "analyzer"),
            (2, "bridge"),
        ]
        assert wire(file.read_bytes()).count(b"\x05") == 2


async def test_a_recording_that_the_disk_refuses_ends_and_the_line_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    async with running(tmp_path, "memory://a1") as service:
        keeper = await service.switches.record("a1", "lin", datetime(2026, 3, 18, 8, 0, tzinfo=UTC), unnoted)
        monkeypatch.setattr("lis_bridge.transport.recording.os.fsync", full)
        line = memory.dial("a1")
        for part in PARTS:
            await line.write(part)
            assert part == b"\x04" or await line.read() == ACK
        async with asyncio.timeout(5):
            while not entries(service):
                await asyncio.sleep(0.01)
        assert keeper.ended == "disk"
        await service.switches.end_recording("a1", unnoted)


async def test_what_a_tap_remembers_is_bounded() -> None:
    from lis_bridge.core.clock import SystemClock

    tap = Tap(SystemClock())
    for number in range(MOST + 50):
        channel = tap.on(memory.MemoryChannel("x", asyncio.Queue(), asyncio.Queue()))
        await channel.write(bytes([number % 256]))
    assert len(tap.passed()) == MOST
    for _ in range(8):
        channel = tap.on(memory.MemoryChannel("x", asyncio.Queue(), asyncio.Queue()))
        await channel.write(bytes(65536))
    assert sum(len(one.data) for one in tap.passed()) <= MOST_BYTES
    assert tap.told == MOST + 50 + 8 * 65536


async def test_a_link_that_calls_is_tested_by_a_call_that_says_nothing(tmp_path: Path) -> None:
    heard: list[bytes] = []

    async def device(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read())
        writer.close()

    server = await asyncio.start_server(device, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with running(tmp_path, f"tcp-connect://127.0.0.1:{port}") as service:
        async with asyncio.timeout(5):
            while not service.snapshot().analyzers[0].connections:
                await asyncio.sleep(0.01)
        (call, _) = await service.switches.test("a1")
        assert call.seen.startswith(f"the connection to 127.0.0.1:{port} stands")
        await service.switches.stop("a1", "lin", unnoted)
        (call, _) = await service.switches.test("a1")
        assert (call.outcome, call.seen) == ("yes", f"connected to 127.0.0.1:{port} and closed again; nothing was sent")
        server.close()
        (call, _) = await service.switches.test("a1")
        assert (call.outcome, call.hint) == ("no", "Is the analyzer or terminal server on, the address right, the cable in?")
    assert set(heard) == {b""}


async def test_a_serial_device_is_opened_with_its_settings(tmp_path: Path) -> None:
    near, far = os.openpty()
    tty.setraw(near)
    try:
        async with running(tmp_path, f"serial://{os.ttyname(far)}?baud=9600&format=8N1") as service:
            async with asyncio.timeout(5):
                while not service.snapshot().analyzers[0].connections:
                    await asyncio.sleep(0.01)
            (device, _) = await service.switches.test("a1")
            assert device.seen == "open now with 9600 8N1; this shows neither cable nor analyzer"
            await service.switches.stop("a1", "lin", unnoted)
            (device, _) = await service.switches.test("a1")
            assert device.seen == "opened with 9600 8N1 and closed again; this shows neither cable nor analyzer"
            await service.switches.start("a1", unnoted)
            async with asyncio.timeout(5):
                while not service.snapshot().analyzers[0].connections:
                    await asyncio.sleep(0.01)
    finally:
        os.close(near)
        os.close(far)
