"""The real bridge as a process of its own: ``lis-bridge run`` with a configuration that was just written, watched until it is ready."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections import deque
from contextlib import suppress
from itertools import count, islice
from pathlib import Path

from lis_bridge.core.faults import BridgeError

READY_SECONDS = 60.0
STOP_SECONDS = 30.0
LAST_LINES = 20
FIRST_PORT, PORTS = 20_000, 12_000
"""Below those that systems give away by themselves (Linux from 32768, others from 49152): none is lost to an outgoing connection."""
_NUMBERS = count(os.getpid() * 997)  # processes side by side begin far apart


class BridgeProcess:
    """An async context manager: inside it the bridge is ready; at its end the bridge has been asked to stop, and has."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self._process: asyncio.subprocess.Process | None = None
        self._ready = asyncio.Event()
        self._last: deque[str] = deque(maxlen=LAST_LINES)
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> BridgeProcess:
        words = ("-m", "lis_bridge.cli.main", "run", "--config", str(self._config))
        self._process = await asyncio.create_subprocess_exec(sys.executable, *words, stderr=asyncio.subprocess.PIPE)
        self._reading = asyncio.create_task(self._read(self._process))
        try:
            await self._until_ready()
        except BaseException:
            await self._stop(self._process)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None:
            await self._stop(self._process)

    async def ended(self) -> None:
        """Waits for an end that nobody asked for, and raises BridgeError when it comes."""
        if self._process is not None:
            code = await self._process.wait()
            raise BridgeError(f"the bridge ended with {code}", where=str(self._config), hint=self._words())

    async def _until_ready(self) -> None:
        ready = asyncio.create_task(self._ready.wait())
        ended = asyncio.create_task(self.ended())
        done, waiting = await asyncio.wait((ready, ended), timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        for task in done:
            task.result()
        if not done:
            raise BridgeError(f"the bridge was not ready after {READY_SECONDS:g} s", where=str(self._config), hint=self._words())

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Everything that the bridge logs goes beside its configuration; the ready line is waited for."""
        assert process.stderr is not None
        with self._config.with_suffix(".log").open("wb") as log:
            async for line in process.stderr:
                log.write(line)
                log.flush()
                self._last.append(line.decode(errors="replace").rstrip())
                with suppress(ValueError):
                    if json.loads(line).get("event") == "ready":
                        self._ready.set()

    async def _stop(self, process: asyncio.subprocess.Process) -> None:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._reading is not None:
            await self._reading

    def _words(self) -> str:
        return "It said: " + " / ".join(list(self._last)[-3:]) if self._last else "It said nothing"


def free_port() -> int:
    """A port that nobody holds at this moment, and another one at each call: it may be held back until a listener is there."""
    for number in islice(_NUMBERS, PORTS):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", FIRST_PORT + number % PORTS))
            return int(probe.getsockname()[1])
    raise BridgeError("no port is free", where="127.0.0.1", hint=f"one from {FIRST_PORT} to {FIRST_PORT + PORTS - 1} is needed")
