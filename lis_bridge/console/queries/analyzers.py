"""The analyzers as tiles: state, last message, today's count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import Connection

from lis_bridge import journal
from lis_bridge.console.queries.day import Day
from lis_bridge.core.faults import Fault
from lis_bridge.runtime.plans import Compiled
from lis_bridge.runtime.status import AnalyzerStatus, Snapshot
from lis_bridge.settings import Config

State = Literal["running", "idle", "silent", "lost", "fault", "stopped"]
_STATES: dict[str, State] = {
    "running": "running",
    "idle": "idle",
    "silent": "silent",
    "link lost": "lost",
    "stopped": "stopped",
}


class Tile(msgspec.Struct, frozen=True):
    """One analyzer; ``since`` is when its trouble began or it was stopped, ``fault`` says why in the quarantine's or link's own words."""

    id: str
    name: str
    model: str
    state: State
    message_at: datetime | None
    today: int
    bars: Sequence[int]
    since: datetime | None
    fault: Fault | None


def tiles(tx: Connection, config: Config, compiled: Compiled, snapshot: Snapshot, day: Day, now: datetime) -> list[Tile]:
    """In the order of the configuration: a tile keeps its place."""
    day.look(tx, now)
    by_id = {one.id: one for one in snapshot.analyzers}
    return [
        _tile(tx, by_id[one.id], one.name or one.id, compiled.plans[one.id].manifest.name, day, now)
        for one in config.analyzers
        if one.id in by_id
    ]


def _tile(tx: Connection, status: AnalyzerStatus, name: str, model: str, day: Day, now: datetime) -> Tile:
    state, since, fault = _STATES[status.state], status.since, status.fault
    refused = _refused(tx, status.id) if state in ("running", "idle") else None
    if refused is not None:
        state, since = "fault", refused.received_at
        fault = Fault(refused.reason or "", f"journal entry {refused.id}", refused.detail or "")
    elif state == "silent":
        since = status.heard_at
    return Tile(status.id, name, model, state, status.message_at, day.today(status.id), day.bars(status.id, now), since, fault)


def _refused(tx: Connection, analyzer: str) -> journal.Line | None:
    """The analyzer's last message, where it could not be understood."""
    newest = journal.lines(tx, analyzer=analyzer, limit=1)
    return newest[0] if newest and newest[0].state == "quarantined" else None
