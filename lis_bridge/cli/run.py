"""``lis-bridge run``: the service, until it is told to end. It never waits at a prompt; logs are JSON lines on standard error."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lis_bridge.cli.exits import Exit
from lis_bridge.cli.output import ConfigFile

if TYPE_CHECKING:
    from lis_bridge.console.server import Console
    from lis_bridge.runtime.service import Service

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run(config: ConfigFile) -> int:
    """Read the analyzers, keep what they say, hand it to the LIS. SIGTERM and Ctrl-C end it cleanly.

    A line of JSON with "event": "ready" on standard error says that the store is open, the listeners are bound and the console is up.

    Exit codes: 0 ended as told, 3 configuration, 4 storage, 5 a port that cannot be listened on, 6 driver.

    Example: lis-bridge run --config config/hospital.toml
    """
    from lis_bridge.runtime import logs

    logs.configure()
    asyncio.run(_serve(config))
    return Exit.OK


async def _serve(file: Path) -> None:
    told = asyncio.Event()
    on_signals(told.set)
    service = _service(file)
    console = _console(service)
    await service.start()
    _spare_the_collector()
    try:
        if console is not None:
            await console.start()
        service.announce()
        await told.wait()
    finally:
        if console is not None:
            await console.stop()
        await service.stop()


def _console(service: Service) -> Console | None:
    if not service.config.console.enabled:
        return None
    from lis_bridge.console.server import Console

    return Console(service)


def _spare_the_collector() -> None:
    """Drivers and catalogue stay as long as the process, and what a message makes is freed by counting: cycles are rare here."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _service(file: Path) -> Service:
    from lis_bridge.cli.overriding import refuse_unpinned
    from lis_bridge.cli.shelf import configured
    from lis_bridge.runtime.service import Service

    config, library = configured(file)
    refuse_unpinned(config, library)
    return Service(config, library=library)


def on_signals(told: Callable[[], None]) -> None:
    """Have SIGTERM and Ctrl-C tell, in the running loop."""
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        if sys.platform == "win32":
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(told))
        else:
            loop.add_signal_handler(number, told)
