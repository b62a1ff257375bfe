"""The bridge as a process: ready inside, stopped afterwards, and its own words when it cannot start."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from lis_bridge.core.faults import BridgeError
from lis_bridge.simulate.bridge import BridgeProcess, free_port

CONFIG = """
[site]
id = "xinhe"

[storage]
url = "sqlite:///bridge.db"

[[analyzer]]
id = "line-1"
driver = "mindray-bs"
link = "tcp-listen://127.0.0.1:{port}"

[[destination]]
id = "lis"
link = "mllp://127.0.0.1:{lis}"

[console]
enabled = false
"""


def configured(folder: Path, extra: str = "") -> tuple[Path, int]:
    file, port = folder / "bridge.toml", free_port()
    file.write_text(CONFIG.format(port=port, lis=free_port()) + extra, encoding="utf-8")
    return file, port


async def test_inside_the_bridge_listens_and_afterwards_it_does_not(tmp_path: Path) -> None:
    file, port = configured(tmp_path)
    async with BridgeProcess(file):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    assert "ready" in file.with_suffix(".log").read_text(encoding="utf-8")


async def test_a_bridge_that_cannot_start_says_why(tmp_path: Path) -> None:
    file, _ = configured(tmp_path, 'colour = "green"\n')
    with pytest.raises(BridgeError, match="colour"):
        async with BridgeProcess(file):
            pytest.fail("it must not become ready")


async def test_a_bridge_that_dies_is_noticed(tmp_path: Path) -> None:
    file, _ = configured(tmp_path)
    async with BridgeProcess(file) as bridge:
        status = json.loads((tmp_path / "bridge.db.status.json").read_bytes())
        os.kill(status["pid"], signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        with pytest.raises(BridgeError, match="ended"):
            await asyncio.wait_for(bridge.ended(), 30)
