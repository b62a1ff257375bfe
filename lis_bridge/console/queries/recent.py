"""Tubes as they fill up: the ones that changed last, in the order in which they came, so that a row keeps its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import Connection, select

from lis_bridge.storage.schema import delivery, tube

State = Literal["measuring", "waiting", "partly", "delivered", "held", "refused"]
SHOWN = 30


class Row(msgspec.Struct, frozen=True):
    """A tube; ``delivered`` of its ``results`` stand in the LIS, as far as whole deliveries tell."""

    id: int
    key: str
    specimen: str
    stat: bool
    patient: str
    results: int
    held: int
    state: State
    updated_at: datetime

    @property
    def level(self) -> float:
        """How full the glass is drawn: what is known of this tube and kept back by nobody."""
        return self.results / (self.results + self.held) if self.results else 0.0


def recent(tx: Connection, limit: int = SHOWN) -> list[Row]:
    """The tubes that changed last, the youngest first."""
    t = tube.c
    columns = (t.id, t.key, t.specimen, t.stat, t.patient_name, t.results, t.held, t.updated_at)
    found = tx.execute(select(*columns).order_by(t.updated_at.desc()).limit(limit)).all()
    states = _deliveries(tx, [row.id for row in found])
    rows = [
        Row(
            row.id,
            row.key,
            row.specimen,
            bool(row.stat),
            row.patient_name or "",
            row.results,
            row.held,
            state_of(row.held, states.get(row.id, ())),
            datetime.fromisoformat(row.updated_at),
        )
        for row in found
    ]
    return sorted(rows, key=lambda row: row.id, reverse=True)


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
