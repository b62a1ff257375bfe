"""Tubes as they fill up: the ones that changed last, in the order in which they came, so that a row keeps its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from sqlalchemy import Connection, select

from lis_bridge.storage.schema.deliveries import delivery
from lis_bridge.storage.schema.tubes import tube

State = Literal["measuring", "waiting", "partly", "delivered", "held", "refused", "dismissed"]
"""``dismissed``: of what was owed of the tube every delivery was given up, so that no LIS took anything."""
SHOWN = 30
AT_ONCE = 1000
"""Tubes whose deliveries one query asks for: a database bounds what a query may name."""

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
    states = states_of(tx, found)
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
            states[row.id],
            datetime.fromisoformat(row.created_at),
            datetime.fromisoformat(row.updated_at),
        )
        for row in found
    ]


class _Tube(Protocol):
    """A tube as far as its state needs it."""

    @property
    def id(self) -> int: ...

    @property
    def held(self) -> int: ...


def states_of(tx: Connection, found: Sequence[_Tube]) -> dict[int, State]:
    """The states of tubes, by their ids."""
    deliveries: dict[int, set[str]] = {row.id: set() for row in found}
    for first in range(0, len(found), AT_ONCE):
        ids = [row.id for row in found[first : first + AT_ONCE]]
        query = select(delivery.c.tube_id, delivery.c.state).where(delivery.c.tube_id.in_(ids)).distinct()
        for tube_id, state in tx.execute(query):
            deliveries[tube_id].add(state)
    return {row.id: state_of(row.held, deliveries[row.id]) for row in found}


def state_of(held: int, deliveries: Iterable[str]) -> State:
    """The word for a tube: what needs a person first."""
    states = set(deliveries)
    if "dead" in states:
        return "refused"
    if held:
        return "held"
    if states & {"open", "pending"}:
        return "partly" if "delivered" in states else "waiting"
    if "delivered" in states:
        return "delivered"
    return "dismissed" if states else "measuring"
