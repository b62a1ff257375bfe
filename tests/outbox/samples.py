"""Tubes and reports of invented patients, and a builder whose messages can be read by eye."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, insert

from lis_bridge import outbox
from lis_bridge.core.reports import Head, Report, Status
from lis_bridge.core.results import Observation
from lis_bridge.storage import schema

NOW = datetime(2026, 3, 17, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=10)


def add_tube(tx: Connection, id: int, version: int = 1) -> int:
    at = NOW.isoformat()
    tx.execute(
        insert(schema.tubes.tube).values(
            id=id, key=f"TUBE-{id:04d}", specimen=f"TUBE-{id:04d}", version=version, created_at=at, updated_at=at
        )
    )
    return id


def report(test: str = "GLU", value: str = "4.10", status: Status = "F", analyzer: str = "line-1") -> Report:
    return Report(Observation(code=f"{test}-1", test=test, value=value), status, analyzer)


def build(head: Head, reports: Sequence[Report], control_id: str) -> bytes:
    rows = (f"{one.observation.test}={one.observation.value}/{one.status}" for one in reports)
    return f"{control_id} {head.key} {' '.join(rows)}".encode()


def no_mark(tx: Connection, tube: int, version: int) -> None:
    """For tests that are not about ``tube.sealed``."""


def owe(tx: Connection, tube: int, *reports: Report, at: datetime = NOW, stat: bool = False, after: int | None = None) -> int:
    id = outbox.owe(
        tx, "lis", tube, reports or (report(),), stat=stat, now=at, window=2.0, after=() if after is None else (after,)
    )
    assert id is not None
    return id


def seal(tx: Connection, at: datetime = LATER) -> list[int]:
    return [owed.id for owed in outbox.seal(tx, "lis", now=at, build=build, mark=no_mark, limit=1000).owed]


def message(tx: Connection, id: int) -> str:
    found = outbox.get(tx, id)
    assert found is not None
    assert found.message is not None
    return found.message.decode()


def state(tx: Connection, id: int) -> str:
    return outbox.states(tx, [id])[id]


def sealed(tx: Connection, tube: int, *reports: Report) -> int:
    """A pending delivery of a new tube."""
    add_tube(tx, tube)
    id = owe(tx, tube, *reports)
    seal(tx)
    return id
