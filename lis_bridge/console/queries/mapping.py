"""An unknown code or unit, as a person needs it to map it: what the analyzer said, and which tests or units it may be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Literal

import msgspec
from sqlalchemy import Connection, select

from lis_bridge import journal
from lis_bridge.catalogue.plan import Plan
from lis_bridge.catalogue.tests import Test, TestCatalogue
from lis_bridge.core.results import Observation
from lis_bridge.pipeline import remapping
from lis_bridge.storage.schema.holds import hold
from lis_bridge.tubes import views

LOOKED_AT = 20
"""Messages that are read again to show what waits; the newest."""
SHOWN = 12
Kind = Literal["code", "unit"]
Fit = Literal["fits", "part", "no"]


class Said(msgspec.Struct, frozen=True):
    """What an analyzer said under a code: in ``messages`` entries, of which the newest were read again. ``code`` is what the mapping is to say;
    on the wire stand ``written`` and, where it is not the usual one, ``material``. ``known`` is the test where the code is mapped.
    """

    analyzer: str
    kind: Kind
    code: str
    name: str
    messages: int
    wire: bytes
    values: tuple[str, ...]
    numbers: tuple[Decimal, ...]
    units: tuple[str, ...]
    tubes: tuple[int, ...]
    written: str
    material: str
    known: str | None = None

    @property
    def unit(self) -> str:
        """The unit that most likely is to be explained; empty where none was sent."""
        return self.units[0] if self.units else ""

    @property
    def key(self) -> str:
        """What the mapping is to say: the code, or a key of ``[analyzer.units]``."""
        if self.kind == "code":
            return self.code
        return f"unit {self.unit}" if self.unit else self.code


class Candidate(msgspec.Struct, frozen=True):
    """A test that the code may be. ``inside`` of the numbers that were sent lie in its range, ``also`` are codes of the analyzer that mean it already;
    ``taken`` tubes that wait have a result of it. ``usual``: the code is of an unusual material, and the test is the usual one's.
    """

    test: Test
    unit: Fit
    values: Fit
    inside: int
    also: tuple[str, ...]
    taken: int
    usual: bool


class Choice(msgspec.Struct, frozen=True):
    """A unit that the figures may be in; ``factor`` multiplies them into the test's own."""

    spelling: str
    ucum: str
    factor: str


def said(tx: Connection, plan: Plan, analyzer: str, kind: Kind, code: str) -> Said:
    """Read the newest messages that wait again, and gather what stands under the code."""
    waits = remapping.held(tx, analyzer, kind, code)
    rows: list[Observation] = []
    wire = b""
    for id in waits[-LOOKED_AT:]:
        entry = journal.get(tx, id)
        if entry is None:
            continue
        found = [row for message in plan.decode(entry.raw, complete=entry.complete).messages for row in message.observations]
        mine = [row for row in found if row.key == code and row.is_result]
        rows += mine
        wire = entry.raw[slice(*mine[0].span)] if mine else wire
    return Said(
        analyzer,
        kind,
        code,
        next((row.name for row in reversed(rows) if row.name), ""),
        len(waits),
        wire,
        tuple(dict.fromkeys(row.comparator + (row.value or "") if row.number is None else row.value or "" for row in rows)),
        tuple(row.number for row in rows if row.number is not None),
        tuple(dict.fromkeys(row.unit or "" for row in reversed(rows))),
        _tubes(tx, analyzer, waits[-LOOKED_AT:]),
        rows[0].code if rows else code,
        rows[0].material if rows else "",
        next((row.test for row in rows if row.test), None),
    )


def _tubes(tx: Connection, analyzer: str, waits: Sequence[int]) -> tuple[int, ...]:
    h = hold.c
    query = select(h.tube_id).where(h.state == "open", h.analyzer == analyzer, h.journal_id.in_(waits), h.tube_id.is_not(None))
    return tuple(dict.fromkeys(row[0] for row in tx.execute(query)))


def reported_in(tx: Connection, tubes: Iterable[int]) -> list[frozenset[str]]:
    """For each of these tubes the tests that it reports."""
    return [
        frozenset(run.observation.test or "" for run in views.view(tx, tube).runs if run.standing == "reported") for tube in tubes
    ]


def candidates(
    found: Said, text: str, tests: TestCatalogue, codes: Mapping[str, str], reported: Sequence[frozenset[str]]
) -> list[Candidate]:
    """The tests that ``text`` finds, at most ``SHOWN``; ``codes`` are those that the analyzer's plan knows. Those whose unit fits come first,
    and tests of another material than the code's last.
    """
    order: dict[Fit, int] = {"fits": 0, "part": 1, "no": 2}
    listed = [_candidate(found, test, tests, codes, reported) for test in tests.find(text)] if text.strip() else []
    near = listed[: SHOWN * 4]
    return sorted(near, key=lambda one: (one.usual, order[one.unit]))[:SHOWN]


def guess(found: Said, tests: TestCatalogue) -> str:
    """What to search the catalogue for at first: the device's name of it, or its code, or the beginning of either, whichever finds something."""
    texts = [found.name, found.written]
    texts += [re.split(r"[\s(（\[_-]", text, maxsplit=1)[0] for text in texts] + [re.sub(r"[\W\d_]+$", "", found.written)]
    return next((text for text in texts if text and tests.find(text)), found.written)


def _candidate(
    found: Said, test: Test, tests: TestCatalogue, codes: Mapping[str, str], reported: Sequence[frozenset[str]]
) -> Candidate:
    known = [tests.unit(unit or None, test) for unit in found.units]
    fitting = sum(unit is not None for unit in known)
    factor = Decimal(next((unit.factor for unit in known if unit is not None and unit.factor), "1"))
    inside = sum(_is_inside(number * factor, test) for number in found.numbers)
    also = tuple(code for code, means in codes.items() if means == test.code and code != found.code)
    taken = sum(test.code in tube for tube in reported)
    usual = bool(found.material) and any("@" not in code for code in also)
    return Candidate(test, _fit(fitting, len(known)), _fit(inside, len(found.numbers)), inside, also[:5], taken, usual)


def _fit(count: int, of: int) -> Fit:
    return "no" if not count else "fits" if 2 * count > of else "part"


def _is_inside(number: Decimal, test: Test) -> bool:
    lows = [Decimal(low) for low in (test.low_m, test.low_f) if low and _plain(low)]
    highs = [Decimal(high) for high in (test.high_m, test.high_f) if high and _plain(high)]
    return bool(lows or highs) and (not lows or number >= min(lows)) and (not highs or number <= max(highs))


def _plain(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None


def choices(found: Said, tests: TestCatalogue) -> list[Choice]:
    """The units that the catalogue can turn into the test's own, each once, the test's own first."""
    test = tests.test(found.known or "")
    if test is None:
        return []
    known: dict[tuple[str, str], Choice] = {}
    for spelling in (test.ucum, *tests.units.spellings):
        unit = tests.unit(spelling, test) if spelling else None
        if unit is not None:
            known.setdefault((unit.ucum, unit.factor or "1"), Choice(spelling, unit.ucum, unit.factor or "1"))
    return list(known.values())
