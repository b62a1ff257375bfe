"""What came of a demo: the comparison of both ends, and how long each stage took.

The stages between the ends are read from the bridge's own database after it has stopped; the whole way is measured outside, by one clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import Connection, func, select

from lis_bridge.simulate.analyzer import Taken
from lis_bridge.simulate.lis import Received
from lis_bridge.simulate.scenario import Morning
from lis_bridge.simulate.tally import Place, accepted, filed, percentiles, tally
from lis_bridge.storage.schema.deliveries import delivery
from lis_bridge.storage.schema.holds import hold
from lis_bridge.storage.schema.journal import journal
from lis_bridge.storage.schema.tubes import tube_event
from lis_bridge.storage.store import Store

SHOWN = 20
"""How many of each kind of wrong place the report names."""

ACKNOWLEDGED, PROCESSED, DELIVERED, WHOLE = "acknowledged", "processed", "delivered", "whole"
"""The stages: last byte → analyzer's acknowledgement; received → processed; processed → delivered (the collecting window and a LIS that is
away are part of it); last byte → last byte at the LIS."""


class Report(msgspec.Struct, frozen=True):
    """The demo's figures (DESIGN section 6). ``results`` stand in the LIS as they should, of ``sent``; ``held`` are results kept back, of ``to_hold``;
    ``largest_tube`` is the number of different tests that the LIS got of one tube.
    """

    tubes: int
    messages: int
    sent: int
    results: int
    deliveries: int
    lost: int
    duplicated: int
    misfiled: int
    held: int
    to_hold: int
    seconds: float
    latency_ms: dict[str, dict[str, float]]
    details: dict[str, tuple[str, ...]]
    largest_tube: int = 0

    @property
    def clean(self) -> bool:
        """Nothing lost, nothing duplicated, nothing misfiled."""
        return not (self.lost or self.duplicated or self.misfiled)


def report(
    plan: Morning, received: Sequence[Received], taken: Mapping[str, Sequence[Taken]], database: Path, seconds: float
) -> Report:
    """Compares and measures. Raises StorageError where the bridge left no database."""
    found = tally(plan.expected, received)
    with Store.open(f"sqlite:///{database}") as store, store.read() as tx:
        held = tx.execute(select(func.sum(hold.c.results)).where(hold.c.state == "open")).scalar() or 0
        inside = {PROCESSED: percentiles(_processed(tx)), DELIVERED: percentiles(_delivered(tx))}
    wrong = {"lost": found.lost, "duplicated": found.duplicated, "misfiled": found.misfiled}
    answered = (one.taken_at - one.said_at for many in taken.values() for one in many if one.taken_at > one.said_at)
    return Report(
        tubes=len(plan.tubes),
        messages=sum(map(len, taken.values())),
        sent=len(plan.expected),
        results=found.right,
        deliveries=len(accepted(received)),
        **{name: len(places) for name, places in wrong.items()},
        held=int(held),
        to_hold=plan.held,
        seconds=round(seconds, 1),
        latency_ms={ACKNOWLEDGED: percentiles(answered), **inside, WHOLE: percentiles(_whole(plan, received, taken))},
        details={name: places[:SHOWN] for name, places in wrong.items() if places},
        largest_tube=_largest(received),
    )


def _largest(received: Sequence[Received]) -> int:
    places = {result.place for message in accepted(received) for result in filed(message)}
    return max(Counter(place.tube for place in places).values(), default=0)


def _processed(tx: Connection) -> Iterable[float]:
    rows = tx.execute(select(journal.c.received_at, tube_event.c.at).join(tube_event, tube_event.c.journal_id == journal.c.id))
    return [_between(received, processed) for received, processed in rows]


def _delivered(tx: Connection) -> Iterable[float]:
    rows = tx.execute(select(delivery.c.created_at, delivery.c.settled_at).where(delivery.c.state == "delivered"))
    return [_between(created, settled) for created, settled in rows]


def _between(first: str, second: str) -> float:
    return (datetime.fromisoformat(second) - datetime.fromisoformat(first)).total_seconds()


def _whole(plan: Morning, received: Sequence[Received], taken: Mapping[str, Sequence[Taken]]) -> Iterable[float]:
    """For each result: from the last byte of the message that first held it to the moment at which the LIS had read it."""
    said: dict[tuple[Place, str], float] = {}
    for analyzer, many in taken.items():
        for one in many:
            for measured in one.sample.results:
                place = Place(one.sample.id, analyzer, plan.tests[analyzer].get(measured.code, ""))
                said.setdefault((place, measured.value), one.said_at)
    for result in (result for message in accepted(received) for result in filed(message)):
        began = said.get((result.place, result.value))
        if began is not None:
            yield result.at - began
