"""What a service does with what came in: the process step, and one sender for each destination."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from lis_bridge.catalogue.derive import Formulas
from lis_bridge.catalogue.plan import Plan
from lis_bridge.core.clock import Clock
from lis_bridge.outbox import Mark
from lis_bridge.pipeline.outbound import Outbound
from lis_bridge.pipeline.process import Instrument, Process, Processed
from lis_bridge.pipeline.screening import expectation
from lis_bridge.runtime.backlog import Step
from lis_bridge.runtime.plans import Compiled
from lis_bridge.settings import Analyzer, Config
from lis_bridge.storage import Store, Writer
from lis_bridge.tubes.keys import SpecimenRules


class Fare(Protocol):
    """How a destination fares."""

    @property
    def destination(self) -> str: ...

    @property
    def state(self) -> str: ...

    @property
    def since(self) -> datetime | None: ...

    @property
    def words(self) -> str: ...

    @property
    def owed(self) -> int: ...

    @property
    def delivered(self) -> int: ...


class Sender(Protocol):
    """The loop of one destination; ``run`` ends when it is cancelled."""

    async def run(self) -> None: ...

    @property
    def status(self) -> Fare: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What the steps are made from."""

    config: Config
    compiled: Compiled
    store: Store
    writer: Writer
    clock: Clock


def _nobody(*_outcome: Any) -> None:
    """Nobody waits for it."""


@dataclass(frozen=True, slots=True)
class Work:
    """What becomes of entries, and who sends; ``settled`` hears in the loop what became of each, after its commit; ``exchange`` takes an analyzer's
    new plan, in the storage thread.
    """

    process: Step
    senders: Sequence[Sender]
    settled: Callable[[Any], None] = _nobody
    exchange: Callable[[str, Plan], None] = _nobody


def work(parts: Parts) -> Work:
    """The process step and the senders of a configuration. Raises ConfigError."""
    process = process_of(parts.config, parts.compiled, parts.clock)
    senders = _senders(parts, process.tubes.seal)
    return Work(process, list(senders.values()), partial(_hand_on, senders), process.exchange)


def process_of(config: Config, compiled: Compiled, clock: Clock) -> Process:
    """The process step of the configuration's analyzers."""
    instruments = {analyzer.id: instrument(analyzer, compiled) for analyzer in config.analyzers}
    return Process(instruments, config.destinations, specimen_rules(config), compiled.tests, Formulas.load(), clock)


def _hand_on(senders: Mapping[str, Outbound], outcome: Processed) -> None:
    """What is ready goes to its sender as it is; what was collected is looked for."""
    for destination, ready in outcome.ready:
        senders[destination].offer(ready)
    if outcome.collected:
        for sender in senders.values():
            sender.wake()


def specimen_rules(config: Config) -> SpecimenRules:
    """How the site names tubes."""
    return SpecimenRules(config.specimen.barcode, config.specimen.date_window_hours, config.site.timezone)


def instrument(analyzer: Analyzer, compiled: Compiled) -> Instrument:
    """What the process step knows of one analyzer."""
    manifest = compiled.plans[analyzer.id].manifest
    akin = {manifest.id, *manifest.lookalikes}
    others = {id: compiled.library.driver(id).manifest.models for id in compiled.library.ids() if id not in akin}
    expected = expectation(analyzer.serial, manifest.models, others)
    return Instrument(
        compiled.plans[analyzer.id],
        expected,
        analyzer.space,
        analyzer.require_order,
        dated_at_reception=analyzer.number_date == "reception",
    )


def _senders(parts: Parts, mark: Mark) -> dict[str, Outbound]:
    zone = parts.config.site.timezone
    return {
        destination.id: Outbound(destination, parts.store, parts.writer, parts.compiled.tests, mark, parts.clock, zone=zone)
        for destination in parts.config.destinations
    }
