"""The demo: three simulated analyzers, the real bridge and a LIS, all over real links, and a comparison of both ends.

One process plays the analyzers and the LIS, so that both ends have one clock; the bridge is a process of its own.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core import resources
from lis_bridge.simulate.afternoon import Afternoon, Pace
from lis_bridge.simulate.analyzer import NO_MISHAPS, Analyzer, Mishaps, Taken
from lis_bridge.simulate.bridge import BridgeProcess, free_port
from lis_bridge.simulate.lis import Lis, Received
from lis_bridge.simulate.report import Report, report
from lis_bridge.simulate.sample import Sample
from lis_bridge.simulate.scenario import Morning, Station, morning, station
from lis_bridge.simulate.tally import ACCEPTED, Place, filed
from lis_bridge.transport import Link, open_link

ZONE = ZoneInfo("Asia/Shanghai")
LINE, HEMATOLOGY, HEMORHEOLOGY = "line-1", "hematology-1", "hemorheology-1"
NAMES = {LINE: "生化免疫流水线", HEMATOLOGY: "血球分析仪", HEMORHEOLOGY: "血流变仪"}
DRIVERS = {LINE: "mindray-bs", HEMATOLOGY: "sysmex-xn", HEMORHEOLOGY: "zonci-zl"}
MISHAPS = {LINE: Mishaps(drop_every=11, twice_every=7), HEMATOLOGY: Mishaps(spoil_every=3)}
AWAY_SECONDS = 3.0
LINGER_SECONDS = 4.0
"""Longer than a delivery's window: what comes twice comes within it."""
PATIENCE_SECONDS = 30.0
"""Without anything new at the LIS for so long, the rest counts as lost."""


class Watch(Protocol):
    """Who looks on."""

    def begins(self, step: str) -> None:
        """A new step of the demo."""

    def sent(self, analyzer: str, count: int, total: int) -> None:
        """Messages that an analyzer has got rid of."""

    def filed(self, count: int, total: int) -> None:
        """Results that stand in the LIS as they should."""


class Guest(Protocol):
    """Who looks at the console and stays when the morning is over; ``listen`` is where he finds it."""

    listen: str

    def arrive(self, config: Path) -> None:
        """The configuration stands, the bridge is about to start."""

    async def stay(self, found: Report) -> None:
        """Both ends were compared; bridge and analyzers go on until this returns."""


@dataclass(frozen=True)
class Line:
    """Both ends of one analyzer's link: the bridge's URL and the simulator's link."""

    url: str
    link: Link


class Demo:
    """One run in a folder, which holds configuration, database and log afterwards."""

    def __init__(
        self,
        tubes: int,
        folder: Path,
        watch: Watch,
        *,
        seed: int,
        away: float = AWAY_SECONDS,
        guest: Guest | None = None,
        pace: Pace = Pace(),  # noqa: B008 - frozen
    ) -> None:
        self._guest = guest
        self._pace = pace
        self._seed = seed
        self._folder = folder
        self._watch = watch
        self._away = away
        library, tests = Library.load(resources.drivers()), TestCatalogue.load(resources.catalogue())
        self._stations = [station(analyzer, library.driver(id).manifest, tests) for analyzer, id in DRIVERS.items()]
        self._plan: Morning = morning(self._stations, tubes, datetime.now(ZONE), seed)
        self._taken: dict[str, list[Taken]] = {one.analyzer: [] for one in self._stations}
        self._last: dict[Place, str] = {}
        self._changed = asyncio.Event()
        self.received: Sequence[Received] = ()
        """What the LIS got; it grows."""

    async def run(self) -> Report:
        """Plays the morning and compares. Raises BridgeError where something could not even begin."""
        began = time.monotonic()
        async with Lis(heard=self._heard) as lis:
            self.received = lis.received
            lines = _lines(self._stations)
            config = self._folder / "demo.toml"
            listen = self._guest.listen if self._guest else ""
            config.write_text(configuration(self._stations, lines, lis.address, listen), encoding="utf-8")
            if self._guest is not None:
                self._guest.arrive(config)
            self._watch.begins("the bridge starts")
            async with BridgeProcess(config) as bridge:
                self._watch.begins("the analyzers work")
                await _while_up(bridge, self._work(lines, lis))
                found = self._report(lis, began) if self._guest else None
                if self._guest is not None and found is not None:
                    await _while_up(bridge, self._accompanied(self._guest.stay(found), lines, lis))
            for line in lines.values():
                await line.link.close()
        return found or self._report(lis, began)

    async def _accompanied(self, stay: Coroutine[Any, Any, None], lines: Mapping[str, Line], lis: Lis) -> None:
        """The guest stays, and the analyzers go on slowly as long."""
        links = {analyzer: line.link for analyzer, line in lines.items()}
        await _until_first(stay, Afternoon(self._stations, links, self._seed, self._pace).run(lis, datetime.now(ZONE)))

    def _report(self, lis: Lis, began: float) -> Report:
        return report(self._plan, lis.received, self._taken, self._folder / "bridge.db", time.monotonic() - began)

    async def _work(self, lines: Mapping[str, Line], lis: Lis) -> None:
        await asyncio.gather(self._play(self._plan.samples, lines), self._leave(lis))
        late = [measured for samples in self._plan.late.values() for sample in samples for measured in sample.results]
        self._watch.begins("the LIS catches up")
        await self._settled(missing=len(late))
        self._watch.begins("tests are run again that the LIS has already")
        await self._play(self._plan.late, lines)
        await self._settled()
        await asyncio.sleep(LINGER_SECONDS)

    async def _play(self, work: Mapping[str, Sequence[Sample]], lines: Mapping[str, Line]) -> None:
        """All analyzers at once, each in its own order."""
        playing = [self._analyzer(one, work[one.analyzer], lines[one.analyzer].link) for one in self._stations]
        await asyncio.gather(*(one.run() for one in playing))

    def _analyzer(self, one: Station, samples: Sequence[Sample], link: Link) -> Analyzer:
        taken = self._taken[one.analyzer]
        total = len(self._plan.samples[one.analyzer]) + len(self._plan.late[one.analyzer])

        def told(message: Taken) -> None:
            taken.append(message)
            self._watch.sent(one.analyzer, len(taken), total)

        return Analyzer(link, one.composer, samples, mishaps=MISHAPS.get(one.analyzer, NO_MISHAPS), told=told)

    async def _leave(self, lis: Lis) -> None:
        """The LIS goes away after its first message, which the rest then waits for."""
        await self._changed.wait()
        await lis.away(self._away)

    def _heard(self, received: Received) -> None:
        if received.verdict in ACCEPTED:
            self._last.update({one.place: one.value for one in filed(received)})
            self._changed.set()
            self._watch.filed(self._right(), len(self._plan.expected))

    def _right(self) -> int:
        return sum(self._last.get(place) == runs[-1] for place, runs in self._plan.expected.items())

    async def _settled(self, *, missing: int = 0) -> None:
        """Until everything but ``missing`` results stands in the LIS, or until nothing more comes."""
        while self._right() < len(self._plan.expected) - missing:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), PATIENCE_SECONDS)
            except TimeoutError:
                return


async def _while_up(bridge: BridgeProcess, work: Coroutine[Any, Any, None]) -> None:
    """The work, unless the bridge ends before it."""
    await _until_first(work, bridge.ended())


async def _until_first(*works: Coroutine[Any, Any, None]) -> None:
    """Until one of them ends, or fails with what it raises."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _lines(stations: Sequence[Station]) -> dict[str, Line]:
    """TCP for what speaks over TCP; a pseudo-terminal as the serial line, where the system has such a thing."""
    return {one.analyzer: _serial() if one.analyzer == HEMORHEOLOGY and sys.platform != "win32" else _tcp() for one in stations}


def _tcp() -> Line:
    port = free_port()
    return Line(f"tcp-listen://127.0.0.1:{port}", open_link(f"tcp-connect://127.0.0.1:{port}"))


def _serial() -> Line:
    from lis_bridge.simulate.pty import PtyLink  # not importable on Windows

    link = PtyLink()
    return Line(f"serial://{link.device}?baud=9600&format=8N1", link)


def configuration(stations: Sequence[Station], lines: Mapping[str, Line], lis: str, listen: str = "") -> str:
    """The demo's configuration file; nothing in it that a laboratory's would not have. Without ``listen`` there is no console."""
    console = f'[console]\nlisten = "{listen}"' if listen else "[console]\nenabled = false"
    tables = ['[site]\nid = "demo"\nname = "演示检验科"', '[storage]\nurl = "sqlite:///bridge.db"', console]
    for one in stations:
        link = lines[one.analyzer].url
        tables.append(
            f'[[analyzer]]\nid = "{one.analyzer}"\nname = "{NAMES[one.analyzer]}"\ndriver = "{one.manifest.id}"\nlink = "{link}"'
        )
    tables.append(f'[[destination]]\nid = "lis"\nlink = "mllp://{lis}"')
    return "\n\n".join(tables) + "\n"
