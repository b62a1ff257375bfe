"""Critical values: what goes to the LIS and lies beyond the catalogue's critical limits waits here until somebody was told of it.

A newer report of the same result takes the older value's place, also of one that was called; a value that a person holds back and lets go
again was called once and is not asked for again. Written in the transaction that makes the report; a tube without any
costs one look at each test's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache

from sqlalchemy import Connection, Text, bindparam, insert, literal_column, select, update

from lis_bridge.catalogue.tests import Test, TestCatalogue, reported
from lis_bridge.core.faults import BridgeError
from lis_bridge.core.reports import Report
from lis_bridge.rules.limits import Limits, critical
from lis_bridge.storage import Statement
from lis_bridge.storage.schema.critical_values import critical as table
from lis_bridge.storage.schema.critical_values import critical_call
from lis_bridge.tubes.store import Receipt

_c = table.c
_OPEN = _c.state == literal_column("'open'")
_SLOT = (_c.source == bindparam("of_source"), _c.code == bindparam("of_code"), _c.aspect == bindparam("of_aspect"))
_TOLD = _c.state == literal_column("'called'")
_SUPERSEDED = update(table).where(_c.tube_id == bindparam("tube"), *_SLOT).values(state=literal_column("'superseded'"))
_KNOWN = Statement(select(_c.id).where(_c.tube_id == bindparam("tube"), _OPEN | _TOLD).limit(1))
_WITHDRAW = Statement(_SUPERSEDED.where(_OPEN))
_SUPERSEDE = Statement(_SUPERSEDED.where(_OPEN | _TOLD))
_CALLED_OF = Statement(select(_c.test, _c.value, _c.unit, _c.side).where(_c.tube_id == bindparam("tube"), *_SLOT, _TOLD))
_RAISE = Statement(
    insert(table).values(
        {column.name: bindparam(column.name) for column in table.c if column.name not in ("id", "state")}
        | {"state": literal_column("'open'")}
    )
)
_CALLED = Statement(update(table).where(_c.id == bindparam("of"), _OPEN).values(state=literal_column("'called'")))
_CALL = Statement(
    insert(critical_call).values({name: bindparam(name) for name in ("critical_id", "told", "ward", "read_back", "at")})
    .values(by=bindparam("by", type_=Text))
)  # fmt: skip


class Alarms:
    """The catalogue's tests that have critical limits."""

    def __init__(self, tests: TestCatalogue) -> None:
        self._limited: Mapping[str, tuple[Test, Limits]] = {
            test.code: (test, limits_of(test)) for test in tests.tests if test.crit_low or test.crit_high
        }

    def note(self, tx: Connection, receipt: Receipt, at: datetime, *, decided: bool = False) -> None:
        """Keep what of a receipt's reports is critical, and close what it takes the place of. ``decided``: a person let it go, nothing was measured."""
        touched = [report for report in receipt.reports if report.observation.test in self._limited]
        if not touched or receipt.tube_id is None:
            return
        is_known = receipt.seq > 1 and _KNOWN.one(tx, tube=receipt.tube_id) is not None
        for report in touched if is_known else ():
            if report.status == "W":
                _WITHDRAW.run(tx, tube=receipt.tube_id, **_slot(report))
        for report in touched:
            if report.status != "W":
                self._judge(tx, receipt.tube_id, report, at, is_known=is_known, decided=decided)

    def _judge(self, tx: Connection, tube_id: int, report: Report, at: datetime, *, is_known: bool, decided: bool) -> None:
        row = report.observation
        test, limits = self._limited[row.test or ""]
        side = critical(row, limits)
        value, unit = reported(row, test)[:2] if side else ("", None)
        if is_known:
            known = map(tuple, _CALLED_OF.rows(tx, tube=tube_id, **_slot(report)))
            if decided and (test.code, value, unit, side) in known:
                return
            _SUPERSEDE.run(tx, tube=tube_id, **_slot(report))
        if side:
            _RAISE.run(
                tx,
                tube_id=tube_id,
                source=_source(report),
                code=row.key,
                aspect=row.aspect,
                analyzer=report.analyzer,
                test=test.code,
                value=value,
                unit=unit,
                side=side,
                raised_at=at.astimezone(UTC).isoformat(timespec="microseconds"),
            )


@cache
def shipped() -> Alarms:
    """The limits of the catalogue that comes with the bridge."""
    return Alarms(TestCatalogue.load())


def limits_of(test: Test) -> Limits:
    """A test's critical limits as numbers."""
    low, high = (None if text is None else Decimal(text) for text in (test.crit_low, test.crit_high))
    return Limits(low, high)


def register_call(tx: Connection, critical_id: int, *, told: str, ward: str, read_back: bool, by: str, at: datetime) -> None:
    """Note that a person was told of an open critical value. Raises BridgeError where it waits no more."""
    if not _CALLED.run(tx, of=critical_id):
        hint = "look at the tube again"
        raise BridgeError("this critical value waits no more", where=f"critical value {critical_id}", hint=hint)
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    _CALL.run(tx, critical_id=critical_id, told=told, ward=ward, read_back=int(read_back), at=moment, by=by)


def _source(report: Report) -> str:
    return report.source or report.analyzer


def _slot(report: Report) -> dict[str, str]:
    row = report.observation
    return {"of_source": _source(report), "of_code": row.key, "of_aspect": row.aspect}
