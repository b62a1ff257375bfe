"""Tubes as they fill up: the ones that changed last, in the order in which they came, so that a row keeps its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, select

from lis_bridge.storage.schema import delivery, tube

State = Literal["measuring", "waiting", "partly", "delivered", "held", "refused"]
SHOWN = 30

_t = tube.c
COLUMNS = (
    *(_t.id, _t.key, _t.specimen, _t.stat, _t.patient_name, _t.patient_id),
    *(_t.results, _t.held, _t.created_at, _t.updated_at),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A tube as lists show it: what is reported, what is held, and what became of its deliveries."""

    id: int
    key: str
    specimen: str
    stat: bool
    patient: str
    patient_id: str
    results: int
    held: int
    state: State
    created_at: datetime
    updated_at: datetime

    @property
    def level(self) -> float:
        """How full the glass is drawn: what is known of this tube and kept back by nobody."""
        return self.results / (self.results + self.held) if self.results else 0.0


def recent(tx: Connection, limit: int = SHOWN) -> list[Row]:
    """The tubes that changed last, the youngest first."""
    found = rows_of(tx, tx.execute(select(*COLUMNS).order_by(tube.c.updated_at.desc()).limit(limit)).all())
    return sorted(found, key=lambda row: row.id, reverse=True)


def rows_of(tx: Connection, found: Sequence[Any]) -> list[Row]:
    """Rows of ``COLUMNS`` with their states, in the order in which they were found."""
    states = _deliveries(tx, [row.id for row in found])
    return [
        Row(
            row.id,
            row.key,
            row.specimen,
            bool(row.stat),
            row.patient_name or "",
            row.patient_id or "",
            row.results,
            row.held,
            state_of(row.held, states.get(row.id, ())),
            datetime.fromisoformat(row.created_at),
            datetime.fromisoformat(row.updated_at),
        )
        for row in found
    ]


def _deliveries(tx: Connection, ids: Sequence[int]) -> dict[int, set[str]]:
    states: dict[int, set[str]] = {}
    query = select(delivery.c.tube_id, delivery.c.state).where(delivery.c.tube_id.in_(ids)).distinct()
    for tube_id, state in tx.execute(query):
        states.setdefault(tube_id, set()).add(state)
    return states


def state_of(held: int, deliveries: Iterable[str]) -> State:
    """The word for a tube: what needs a person first."""
    states = set(deliveries)
    if "dead" in states:
        return "refused"
    if held:
        return "held"
    if states & {"open", "pending"}:
        return "partly" if "delivered" in states else "waiting"
    return "delivered" if "delivered" in states else "measuring"
