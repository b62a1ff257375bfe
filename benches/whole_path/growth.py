"""Whether a tube costs more in a large database: fill it through the real process step, then send through sockets as in any other trial.

The fill appends messages to the journal, processes and settles them in one process, many to a commit: the rows are those of the service, the
way to them is shorter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from benches import messages
from benches.whole_path import bridge, trials
from benches.whole_path.shapes import RESULTS, SHAPES, menu, sent
from lis_bridge import journal, outbox, settings
from lis_bridge.core.clock import SystemClock
from lis_bridge.pipeline.process import Process
from lis_bridge.runtime.plans import compiled
from lis_bridge.runtime.work import Parts, work
from lis_bridge.storage import Store, Writer

TOGETHER = 64
"""Tubes of one commit."""
MEASURED = 600
"""Tubes that are sent through sockets at each size."""


@dataclass(frozen=True)
class Grown:
    """The trial in a database that held so many ``results`` before it; ``file_bytes`` of the database itself."""

    results: int
    file_bytes: int
    trial: trials.Measured


def grow(sizes: list[int], folder: Path) -> Iterator[Grown]:
    """A trial at each size, in one database that grows; sizes are numbers of results, ascending."""
    shape, tubes = SHAPES["one"], 0
    for size in sizes:
        wanted = size // RESULTS
        config = bridge.configure(folder, shape, bridge.free_ports(1), bridge.free_ports(1)[0])
        fill(config, tubes, wanted - tubes)
        before = (folder / "bridge.db").stat().st_size
        yield Grown(size, before, trials.whole_path(trials.Plan(shape, MEASURED, start=wanted), folder))
        tubes = wanted + MEASURED


def fill(config: Path, start: int, tubes: int) -> None:
    """File so many tubes, numbered from ``start``, all of them delivered."""
    site = settings.load(config)
    with Store.open(site.storage.url, exclusive=True) as store, Writer(store) as writer:
        process = work(Parts(site, compiled(site), store, writer, SystemClock())).process
        assert isinstance(process, Process)
        seeded = messages.tubes(menu(), tubes, start)
        while batch := list(islice(seeded, TOGETHER)):
            writer.submit(lambda tx, batch=batch: _file(tx, process, batch)).result()  # type: ignore[misc]


def _file(tx: object, process: Process, batch: list[messages.Tube]) -> None:
    now = datetime.now(UTC)
    for tube in batch:
        ((raw,),) = sent(SHAPES["one"], tube).messages
        entry = journal.Entry("line-1", "127.0.0.1", now, "mllp", True, raw)
        outcome = process(tx, journal.filed(journal.append(tx, entry), entry))  # type: ignore[arg-type]
        for _, ready in outcome.ready:
            outbox.settle(tx, ready.owed.id, "AA", "", now, outbox.Policy(0))  # type: ignore[arg-type]
