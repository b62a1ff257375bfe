"""Guests of the demo: they come before the bridge starts, and look at its console when the morning is over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from lis_bridge import settings
from lis_bridge.console.accounts import users
from lis_bridge.simulate.afternoon import Pace
from lis_bridge.simulate.bridge import free_port
from lis_bridge.simulate.demo import Demo
from lis_bridge.simulate.report import Report
from lis_bridge.storage import Store

from ..console.serving import PASSWORD

PEOPLE = (("lin", "林若岚", "engineer"), ("jiang", "江映雪", "technician"))
LONGEST_SECONDS = 400


class Nobody:
    """Looks at no terminal."""

    def begins(self, step: str) -> None:
        """Said to nobody."""

    def sent(self, analyzer: str, count: int, total: int) -> None:
        """Said to nobody."""

    def filed(self, count: int, total: int) -> None:
        """Said to nobody."""


class Guest:
    """Does something with the console's address; ``left`` when it was done to the end."""

    def __init__(self, does: Callable[[str], Awaitable[None]]) -> None:
        self.listen = f"127.0.0.1:{free_port()}"
        self.left = False
        self._does = does

    def arrive(self, config: Path) -> None:
        note = users.Note("tests", datetime.now(UTC))
        with Store.open(settings.load(config).storage.url) as store, store.write() as tx:
            for name, shown_as, role in PEOPLE:
                users.add(tx, name, PASSWORD, role, note, shown_as=shown_as, language="en")

    async def stay(self, found: Report) -> None:
        assert found.clean
        await self._does(f"http://{self.listen}")
        self.left = True


async def at_the_demo(folder: Path, tubes: int, pace: Pace, does: Callable[[str, Demo], Awaitable[None]]) -> None:
    """Run the demo with a guest, who is given the console's address and the demo."""
    guest = Guest(lambda url: does(url, demo))
    demo = Demo(tubes, folder, Nobody(), seed=1, away=0.5, guest=guest, pace=pace)
    async with asyncio.timeout(LONGEST_SECONDS):
        await demo.run()
    assert guest.left
