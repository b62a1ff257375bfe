"""One trial: load, bridge (or floor) and LIS started, timed, held against what was sent."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hl7

from benches import messages
from benches.whole_path import analyzers, bridge, floor, lis
from benches.whole_path.shapes import RESULTS, Shape, expected, mark, shares

_fresh = multiprocessing.get_context("spawn")
SETTLE_SECONDS = 120.0
IDLE_SHARE, IDLE_SECONDS = 0.1, 3.0
"""A bridge that has started compiles the console's pages and, two seconds later, checks its drivers: once, and nothing of the path."""


class Helper:
    """A process beside the bridge, and the line to it."""

    def __init__(self, target: Callable[..., None], *words: Any) -> None:
        self.line, theirs = _fresh.Pipe()
        self.process = _fresh.Process(target=target, args=(theirs, *words), daemon=True)
        self.process.start()
        theirs.close()

    def __enter__(self) -> Helper:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError, ValueError):
            self.line.close()
        self.process.terminate()
        self.process.join()

    def hear(self) -> Any:
        """What it says next."""
        return self.line.recv()

    def say(self, word: str = "go") -> None:
        with suppress(BrokenPipeError):
            self.line.send(word)


@dataclass(frozen=True)
class Measured:
    """A trial in figures: rates a second, milliseconds from a tube's last byte to the LIS's ACK, and what each result cost."""

    tubes: int
    seconds: float
    acknowledged_seconds: float
    latencies: tuple[float, ...]
    taken: tuple[float, ...]
    cpu: float
    written: int
    others_cpu: float

    @property
    def rate(self) -> float:
        """Tubes a second, from the first byte to the LIS's last ACK."""
        return self.tubes / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds that so many of the tubes (0–1) stayed below; nan where none was timed."""
        ranked = sorted(self.latencies)
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else float("nan")


@dataclass(frozen=True)
class Plan:
    """What a trial is to do: ``every`` seconds a tube of each analyzer (0: as fast as they are acknowledged), tubes from ``start``."""

    shape: Shape
    tubes: int
    start: int = 0
    every: float = 0.0
    away: bool = False

    def tubes_sent(self) -> Iterable[messages.Tube]:
        """All of them, over all analyzers."""
        return (tube for share in shares(self.shape, self.tubes, self.start) for tube in share)


def whole_path(plan: Plan, folder: Path, profiler: Sequence[str] = ()) -> Measured:
    """Through the bridge. With ``away`` the LIS is not there before everything is acknowledged. Raises AssertionError for wrong results."""
    port, *ports = bridge.free_ports(plan.shape.analyzers + 1)
    config = bridge.configure(folder, plan.shape, ports, port)
    words = (plan.shape.name, plan.tubes, plan.start, ports, plan.every)
    with ExitStack() as open:
        load = open.enter_context(Helper(analyzers.run, *words))
        load.hear()
        hospital = None if plan.away else _lis(open, plan, port)
        pid = open.enter_context(bridge.running(config, *profiler))
        _until_idle(pid)
        if hospital is None:
            load.say()
            sent = load.hear()
            hospital = _lis(open, plan, port)
        before = bridge.spent(pid)
        if not plan.away:
            load.say()
            sent = load.hear()
        _until_taken(hospital)
        used = bridge.spent(pid).since(before)
        heard = hospital.hear()
    check(plan, heard)
    return measured(plan, sent, heard, used)


def _lis(open: ExitStack, plan: Plan, port: int) -> Helper:
    hospital = open.enter_context(Helper(lis.run, port, plan.tubes * plan.shape.parts, True))
    hospital.hear()
    return hospital


def _until_idle(pid: int) -> None:
    """Until the bridge has done what it does at its start, and stands at the LIS's door."""
    before = bridge.spent(pid).cpu
    time.sleep(IDLE_SECONDS)
    while (now := bridge.spent(pid).cpu) - before > IDLE_SHARE * IDLE_SECONDS:
        before = now
        time.sleep(IDLE_SECONDS)


def the_floor(plan: Plan, folder: Path) -> Measured:
    """The same load and the same LIS around ``floor``."""
    port, *ports = bridge.free_ports(plan.shape.analyzers + 1)
    words = (plan.shape.name, plan.tubes, plan.start, ports, plan.every)
    with (
        Helper(lis.run, port, plan.tubes * plan.shape.parts, False) as hospital,
        Helper(analyzers.run, *words) as load,
    ):
        hospital.hear()
        load.hear()
        with Helper(floor.run, ports, port, str(folder), plan.shape.framed) as relay:
            relay.hear()
            load.say()
            sent = load.hear()
            cpu = relay.hear()
        heard = hospital.hear()
    return measured(plan, sent, heard, bridge.Spent(cpu, 0))


def _until_taken(hospital: Helper) -> None:
    """Until the LIS has all; when it lacks some for too long, let it report what it has."""
    if not hospital.line.poll(SETTLE_SECONDS):
        hospital.say("enough")


def measured(plan: Plan, sent: analyzers.Load, heard: lis.Heard, used: bridge.Spent) -> Measured:
    """The figures of what load, bridge and LIS reported."""
    begun = heard.times[0] if plan.away else sent.begun
    pairs: Iterable[tuple[float, float]]
    if heard.taken:
        pairs = ((gone, heard.taken[specimen]) for specimen, gone in sent.last_byte.items() if specimen in heard.taken)
    else:  # the floor's messages are not looked at; they come in the order in which they were sent
        pairs = zip(sorted(sent.last_byte.values()), heard.times[plan.shape.parts - 1 :: plan.shape.parts], strict=False)
    latencies = ((taken - gone) * 1000 for gone, taken in pairs)
    return Measured(
        plan.tubes,
        heard.times[-1] - begun,
        sent.acknowledged - sent.begun,
        tuple(latencies),
        tuple(heard.times),
        used.cpu,
        used.written,
        sent.cpu + heard.cpu,
    )


def check(plan: Plan, heard: lis.Heard) -> None:
    """Every result once, under its tube, as it was sent; on a sample, python-hl7 reads the same. Raises AssertionError."""
    wanted = expected(plan.tubes_sent())
    assert heard.repeated == 0, f"{heard.repeated} messages came twice"
    missing = wanted.keys() - heard.marks.keys()
    assert not missing, f"{len(missing)} of {len(wanted)} tubes are not at the LIS"
    assert not heard.marks.keys() - wanted.keys(), "the LIS has tubes that nobody sent"
    wrong = [specimen for specimen, found in heard.marks.items() if found != wanted[specimen]]
    assert not wrong, f"{len(wrong)} tubes have other results than were sent, {wrong[0]} among them"
    if plan.shape.parts == 1:
        for block in heard.sample:
            specimen, found = read_by_python_hl7(block)
            assert found == wanted[specimen], f"python-hl7 reads other results of {specimen}"


def read_by_python_hl7(block: bytes) -> tuple[str, str]:
    """Specimen and mark of a message of a whole tube, read by a parser that is not ours."""
    message = hl7.parse(block[1:-2].decode())
    results = [f"{str(obx(3)).partition('^')[0]}={obx(5)}" for obx in message.segments("OBX")]
    assert len(results) == RESULTS
    return str(message.segment("OBR")(3)), mark(results)


def pause() -> None:
    """Let the disk finish what the last trial left in its queue."""
    time.sleep(1.0)
