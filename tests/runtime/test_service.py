"""The service over real sockets, a real pseudo-terminal and a real folder; the process step is a stand-in that only marks entries done."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import tty
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from structlog.testing import capture_logs

from lis_bridge import journal, settings
from lis_bridge.catalogue.library import Library
from lis_bridge.core import resources
from lis_bridge.core.faults import LinkError, StorageError
from lis_bridge.framing.sender import frame
from lis_bridge.journal import Entry, Filed
from lis_bridge.runtime import reception, status
from lis_bridge.runtime.service import Service
from lis_bridge.runtime.work import Parts, Work
from lis_bridge.simulate.bridge import free_port
from lis_bridge.storage import Store

RECORDS = (b"H|\\^&|||x1", b"P|1", b"O|1|S-2026-0001", b"R|1|^^^WBC|5.10|10*9/L", b"L|1|N")
FRAMES = [frame(number, record + b"\r", b"\x03") for number, record in enumerate(RECORDS, 1)]
MESSAGE = b"".join(FRAMES)
TRANSMISSION = b"\x05" + MESSAGE + b"\x04"
ACKS = b"\x06" * (1 + len(FRAMES))


class StandIn:
    """Marks every entry done."""

    def read(self, entry: Filed) -> None:
        """Nothing of it matters."""

    def __call__(self, tx: Connection, entry: Filed, reading: None) -> None:
        journal.done(tx, entry.id, "stand-in", 1)


def build(parts: Parts) -> Work:
    return Work(StandIn(), ())


def configured(folder: Path, *analyzers: str) -> settings.Config:
    """``analyzers`` are the lines of each table beside id and driver."""
    file = folder / "bridge.toml"
    tables = (f'[[analyzer]]\nid = "x{number}"\ndriver = "sysmex-xn"\n{lines}\n' for number, lines in enumerate(analyzers, 1))
    file.write_text('[site]\nid = "xinhe"\n[storage]\nurl = "sqlite:///bridge.db"\n' + "".join(tables), encoding="utf-8")
    return settings.load(file)


def spoken_by(driver: str, config: settings.Config) -> settings.Config:
    return config.model_copy(update={"analyzers": (config.analyzers[0].model_copy(update={"driver": driver}),)})


@asynccontextmanager
async def serving(config: settings.Config) -> AsyncIterator[Service]:
    service = Service(config, build=build)
    await service.start()
    service.announce()
    try:
        yield service
    finally:
        await service.stop()


def raws(service: Service) -> list[tuple[bool, bytes]]:
    with service.store.read() as tx:
        entries = [journal.get(tx, line.id) for line in reversed(journal.lines(tx))]
    return [(entry.complete, entry.raw) for entry in entries if entry is not None]


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.02)


async def send(port: int, data: bytes = TRANSMISSION, replies: int = len(ACKS)) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    async with asyncio.timeout(20):
        got = await reader.readexactly(replies)
    writer.close()
    return got


async def test_what_comes_over_a_socket_is_acknowledged_journaled_and_processed(tmp_path: Path) -> None:
    port = free_port()
    async with serving(configured(tmp_path, f'link = "tcp-listen://127.0.0.1:{port}"')) as service:
        assert await send(port) == ACKS
        assert raws(service) == [(True, MESSAGE)]
        await until(lambda: service.snapshot().processed == 1)
        (analyzer,) = service.snapshot().analyzers
        assert (analyzer.state, analyzer.messages, analyzer.bytes) == ("running", 1, len(TRANSMISSION))


async def test_a_specimen_called_msh_is_answered_by_its_frames_alone(tmp_path: Path) -> None:
    records = [record.replace(b"S-2026-0001", b"MSH-0001^x") for record in RECORDS]
    frames = b"".join(frame(number, record + b"\r", b"\x03") for number, record in enumerate(records, 1))
    port = free_port()
    config = spoken_by("mindray-cl", configured(tmp_path, f'link = "tcp-listen://127.0.0.1:{port}"'))
    async with serving(config) as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x05" + frames + b"\x04")
        writer.write_eof()
        async with asyncio.timeout(20):
            assert await reader.read() == ACKS
        writer.close()
        assert raws(service) == [(True, frames)]


async def test_the_status_file_tells_others_that_it_is_ready_and_later_that_it_is_not(tmp_path: Path) -> None:
    config = configured(tmp_path, f'link = "tcp-listen://127.0.0.1:{free_port()}"')
    async with serving(config):
        running = status.read(config)
        assert running is not None
        assert running.ready
        assert running.pid == os.getpid()
        assert running.analyzers[0].state == "silent"
    ended = status.read(config)
    assert ended is not None
    assert not ended.ready


async def test_a_port_in_use_stops_the_start_and_gives_everything_back(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        taken, free = holder.getsockname()[1], free_port()
        links = [f'link = "tcp-listen://127.0.0.1:{port}"' for port in (free, taken)]
        config = configured(tmp_path, *links)
        with pytest.raises(LinkError, match=f"port {taken} is in use"):
            await Service(config, build=build).start()
    async with serving(config) as service:  # the store is free, and so is the other port
        assert await send(free) == ACKS
        assert len(raws(service)) == 1


async def test_a_second_service_on_the_same_database_is_refused(tmp_path: Path) -> None:
    config = configured(tmp_path, f'link = "tcp-listen://127.0.0.1:{free_port()}"')
    async with serving(config):
        with pytest.raises(StorageError, match="another lis-bridge"):
            await Service(config, build=build).start()


async def test_an_unknown_peer_is_refused_with_one_log_and_a_fault(tmp_path: Path) -> None:
    port = free_port()
    with capture_logs() as logs:
        async with serving(configured(tmp_path, f'link = "tcp-listen://127.0.0.1:{port}"\npeer = "192.0.2.11"')) as service:
            for _ in range(3):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(TRANSMISSION)
                async with asyncio.timeout(10):
                    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                        await reader.readexactly(1)
                writer.close()
            (analyzer,) = service.snapshot().analyzers
            assert raws(service) == []
    assert analyzer.turned_away == 3
    assert analyzer.fault is not None
    assert analyzer.fault.kind == "unknown peer"
    assert [(log["peer"], log["analyzer"]) for log in logs if log["event"] == "peer_refused"] == [("127.0.0.1", "x1")]


async def test_a_new_connection_of_the_same_peer_replaces_the_half_open_one(tmp_path: Path) -> None:
    port = free_port()
    async with serving(configured(tmp_path, f'link = "tcp-listen://127.0.0.1:{port}"\npeer = "127.0.0.1"')) as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x05" + FRAMES[0])
        await reader.readexactly(2)
        assert await send(port) == ACKS  # the first never said goodbye
        assert raws(service) == [(False, FRAMES[0]), (True, MESSAGE)]
        assert await reader.read() == b""
        writer.close()


async def test_what_the_older_connection_had_sent_is_heard_before_the_newer(tmp_path: Path) -> None:
    port = free_port()
    async with serving(configured(tmp_path, f'link = "tcp-listen://127.0.0.1:{port}"')) as service:
        for number in range(8):  # a connection for each message, nobody waits for an answer
            client = socket.create_connection(("127.0.0.1", port))
            client.sendall(TRANSMISSION.replace(FRAMES[2], frame(3, b"O|1|S-2026-000%d\r" % number, b"\x03")))
            client.shutdown(socket.SHUT_WR)
            await asyncio.sleep(0)
        await until(lambda: len(raws(service)) == 8)
        found = raws(service)
    assert all(complete for complete, _ in found)
    assert [b"S-2026-000%d" % number in raw for number, (_, raw) in enumerate(found)] == [True] * 8


async def test_what_was_sent_before_a_reply_found_nobody_is_kept(tmp_path: Path) -> None:
    port = free_port()
    async with serving(configured(tmp_path, f'link = "tcp-listen://127.0.0.1:{port}"')) as service:
        gate, call = asyncio.Event(), service.writer.call_async
        waiting = asyncio.Event()

        async def slow(work: Any, urgent: bool = False) -> Any:
            if urgent and not gate.is_set():
                waiting.set()
                await gate.wait()
            return await call(work, urgent)

        service.writer.call_async = slow  # type: ignore[method-assign]
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(TRANSMISSION)
        await waiting.wait()
        client.sendall(TRANSMISSION)
        await asyncio.sleep(0.1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        await asyncio.sleep(0.1)
        gate.set()
        await until(lambda: service.snapshot().analyzers[0].connections == 0)
        assert raws(service) == [(True, MESSAGE)] * 2


async def test_noise_on_one_link_leaves_the_others_alone(tmp_path: Path) -> None:
    ports = free_port(), free_port()
    async with serving(configured(tmp_path, *(f'link = "tcp-listen://127.0.0.1:{port}"' for port in ports))) as service:
        noisy = socket.create_connection(("127.0.0.1", ports[0]))
        noisy.setblocking(False)
        await asyncio.get_running_loop().sock_sendall(noisy, os.urandom(200_000))
        assert await send(ports[1]) == ACKS
        noisy.close()
        first, second = service.snapshot().analyzers
        assert second.messages == 1
        assert first.state != "link lost"


async def test_a_serial_line_is_had_when_it_appears_lost_when_it_is_unplugged_and_had_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reception, "LONGEST_PAUSE", 0.3)
    monkeypatch.setattr(reception, "STEADY_SECONDS", 0.0)
    name = tmp_path / "adapter"
    with capture_logs() as logs:
        async with serving(configured(tmp_path, f'link = "serial://{name}"')) as service:

            def state() -> str:
                return service.snapshot().analyzers[0].state

            await until(lambda: state() == "link lost")
            for plugged in (1, 2):
                master, slave = os.openpty()
                tty.setraw(slave)
                name.symlink_to(os.ttyname(slave))
                os.close(slave)
                await until(lambda: state() != "link lost")
                os.write(master, TRANSMISSION)
                await until(lambda plugged=plugged: len(raws(service)) == plugged)
                assert os.read(master, 100)[:1] == b"\x06"
                os.close(master)
                name.unlink()
                await until(lambda: state() == "link lost")
            assert raws(service) == [(True, MESSAGE)] * 2
    told = [log["event"] for log in logs if log["event"].startswith("link_")]
    assert told == ["link_lost", "link_back"] * 2 + ["link_lost"]


async def test_a_link_that_comes_and_goes_is_logged_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reception, "LONGEST_PAUSE", 0.05)
    calls = 0

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        writer.close()

    with capture_logs() as logs:
        async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with serving(configured(tmp_path, f'link = "tcp-connect://127.0.0.1:{port}"')):
                await until(lambda: calls >= 5)
    assert [log["event"] for log in logs if log["event"].startswith("link_")] == ["link_lost"]


async def test_an_analyzer_that_keeps_several_connections_may_where_its_driver_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "drivers" / "xn-many"
    folder.mkdir(parents=True)
    words = 'id = "xn-many"\nextends = "sysmex-xn"\nname = "XN"\nmanufacturer = "S"\nmodels = ["XN"]\nclass = "hematology"\nrevision = 1\n'
    (folder / "driver.toml").write_text(words + '[link]\nconnections = "many"\n[dialect]\n')
    port = free_port()
    config = configured(tmp_path, f'link = "tcp-listen://127.0.0.1:{port}"')
    config = spoken_by("xn-many", config)
    service = Service(config, library=Library.load((tmp_path / "drivers", *resources.drivers())), build=build)
    await service.start()
    first = await asyncio.open_connection("127.0.0.1", port)
    second = await asyncio.open_connection("127.0.0.1", port)
    for turn in range(len(FRAMES)):  # both transmissions frame by frame, side by side
        for reader, writer in (first, second):
            writer.write((b"" if turn else b"\x05") + FRAMES[turn])
            await reader.readexactly(1 if turn else 2)
    assert raws(service) == [(True, MESSAGE)] * 2
    for _, writer in (first, second):
        writer.close()
    await service.stop()


async def test_frames_that_a_killed_process_left_are_entries_before_anybody_speaks(tmp_path: Path) -> None:
    config = configured(tmp_path, f'link = "tcp-listen://127.0.0.1:{free_port()}"')
    now = datetime(2026, 3, 17, 1, 0, tzinfo=UTC)
    with Store.open(config.storage.url) as store, store.write() as tx:
        for session, frames in (("a", FRAMES), ("b", FRAMES[:3])):
            for raw in frames:
                journal.append_frame(tx, session, Entry("x1", "", now, "lis1a", False, raw))
    async with serving(config) as service:
        assert raws(service) == [(True, MESSAGE), (False, b"".join(FRAMES[:3]))]


async def test_frames_of_a_message_that_eot_ends_are_a_cut_off_one_when_a_killed_process_left_them(tmp_path: Path) -> None:
    config = spoken_by("lifotronic-h9", configured(tmp_path, f'link = "tcp-listen://127.0.0.1:{free_port()}"'))
    with Store.open(config.storage.url, exclusive=True) as store, store.write() as tx:
        journal.append_frame(tx, "a", Entry("x1", "", datetime.now(UTC), "lis1a", False, FRAMES[0]))
    async with serving(config) as service:
        assert raws(service) == [(False, FRAMES[0])]


async def test_a_file_of_which_something_could_not_be_stored_comes_again(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    config = configured(tmp_path, f'link = "folder://{folder}?settle=0.05&done=filed"')
    async with serving(config) as service:
        full, call = True, service.writer.call_async

        async def refusing(work: Any, urgent: bool = False) -> Any:
            nonlocal full
            if urgent and full:
                full = False
                raise StorageError("the disk is full")
            return await call(work, urgent)

        service.writer.call_async = refusing  # type: ignore[method-assign]
        (folder / "a.txt").write_bytes(TRANSMISSION)
        await until(lambda: (folder / "filed" / "a.txt").exists())
        assert raws(service) == [(True, MESSAGE)]
        assert service.snapshot().analyzers[0].refused == 1


async def test_files_are_read_once_also_over_a_restart_and_peers_stay_unnamed(tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    config = configured(tmp_path, f'link = "folder://{results}?pattern=*.astm&settle=0.1"')
    for number in (1, 2):
        (results / f"zhang{number}.astm").write_bytes(TRANSMISSION)
        async with serving(config) as service:
            await until(lambda number=number, service=service: len(raws(service)) == number)
            await asyncio.sleep(0.5)
            assert len(raws(service)) == number
            assert service.snapshot().analyzers[0].peers == ()


async def test_stopping_in_mid_transmission_keeps_what_was_acknowledged_and_ends(tmp_path: Path) -> None:
    port = free_port()
    config = configured(tmp_path, f'link = "tcp-listen://127.0.0.1:{port}"')
    service = Service(config, build=build)
    await service.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"\x05" + FRAMES[0] + FRAMES[1][:5])
    await reader.readexactly(2)
    async with asyncio.timeout(15):
        await service.stop()
    writer.close()
    with Store.open(config.storage.url) as store, store.read() as tx:
        found = [journal.get(tx, line.id) for line in journal.lines(tx)]
    assert (False, FRAMES[0]) in [(entry.complete, entry.raw) for entry in found if entry is not None]
