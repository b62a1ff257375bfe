"""A laboratory's database: days of tubes from four lines through the real process step, in one process and many to a commit.

Most of it went well; what did not is still open, more of it than a laboratory would let wait: holds of every sort, messages in quarantine,
critical values, dead deliveries, and the last tubes' deliveries, for the LIS is away.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from benches.whole_path.bridge import free_ports
from lis_bridge import audit, journal, outbox, settings
from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core import resources
from lis_bridge.core.results import Patient
from lis_bridge.pipeline.process import Process, Processed
from lis_bridge.runtime.plans import compiled
from lis_bridge.runtime.work import Parts, work
from lis_bridge.simulate.menu import measure
from lis_bridge.simulate.sample import Measured, Sample
from lis_bridge.simulate.scenario import FAMILY, GIVEN, Station, station
from lis_bridge.storage import Store, Writer

ZONE = ZoneInfo("Asia/Shanghai")
DRIVER, LINES = "mindray-bs", 4
TUBES_A_DAY = 2000
TOGETHER = 64
"""Tubes of one commit."""
UNKNOWN_EVERY, CUT_EVERY, NAMELESS_EVERY, GARBAGE_EVERY, DEAD_EVERY = 400, 500, 1500, 900, 700
"""How often a tube has a code that nobody knows, a message that was cut off, one without an id, one that is none, a delivery that the LIS refused."""
WAITING = 40
"""Deliveries of the last tubes, which the LIS has not got."""
SEED = 20260317


@dataclass
class Moment:
    """The clock of the fill: it stands where the tube in hand stands."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


@dataclass(frozen=True)
class Load:
    """So many tubes, so many results of each."""

    tubes: int
    results: int


def configure(folder: Path) -> Path:
    """A site with four lines, a LIS that nobody plays, and a console."""
    lis, console, *ports = free_ports(LINES + 2)
    lines = "".join(
        f'[[analyzer]]\nid = "line-{number}"\ndriver = "{DRIVER}"\nlink = "tcp-listen://127.0.0.1:{port}"\n'
        for number, port in enumerate(ports, 1)
    )
    file = folder / "bridge.toml"
    file.write_text(
        f'[site]\nid = "bench"\n[storage]\nurl = "sqlite:///bridge.db"\n{lines}'
        f'[[destination]]\nid = "lis"\nlink = "mllp://127.0.0.1:{lis}"\nwindow_seconds = 0\n'
        f'[console]\nlisten = "127.0.0.1:{console}"\n',
        encoding="utf-8",
    )
    return file


def fill(config: Path, load: Load) -> None:
    """File the load; the last tube came just now."""
    site, clock = settings.load(config), Moment(datetime.now(UTC))
    with Store.open(site.storage.url, exclusive=True) as store, Writer(store) as writer:
        process = work(Parts(site, compiled(site), store, writer, clock)).process
        assert isinstance(process, Process)
        filing = _Filing(process, clock, load)
        arrivals = _arrivals(load)
        while batch := list(islice(arrivals, TOGETHER)):
            writer.submit(lambda tx, batch=batch: filing.file(tx, batch)).result()  # type: ignore[misc]


@dataclass(frozen=True)
class _Arrival:
    number: int
    at: datetime
    raw: bytes
    complete: bool = True


class _Filing:
    def __init__(self, process: Process, clock: Moment, load: Load) -> None:
        self._process = process
        self._clock = clock
        self._load = load

    def file(self, tx: Connection, batch: list[_Arrival]) -> None:
        for one in batch:
            self._clock.at = one.at
            entry = journal.Entry(f"line-{one.number % LINES + 1}", "127.0.0.1", one.at, "mllp", one.complete, one.raw)
            outcome: Processed = self._process(tx, journal.filed(journal.append(tx, entry), entry))
            for _, ready in outcome.ready:
                self._settle(tx, ready.owed.id, one)
            looked = {"at": one.at, "actor": "jiang", "via": "console", "address": "127.0.0.1", "action": "viewed"}
            audit.append(tx, audit.Entry(**looked, subject=f"tube {_barcode(one)}", detail={}))  # type: ignore[arg-type]

    def _settle(self, tx: Connection, delivery: int, one: _Arrival) -> None:
        if one.number >= self._load.tubes - WAITING:
            return
        verdict, words = ("AR", "Unknown patient") if one.number % DEAD_EVERY == DEAD_EVERY - 1 else ("AA", "")
        outbox.settle(tx, delivery, verdict, words, one.at + timedelta(seconds=20), outbox.Policy(0))


def _arrivals(load: Load) -> Iterator[_Arrival]:
    chance, now = Random(SEED), datetime.now(ZONE)
    line = _station()
    for number in range(load.tubes):
        at = _moment(number, load.tubes, now)
        arrival = _Arrival(number, at.astimezone(UTC), b"")
        if number % GARBAGE_EVERY == GARBAGE_EVERY - 1:
            yield replace(arrival, raw=b"\x0bnoise on the line\x1c\r")
        results = measure(line.items[: load.results], chance, abnormal=line.manifest.abnormal_flags)
        yield replace(arrival, **_said(line, _sample(arrival, at, results, chance)))


def _sample(arrival: _Arrival, at: datetime, results: tuple[Measured, ...], chance: Random) -> Sample:
    number = arrival.number
    if number % UNKNOWN_EVERY == UNKNOWN_EVERY - 1:
        results = (*results[:-1], Measured(f"NEW-{number // UNKNOWN_EVERY % 3}", "1.23"))
    timed = tuple(replace(one, observed_at=at + timedelta(seconds=place // 10 * 18)) for place, one in enumerate(results))
    id = "" if number % NAMELESS_EVERY == NAMELESS_EVERY - 1 else _barcode(arrival)
    patient = Patient(f"P{number:07d}", chance.choice(FAMILY) + chance.choice(GIVEN))
    return Sample(id, at, timed, patient=patient, stat=number % 50 == 0, control_id=str(number), model="")


def _said(line: Station, sample: Sample) -> dict[str, Any]:
    raw = b"\x0b" + line.composer.message(sample) + b"\x1c\r"
    if int(sample.control_id) % CUT_EVERY == CUT_EVERY - 1:
        return {"raw": raw[: len(raw) * 3 // 4], "complete": False}
    return {"raw": raw, "complete": True}


def _station() -> Station:
    manifest = Library.load(resources.drivers()).driver(DRIVER).manifest
    return station("line-1", manifest, TestCatalogue.load(resources.catalogue()))


def _barcode(arrival: _Arrival) -> str:
    return f"26031{arrival.number:08d}"


def _moment(number: int, tubes: int, now: datetime) -> datetime:
    """Full days before today, and today's from midnight until now."""
    days, place = divmod(tubes - 1 - number, TUBES_A_DAY)
    end = now if days == 0 else datetime.combine(now.date() - timedelta(days=days - 1), time(), now.tzinfo)
    begin = datetime.combine(now.date() - timedelta(days=days), time(), now.tzinfo)
    return end - (end - begin) * (place / TUBES_A_DAY)
