"""``lis-bridge run`` with the smallest configuration, as a process of its own: a real analyzer's bytes in, a LIS of python-hl7 out."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import hl7
import pytest

from lis_bridge.framing.mllp import wrap
from lis_bridge.framing.sender import frame
from lis_bridge.simulate.bridge import free_port
from lis_bridge.simulate.lis import Lis

UNITS = {"ALT": "U/L", "AST": "U/L", "LDH": "U/L", "TG": "mmol/L"}
TUBES = 40
KILLS = 4
GARBAGE = 64 * 1024 * 1024


def smallest(folder: Path, port: int, lis: str, driver: str = "mindray-bs") -> Path:
    """The configuration of the design's contract, ports apart."""
    file = folder / "smallest.toml"
    file.write_text(
        f"""[site]
id = "xinhe"
[storage]
url = "sqlite:///data/bridge.db"
[[analyzer]]
id = "line-1"
driver = "{driver}"
link = "tcp-listen://127.0.0.1:{port}"
[[destination]]
id = "lis"
link = "mllp://{lis}"
version = "2.5.1"
charset = "UTF-8"
[console]
listen = "127.0.0.1:{free_port()}"
"""
    )
    return file


class Bridge:
    """The process; ``events`` are its log."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.events: list[dict[str, Any]] = []
        self._ready = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, config: Path) -> Bridge:
        words = ("-m", "lis_bridge.cli.main", "run", "--config", str(config))
        return cls(await asyncio.create_subprocess_exec(sys.executable, *words, stderr=asyncio.subprocess.PIPE))

    async def ready(self) -> None:
        async with asyncio.timeout(60):
            await self._ready.wait()
        assert any(event.get("event") == "ready" for event in self.events), self.events

    def kill(self, number: signal.Signals) -> None:
        """Not by the process object: that would reap the child under asyncio's eyes."""
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, number)

    async def end(self, number: signal.Signals) -> int:
        self.kill(number)
        async with asyncio.timeout(60):
            await self._reading
            return await self.process.wait()

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            try:
                self.events.append(json.loads(line))
            except ValueError:
                self.events.append({"event": "", "line": line.decode()})
            if self.events[-1]["event"] == "ready":
                self._ready.set()
        self._ready.set()


@asynccontextmanager
async def running(config: Path) -> AsyncIterator[Bridge]:
    bridge = await Bridge.start(config)
    try:
        await bridge.ready()
        yield bridge
        assert await bridge.end(signal.SIGTERM) == 0
    finally:
        if bridge.process.returncode is None:
            await bridge.end(signal.SIGKILL)


def specimen(number: int) -> str:
    return f"S2026-{number:05d}"


def values(number: int) -> dict[str, str]:
    """No two tubes have a value in common."""
    return {code: f"{1 + number}.{number:03d}{place}00" for place, code in enumerate(UNITS)}


def message(number: int) -> bytes:
    lines = [
        f"MSH|^~\\&|||||202603171{number % 10000:04d}0||ORU^R01|{number}|P|2.3.1||||0||ASCII|||",
        "PID|1||||||||||||||||||||||||||||||",
        f"OBR|1|{specimen(number)}|{number}|^|N|20260317090551|20260317090531|20260317090531||1^5||||20260317090531|||",
    ]
    for position, (code, value) in enumerate(values(number).items(), 1):
        lines.append(f"OBX|{position}|NM|{code}|{code}|{value}|{UNITS[code]}|-|N|||F||{value}|20260317094542|||0||")
    return wrap("".join(line + "\r" for line in lines).encode("ascii"))


def records(number: int) -> list[str]:
    """A blood count as a Sysmex XN frames it, one record per frame."""
    at = "20260317094542"
    return [
        "H|\\^&|||    XN-330^00-26^90014^^^^CX000417||||||||E1394-97",
        "P|1",
        f"O|1||^^          {specimen(number)}^M|^^^^WBC\\^^^^RBC\\^^^^PLT|||||||N||||||||||||||F",
        f"R|1|^^^^WBC^1|{number}.01|10*3/uL||N||F||||{at}",
        f"R|2|^^^^RBC^1|{number}.02|10*6/uL||N||F||||{at}",
        f"R|3|^^^^PLT^1|{number}03|10*3/uL||N||F||||{at}",
        "L|1|N",
    ]


async def say(writer: asyncio.StreamWriter, reader: asyncio.StreamReader, data: bytes) -> bytes:
    writer.write(data)
    async with asyncio.timeout(60):
        return await reader.readuntil(b"\x1c\r")


def told(lis: Lis) -> dict[str, dict[str, str]]:
    """Tube → code → value, over the messages that a LIS which deduplicates by MSH-10 would have filed."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    first: dict[str, bytes] = {}
    for received in lis.received:
        if first.setdefault(received.control_id, received.raw) != received.raw:
            raise AssertionError(f"{received.control_id} came with other bytes")
    for raw in first.values():
        parsed = hl7.parse(raw.decode())
        tube = str(parsed.segment("OBR")(3))
        for obx in parsed.segments("OBX"):
            code = str(obx(3)).split("^")[0]
            assert code not in found[tube], f"{code} of {tube} came twice"
            found[tube][code] = str(obx(5))
    return dict(found)


async def until_told(lis: Lis, tubes: int) -> None:
    async with asyncio.timeout(120):
        while len(told(lis)) < tubes:
            await asyncio.sleep(0.1)


async def test_a_message_is_acknowledged_and_told_to_the_lis(tmp_path: Path) -> None:
    port = free_port()
    async with Lis() as lis, running(smallest(tmp_path, port, lis.address)) as bridge:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert b"MSA|AA|7|" in await say(writer, reader, message(7))
        await until_told(lis, 1)
        await say(writer, reader, message(7))  # again, whole: adds nothing
        writer.close()
    assert told(lis) == {specimen(7): values(7)}
    assert len(lis.received) == 1
    assert specimen(7) not in json.dumps(bridge.events)


async def test_killed_at_any_moment_it_loses_doubles_and_misfiles_nothing(tmp_path: Path) -> None:
    port, chance = free_port(), random.Random(20260317)
    acknowledged: set[int] = set()

    async def analyzer(bridge: Bridge, enough: int) -> None:
        """Sends what is not acknowledged yet, in order, until it is, or until the bridge was killed in the middle of it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        spare = TUBES
        for number in range(TUBES):
            if number in acknowledged:
                continue
            if len(acknowledged) >= enough:
                asyncio.get_running_loop().call_later(chance.random() / 20, bridge.kill, signal.SIGKILL)
                enough, spare = TUBES + 1, TUBES // (KILLS + 1) - 1
            if not spare:  # a fast machine must not be through before the kill
                await reader.read()
                break
            spare -= 1
            if f"MSA|AA|{number}|".encode() not in await say(writer, reader, message(number)):
                raise AssertionError(number)
            acknowledged.add(number)
        writer.close()

    async with Lis() as lis:
        config = smallest(tmp_path, port, lis.address)
        # Sent at once, so that the kill meets deliveries on their way too.
        config.write_text(config.read_text().replace('version = "2.5.1"', "window_seconds = 0"))
        for round in range(1, KILLS + 1):
            bridge = await Bridge.start(config)
            await bridge.ready()
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                await analyzer(bridge, round * TUBES // (KILLS + 1))
            assert await bridge.end(signal.SIGKILL) == -signal.SIGKILL
        assert len(acknowledged) < TUBES
        async with running(config) as last:
            await analyzer(last, TUBES + 1)
            await until_told(lis, TUBES)
            await asyncio.sleep(3)  # what would come twice has had its time
    assert told(lis) == {specimen(number): values(number) for number in range(TUBES)}


async def test_killed_in_mid_transmission_it_tells_the_repeat_once(tmp_path: Path) -> None:
    port = free_port()
    frames = [frame(place % 8, record.encode() + b"\r", b"\x03") for place, record in enumerate(records(7), 1)]

    async def transmit(upto: int) -> None:
        """As an analyzer does: each frame after the ACK of the one before."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for data in (b"\x05", *frames[:upto]):
            writer.write(data)
            async with asyncio.timeout(60):
                assert await reader.readexactly(1) == b"\x06"
        writer.write(b"\x04" if upto == len(frames) else b"")
        await writer.drain()

    async with Lis() as lis:
        config = smallest(tmp_path, port, lis.address, "sysmex-xn")
        for upto in (1, len(frames) - 1, len(frames)):
            bridge = await Bridge.start(config)
            await bridge.ready()
            await transmit(upto)
            assert await bridge.end(signal.SIGKILL) == -signal.SIGKILL
        async with running(config):
            await until_told(lis, 1)
            await transmit(len(frames))
            await asyncio.sleep(3)  # what would come twice has had its time
    assert told(lis) == {specimen(7): {"WBC": "7.01", "RBC": "7.02", "PLT": "703"}}


async def test_a_lis_that_was_away_gets_everything_when_it_is_back(tmp_path: Path) -> None:
    port = free_port()
    lis = Lis(f"127.0.0.1:{free_port()}")
    async with running(smallest(tmp_path, port, lis.address)):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in range(5):
            assert b"MSA|AA|" in await say(writer, reader, message(number))
        writer.close()
        async with lis:
            await until_told(lis, 5)
    assert told(lis) == {specimen(number): values(number) for number in range(5)}


async def test_a_port_in_use_is_named_and_ends_with_its_own_exit_code(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        bridge = await Bridge.start(smallest(tmp_path, port, "127.0.0.1:9"))
        async with asyncio.timeout(60):
            assert await bridge.process.wait() == 5
            await bridge._reading
    assert any(f"port {port} is in use" in event.get("line", "") for event in bridge.events)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
@pytest.mark.parametrize("opening", [b"", b"\x0b"], ids=["outside a block", "in a block without end"])
async def test_64_mb_of_garbage_leave_memory_bounded_and_the_link_alive(tmp_path: Path, opening: bytes) -> None:
    port = free_port()
    async with Lis() as lis, running(smallest(tmp_path, port, lis.address)) as bridge:
        before = peak_mib(bridge)
        # The driver speaks LIS1-A as well: what looks like its frames is refused, byte by byte.
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=GARBAGE)
        noise = random.Random(1).randbytes(1024 * 1024).translate(bytes(range(256)), b"\x0b\x1c")
        writer.write(opening)
        for _ in range(GARBAGE // len(noise) + 2):
            writer.write(noise)
            await writer.drain()
        assert b"MSA|AA|1|" in await say(writer, reader, b"\x1c\r" + message(1))
        await until_told(lis, 1)
        assert peak_mib(bridge) - before < 6 * GARBAGE // (1024 * 1024)
        writer.close()
    assert told(lis) == {specimen(1): values(1)}


def peak_mib(bridge: Bridge) -> int:
    status = Path(f"/proc/{bridge.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) // 1024
