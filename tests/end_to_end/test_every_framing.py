"""One service, an analyzer of each framing, captures fed by a plain socket: every expected result reaches python-hl7's LIS once, in its tube.

What is expected stands in the drivers' ``expected/`` files, which are held against the truth beside the captures.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import hl7
import pytest

from lis_bridge.core import resources
from lis_bridge.simulate.lis import Lis
from tests.end_to_end.test_smallest import free_port, running

CAPTURES = {
    "mindray-bs": "mindray-bs--04.hl7",  # MLLP, a line
    "mindray-bc": "mindray-bc--01.hl7",  # MLLP, UTF-8
    "sysmex-xn": "sysmex-xn--01.astm",  # LIS1-A, a record a frame, one cut by ETB
    "mindray-cl": "mindray-cl--03.astm",  # LIS1-A, every frame ended by ETB
    "snibe-maglumi": "snibe-maglumi--01.astm",  # simplified framing
    "zonci-zl": "zonci-zl--01.txt",  # STX … ETX, name:value
    "sysmex-k": "sysmex-k--01.txt",  # STX … ETX, fixed width
}


class Told(NamedTuple):
    """One OBX as the LIS got it."""

    value: str
    unit: str
    status: str
    derived: bool


def configuration(folder: Path, ports: dict[str, int], lis: str) -> Path:
    analyzers = "".join(
        f'[[analyzer]]\nid = "{driver}-1"\ndriver = "{driver}"\nlink = "tcp-listen://127.0.0.1:{port}"\n'
        for driver, port in ports.items()
    )
    file = folder / "every.toml"
    file.write_text(
        f'[site]\nid = "xinhe"\n[specimen]\ndate_window_hours = 0\n[storage]\nurl = "sqlite:///data/bridge.db"\n{analyzers}'
        f'[[destination]]\nid = "lis"\nlink = "mllp://{lis}"\n[console]\nlisten = "127.0.0.1:{free_port()}"\n'
    )
    return file


def expected(driver: str) -> dict[tuple[str, str], dict[str, str]]:
    """(wire's specimen, test) → the last result."""
    folder = resources.drivers()[-1] / driver / "expected"
    said = json.loads((folder / CAPTURES[driver]).with_suffix(".json").read_text(encoding="utf-8"))
    return {
        (message["specimen"], row["test"]): row
        for message in said["messages"]
        if message["kind"] == "patient" and message["complete"]
        for row in message["results"]
        if row["test"] and row["value"] is not None and not row["superseded"]
    }


def told(lis: Lis) -> Iterator[tuple[str, str, str, Told]]:
    """Analyzer, specimen as the wire has it, test and OBX, message by message, each MSH-10 once."""
    for raw in {received.control_id: received.raw for received in lis.received}.values():
        message = hl7.parse(raw.decode())
        tube = str(message.segment("OBR")(3))
        for obx in message.segments("OBX"):
            analyzer = str(obx(18))
            number = tube.rsplit("-", 1)[1] if f"-{analyzer}-" in tube else tube
            yield analyzer, number, str(obx(3)).split("^")[0], Told(str(obx(5)), str(obx(6)), str(obx(11)), bool(str(obx(17))))


def feed(port: int, raw: bytes, size: int) -> None:
    """A client that is not ours: it never looks at what is answered before it has said everything."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(raw), size):
            client.sendall(raw[at : at + size])
        client.settimeout(2)
        try:
            while client.recv(65536):
                pass
        except TimeoutError:
            return


@pytest.mark.parametrize("size", [1, 1 << 30], ids=["byte by byte", "in one burst"])
async def test_every_expected_result_of_every_framing_reaches_the_lis_once_in_its_tube(tmp_path: Path, size: int) -> None:
    ports = {driver: free_port() for driver in CAPTURES}
    wanted = {(f"{driver}-1", *place): row for driver in CAPTURES for place, row in expected(driver).items()}
    async with Lis() as lis, running(configuration(tmp_path, ports, lis.address)):
        for driver, port in ports.items():
            raw = (resources.drivers()[-1] / driver / "captures" / CAPTURES[driver]).read_bytes()
            await asyncio.to_thread(feed, port, raw, size)
        async with asyncio.timeout(120):
            while len({(analyzer, tube, test) for analyzer, tube, test, obx in told(lis) if not obx.derived}) < len(wanted):
                await asyncio.sleep(0.1)
        await asyncio.sleep(3)  # longer than the collecting window: nothing may come after
        got: dict[tuple[str, str, str], list[Told]] = {}
        for analyzer, tube, test, obx in told(lis):
            if not obx.derived:
                got.setdefault((analyzer, tube, test), []).append(obx)
    assert got.keys() == wanted.keys()
    for place, rows in got.items():
        assert [row.status for row in rows] == ["F", *["C"] * (len(rows) - 1)], place
        if rows[-1].unit == wanted[place]["ucum"]:
            assert rows[-1].value == wanted[place]["value"], place
