"""Captures of an analyzer that no driver knows: what the simulated one of ``tests.onboarding`` says, framed as on its line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from lis_bridge import settings
from lis_bridge.framing.sender import frame

from ..onboarding.device import messages
from .serving import Running, configured, serving


def capture() -> bytes:
    """Three tubes over LIS1-A."""
    return b"".join(map(_sent, messages()))


def _sent(message: bytes) -> bytes:
    records = [record for record in message.split(b"\r") if record.strip()]
    frames = (frame(number % 8, record + b"\r", b"\x03") for number, record in enumerate(records, start=1))
    return b"\x05" + b"".join(frames) + b"\x04"


@asynccontextmanager
async def workshop(folder: Path, **users: str) -> AsyncIterator[Running]:
    """A site with a folder for its own drivers, and users by name with their roles."""
    (folder / "drivers").mkdir()
    file = configured(folder).path
    file.write_text(file.read_text(encoding="utf-8") + '[drivers]\npaths = ["drivers"]\n', encoding="utf-8")
    async with serving(settings.load(file)) as running:
        for name, role in users.items():
            await running.add(name, role)
        yield running


def checked_by_command(id: str, drivers: Path) -> dict[str, Any]:
    """What ``lis-bridge driver check`` says of a driver of the site."""
    command = [sys.executable, "-m", "lis_bridge.cli.main", "driver", "check", id, "--drivers", str(drivers), "--json"]
    told = json.loads(subprocess.run(command, capture_output=True, check=False, timeout=300).stdout)
    return dict(told[0])
