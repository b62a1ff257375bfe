"""What a mapping needs before it is made, and what waited for it: the entries that are read again once it is there.

A replay doubles nothing: what is known adds nothing, and what was delivered and would be read differently today stays as it is (promise 5).
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, literal_column, select, update

from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core.faults import UsageError
from lis_bridge.core.holds import Reason
from lis_bridge.mappings import Kind
from lis_bridge.storage.schema.holds import hold
from lis_bridge.storage.schema.journal import journal

LONGEST = 100
"""Characters of a device's code."""
AT_ONCE = 500
_REASONS: dict[Kind, Reason] = {"code": Reason.UNKNOWN_CODE, "unit": Reason.UNKNOWN_UNIT, "ignored": Reason.UNKNOWN_CODE}


def check(kind: Kind, said: str, means: str, tests: TestCatalogue) -> None:
    """Raises UsageError for a mapping under which results would still be held."""
    _check_said(said)
    if kind == "code" and tests.test(means) is None:
        raise UsageError("the catalogue has no such test", where=means, hint="search it by name, code or LOINC")
    if kind == "unit" and not knows_unit(tests, means):
        raise UsageError("the catalogue has no such unit", where=means, hint="write a unit as units.tsv spells it")


def check_ignored(code: str, codes: Collection[str]) -> None:
    """Raises UsageError for a code that means a test (``codes`` do): ignoring it would not keep it from being reported."""
    _check_said(code)
    if code in codes:
        raise UsageError(
            "a code that means a test is not ignored",
            where=code,
            hint="only a code that nothing maps is; see lis-bridge mapping list",
        )


def _check_said(said: str) -> None:
    if not said or len(said) > LONGEST or not said.isprintable():
        raise UsageError("this is nothing that a device writes", where=repr(said[:LONGEST]), hint="write it as the device does")


def knows_unit(tests: TestCatalogue, text: str) -> bool:
    """True for a spelling or a UCUM unit that the catalogue can do something with."""
    return bool(tests.units.meanings(text)) or any(test.ucum == text for test in tests.tests)


def waiting(tx: Connection, analyzer: str, kind: Kind, said: str) -> list[int]:
    """The journal entries with an open hold that this mapping mends. Which unit a hold means only its entry tells: all of them are read again."""
    return held(tx, analyzer, kind, None if kind == "unit" else said)


def held(tx: Connection, analyzer: str, kind: Kind, code: str | None) -> list[int]:
    """The journal entries with an open hold for an unknown code, or for an unknown unit, that names this code as a mapping says it."""
    h = hold.c
    query = select(h.journal_id, h.codes).where(
        h.state == literal_column("'open'"), h.analyzer == analyzer, h.reason == _REASONS[kind].value
    )
    return sorted({id for id, codes in tx.execute(query) if code is None or code in codes.split("\n")})


def reopen(tx: Connection, entries: Collection[int]) -> int:
    """Have these entries processed again, those that are pending already left alone; how many."""
    ids, j, count = list(entries), journal.c, 0
    for start in range(0, len(ids), AT_ONCE):
        chosen = j.id.in_(ids[start : start + AT_ONCE]), j.state.in_(("done", "quarantined"))
        count += tx.execute(update(journal).where(*chosen).values(state="pending", reason=None)).rowcount
    return count
