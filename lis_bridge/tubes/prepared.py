"""What a message brings to a tube, as far as it can be told without the database: it is prepared where the message was read.

As a rule a message is its tube's first, and everything in it is a final result of a known test, each once. Then nothing is known that could
speak against a row, and event and reports follow by columns: exactly what ``assembly.file`` makes of it for an empty tube.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter

from lis_bridge.core.reports import Report
from lis_bridge.core.results import Message
from lis_bridge.storage.packing import Packed, prepack
from lis_bridge.tubes import events
from lis_bridge.tubes.events import CODES, Filed, Outcome, Policy
from lis_bridge.tubes.marks import Marks, marks_of
from lis_bridge.tubes.runs import FINAL, rank, source_of

_judged = attrgetter("value", "test", "problem", "superseded", "occurrence", "status", "doubted")
_slot = attrgetter("code", "aspect")
_identity = attrgetter("test", "aspect")


@dataclass(frozen=True, slots=True, eq=False)
class First:
    """A message as the first of its tube: its event, encoded and as it will most likely be packed, and what the LIS is owed."""

    event: Filed
    content: bytes
    packed: Packed | None
    reports: tuple[Report, ...]
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """``first`` is None where the message must be judged row by row even as a tube's first."""

    marks: Marks
    first: First | None


def prepare(message: Message, analyzer: str, policy: Policy) -> Prepared:
    """A patient's message of this analyzer, whose driver reports runs by ``policy``."""
    source = source_of(message, analyzer)
    first = _first(message, analyzer, source, policy) if _is_plain(message) else None
    return Prepared(marks_of(source, message.observations), first)


def _is_plain(message: Message) -> bool:
    """True when every row is a result that would be reported, each measurement and each test once."""
    rows = message.observations
    if not rows or not message.complete or not message.closed or message.kind != "patient":
        return False
    values, tests, problems, superseded, occurrences, statuses, doubted = zip(*map(_judged, rows), strict=True)
    return (
        None not in values
        and None not in tests
        and set(problems) == {None}
        and not any(superseded)
        and not any(occurrences)
        and not any(doubted)
        and all(status == "F" or rank(status) <= FINAL for status in set(statuses))
        and len(set(map(_slot, rows))) == len(rows) == len(set(map(_identity, rows)))
    )


def _first(message: Message, analyzer: str, source: str, policy: Policy) -> First:
    rows = message.observations
    event = Filed(
        analyzer=analyzer,
        source=source,
        policy=policy,
        patient=message.patient,
        stat=message.stat,
        rows=rows,
        ordinals={},
        verdicts=bytes((CODES[Outcome.NEW],)) * len(rows),
        holds=(),
    )
    reports = tuple([Report(row, "F", analyzer, source) for row in rows])
    content = events.encode(event)
    return First(event, content, prepack(events.family(analyzer), content), reports, (Outcome.NEW,) * len(rows))
