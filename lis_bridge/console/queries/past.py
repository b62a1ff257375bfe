"""A patient's previous values, from the tubes that carried the same patient id."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, select

from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.console.queries.judged import judge
from lis_bridge.core.results import Observation
from lis_bridge.storage.schema.tubes import tube
from lis_bridge.tubes.state import TubeState, plain
from lis_bridge.tubes.store import load
from lis_bridge.tubes.views import TubeLine

BACK = 5
"""Tubes that are looked through: the last chemistry may lie behind some blood counts."""
JUMP = Decimal(30)
"""Per cent from which a change is printed bold: to be noticed, no rule."""


@dataclass(frozen=True, slots=True)
class Previous:
    """The value before; ``change`` in per cent, None where one of both is no plain number. ``jump``: a large one."""

    tube: str
    at: datetime
    value: str
    number: Decimal | None
    change: int | None
    jump: bool


@dataclass(frozen=True, slots=True)
class _Before:
    tube: str
    at: datetime
    row: Observation


class Past:
    """The previous values of one tube's patient. An id alone is not enough: where both tubes have a name, it is the same."""

    def __init__(self, tx: Connection, line: TubeLine, tests: TestCatalogue) -> None:
        self._tests = tests
        self._rows: dict[tuple[str, str], _Before] = {}
        for id, key, name, at in self._tubes(tx, line):
            if not (line.patient_name and name) or plain(line.patient_name) == plain(name):
                state = load(tx, TubeState(id, key))
                for row in state.reported().values():
                    if row.test:
                        self._rows.setdefault((row.test, row.aspect), _Before(key, datetime.fromisoformat(at), row))

    @property
    def newest(self) -> datetime | None:
        """When the previous tube came."""
        return max((before.at for before in self._rows.values()), default=None)

    def of(self, row: Observation, number: Decimal | None, unit: str) -> Previous | None:
        """The value before of a result; only in the same unit."""
        before = self._rows.get((row.test or "", row.aspect))
        if before is None:
            return None
        was = judge(before.row, self._tests.test(row.test or ""), "")
        if was.unit != unit:
            return None
        is_plain = not row.comparator and not before.row.comparator
        change = _change(was.number, number) if is_plain else None
        return Previous(
            before.tube,
            before.at,
            was.value,
            was.number,
            None if change is None else int(change.quantize(Decimal(1))),
            change is not None and abs(change) >= JUMP,
        )

    def _tubes(self, tx: Connection, line: TubeLine) -> list[tuple[int, str, str | None, str]]:
        if not line.patient_id:
            return []
        columns = (tube.c.id, tube.c.key, tube.c.patient_name, tube.c.created_at)
        query = select(*columns).where(tube.c.patient_id == line.patient_id, tube.c.id < line.id)
        return [tuple(row) for row in tx.execute(query.order_by(tube.c.id.desc()).limit(BACK))]


def _change(was: Decimal | None, now: Decimal | None) -> Decimal | None:
    return None if not was or now is None else (now / was - 1) * 100
