"""What yesterday's results would be today: the journal read once more by the present drivers and overrides, held against what was filed.

Nothing is written and nothing locked: pages of stored events are read, each entry behind them decoded again, and every row that was filed
looked for in what comes out. Rows are the same where code, aspect and place in the entry are. Entries of which nothing was filed are not
looked at; those that wait are a replay's business.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from sqlalchemy import Connection, Row, Select, func, select

from lis_bridge import journal
from lis_bridge.catalogue.derive import Formulas
from lis_bridge.core.results import Message, Observation
from lis_bridge.pipeline.deriving import with_derived
from lis_bridge.pipeline.process import Instrument
from lis_bridge.pipeline.screening import screen
from lis_bridge.runtime.plans import Compiled, compiled
from lis_bridge.runtime.work import instrument, specimen_rules
from lis_bridge.settings import Config
from lis_bridge.storage import Store
from lis_bridge.storage.schema.journal import journal as journal_table
from lis_bridge.storage.schema.tubes import tube, tube_event
from lis_bridge.tubes import events, tables
from lis_bridge.tubes.events import REPORTING, VERDICTS, Slot
from lis_bridge.tubes.keys import SpecimenRules
from lis_bridge.tubes.runs import source_of
from lis_bridge.tubes.store import Tubes, event_of

PAGE = 200
MOST = 10_000
"""Differences that are listed one by one; beyond, they are only counted."""
COMPARED = (
    "test", "value", "comparator", "unit", "ucum", "factor", "low", "high", "flags", "abnormal", "status", "observed_at", "problem",
    "doubted",
)  # fmt: skip


class Read(msgspec.Struct, frozen=True):
    """How a result is read; ``problem``: why it would be held."""

    tube: str
    test: str | None
    value: str | None
    comparator: str
    unit: str | None
    ucum: str | None
    factor: str | None
    low: str | None
    high: str | None
    flags: tuple[str, ...]
    abnormal: str
    status: str | None
    observed_at: str | None
    problem: str | None
    doubted: bool


class Difference(msgspec.Struct, frozen=True):
    """One result that is read differently; ``fields`` say in what. ``delivered``: a LIS may have seen it."""

    entry: int
    analyzer: str
    code: str
    what: str  # changed, other tube, gone
    fields: tuple[str, ...]
    delivered: bool
    before: Read
    after: Read | None


@dataclass
class Comparison:
    """What was found: ``counts`` by same, changed, other tube and gone; ``added`` are results in the same entries that were none before."""

    entries: int = 0
    results: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    added: int = 0
    delivered: int = 0
    unconfigured: int = 0
    revisions: dict[str, dict[str, int]] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)

    @property
    def harmless(self) -> bool:
        """True when every filed result would be read the same today, and no other."""
        return not (self.added or self.unconfigured) and self.counts["same"] == self.results


Place = tuple[int, str, str, int]


def compare(
    config: Config, store: Store, analyzer: str | None, since: datetime | None, told: Callable[[int, int], None]
) -> Comparison:
    """Every filed result against the present drivers and overrides; ``told`` hears of events looked at and their number."""
    reading = _Reading(config, compiled(config))
    query = _query(analyzer, since)
    with store.read() as tx:
        total = tx.scalar(select(func.count()).select_from(query.subquery())) or 0
    seen, after = 0, 0
    while True:
        with store.read() as tx:
            page = tx.execute(query.where(tube_event.c.id > after).order_by(tube_event.c.id).limit(PAGE)).all()
            for row in page:
                reading.look(tx, row)
        if not page:
            reading.leave()
            return reading.found
        after, seen = page[-1].id, seen + len(page)
        told(seen, total)


def _query(analyzer: str | None, since: datetime | None) -> Select[tuple[int, int, int, bytes, str, int]]:
    """Events that the machine filed, with their tubes."""
    query = (
        select(tube_event.c.id, tube_event.c.seq, tube_event.c.journal_id, tube_event.c.content, tube.c.key, tube.c.sealed)
        .join(tube, tube.c.id == tube_event.c.tube_id)
        .join(journal_table, journal_table.c.id == tube_event.c.journal_id)
        .where(journal_table.c.state == "done")
    )
    if analyzer is not None:
        query = query.where(journal_table.c.analyzer == analyzer)
    if since is not None:
        query = query.where(tube_event.c.at >= since.isoformat(timespec="microseconds"))
    return query


class _Reading:
    """The present drivers over entry after entry; events of one entry stand together."""

    def __init__(self, config: Config, parts: Compiled) -> None:
        self.found = Comparison()
        self._rules: SpecimenRules = specimen_rules(config)
        self._instruments: dict[str, Instrument] = {one.id: instrument(one, parts) for one in config.analyzers}
        self._formulas, self._tests = Formulas.load(), parts.tests
        self._entry: journal.Filed | None = None
        self._fresh: dict[Place, Read] = {}
        self._unfiled: set[Place] = set()
        self._tubes = Tubes()

    def look(self, tx: Connection, row: Row[tuple[int, int, int, bytes, str, int]]) -> None:
        event = event_of(tx, row.content)
        if not isinstance(event, events.Filed) or event.by:
            return
        if self._entry is None or self._entry.id != row.journal_id:
            self.leave()
            self._take(tx, row.journal_id)
        if self._entry is None:
            return
        for verdict, filed in zip(event.verdicts, event.rows, strict=True):
            if filed.is_result:
                delivered = row.seq <= row.sealed and VERDICTS[verdict] in REPORTING
                self._compare(self._entry, filed, row.key, delivered)

    def _take(self, tx: Connection, id: int) -> None:
        """Decode an entry as the service would today."""
        entry = journal.get(tx, id)
        assert entry is not None
        known = self._instruments.get(entry.analyzer)
        if known is None:
            self.found.unconfigured += 1
            return
        self._entry = entry
        self.found.entries += 1
        then = self.found.revisions.setdefault(entry.analyzer, {})
        name = f"{entry.driver} {entry.revision}"
        then[name] = then.get(name, 0) + 1
        self._fresh, self._unfiled = {}, set()
        for message in self._messages(known, entry):
            key = known.key_of(message, self._rules, entry.received_at).key
            rows = {_place(row): row for row in message.observations if row.is_result}
            self._fresh |= {place: _as_read(row, key) for place, row in rows.items()}
            slots = self._slots(tx, key)
            source = source_of(message, entry.analyzer)
            self._unfiled |= {place for place, row in rows.items() if (source, row.key, row.aspect) not in slots}

    def _messages(self, known: Instrument, entry: journal.Filed) -> Iterator[Message]:
        decoded = known.plan.decode(entry.raw, complete=entry.complete)
        if screen(decoded, known.expected) is None:
            for message in decoded.messages:
                if message.kind == "patient" and message.closed:
                    yield with_derived(message, known.plan, self._formulas, self._tests)

    def _slots(self, tx: Connection, key: str) -> frozenset[Slot]:
        """The measurements of which a tube has a result, by whichever entry."""
        row = tables.TUBE_BY_KEY.one(tx, of=key)
        slots = self._tubes.state(tx, row[0]).slots if row is not None else {}
        return frozenset(slot for slot, runs in slots.items() if any(run.row.is_result for run in runs))

    def leave(self) -> None:
        """What the entry gives today and its tube has never had."""
        self.found.added += len(self._unfiled)
        self._entry, self._unfiled = None, set()

    def _compare(self, entry: journal.Filed, filed: Observation, key: str, delivered: bool) -> None:
        place = _place(filed)
        self._unfiled.discard(place)
        before, after = _as_read(filed, key), self._fresh.get(place)
        differing = tuple(name for name in COMPARED if after is None or getattr(before, name) != getattr(after, name))
        what = "gone" if after is None else "other tube" if after.tube != key else "changed" if differing else "same"
        self.found.results += 1
        self.found.counts[what] += 1
        if what == "same":
            return
        self.found.delivered += delivered
        if len(self.found.differences) < MOST:
            fields = () if after is None else differing
            self.found.differences.append(Difference(entry.id, entry.analyzer, filed.key, what, fields, delivered, before, after))


def _place(row: Observation) -> Place:
    return (row.span[0], row.code, row.aspect, row.occurrence)


def _as_read(row: Observation, key: str) -> Read:
    return Read(key, *(getattr(row, name) for name in COMPARED))
