"""Where one number comes from: the analyzer's bytes, the driver that read them, what judged it, what each LIS answered."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, select

from lis_bridge import journal
from lis_bridge.catalogue.plan import Plan
from lis_bridge.console.queries.judged import Judged, judge
from lis_bridge.console.queries.sheet import Lab
from lis_bridge.console.queries.told import Tellings, Told
from lis_bridge.framing.legible import NAMES, legible
from lis_bridge.storage.schema.critical_values import critical, critical_call
from lis_bridge.tubes import views
from lis_bridge.tubes.views import RunLine, TubeView

AROUND = 160
"""Bytes shown before and behind the span; a line's end ends them earlier."""
MOST = 64 * 1024
"""Bytes shown of a whole message."""

_CONTROL = re.compile("([\x00-\x1f\x7f])")
_LINE_ENDS = b"\r\n"


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes as text, or one control character's name; ``marked`` inside the span that the result came from."""

    kind: Literal["text", "control"]
    text: str
    marked: bool


@dataclass(frozen=True, slots=True)
class Bytes:
    """The journal entry's bytes around the span ``start``–``end``; ``left_out`` is how many of the entry are not shown."""

    entry: int
    received_at: datetime
    peer: str
    start: int
    end: int
    pieces: Sequence[Piece]
    left_out: int


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of the same measurement."""

    value: str
    unit: str
    observed_at: str
    standing: str
    reason: str
    arrived_at: datetime


@dataclass(frozen=True, slots=True)
class Call:
    """Who was told of a critical value, by whom."""

    told: str
    ward: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """Of one run. ``driver`` and ``revision`` are what read the entry last, empty while nothing did; ``factor`` converted the number."""

    tube: str
    number: int
    code: str
    test: str
    aspect: str
    judged: Judged
    analyzer: str
    standing: str
    reason: str
    wire: Bytes | None
    driver: str
    revision: int | None
    loinc: str
    sent_value: str
    sent_unit: str
    factor: str
    flags: tuple[str, ...]
    derived: str
    critical_low: str
    critical_high: str
    runs: Sequence[Measured]
    told: Sequence[Told]
    calls: Sequence[Call]


def provenance(
    tx: Connection, key: str, number: int, lab: Lab, plans: Mapping[str, Plan], *, whole: bool = False
) -> Provenance | None:
    """Of a tube's run; with ``whole`` the entry's bytes are not cut around the span. None for no such run."""
    id = views.find(tx, key)
    view = views.view(tx, id) if id is not None else None
    if view is None or not 0 <= number < len(view.runs):
        return None
    run = view.runs[number]
    row = run.observation
    test = lab.tests.test(row.test) if row.test else None
    entry = journal.get(tx, run.journal_id) if run.journal_id else None
    return Provenance(
        tube=view.tube.key,
        number=number,
        code=row.key,
        test=row.test or "",
        aspect=row.aspect,
        judged=judge(row, test, (view.patient and view.patient.sex) or ""),
        analyzer=run.analyzer,
        standing=run.standing,
        reason=run.reason or "",
        wire=_bytes(entry, row.span, plans.get(entry.analyzer), whole) if entry is not None else None,
        driver=(entry and entry.driver) or "",
        revision=entry.revision if entry else None,
        loinc=test.loinc if test else "",
        sent_value=row.value if row.value is not None else row.raw,
        sent_unit=row.unit or "",
        factor=row.factor or "",
        flags=row.flags,
        derived=row.derived or "",
        critical_low=(test and test.crit_low) or "",
        critical_high=(test and test.crit_high) or "",
        runs=[_measured(other) for other in _same(view, run)],
        told=Tellings(tx, view.tube.id, lab.charsets).of(row, run.analyzer),
        calls=_calls(tx, view.tube.id, run),
    )


def _same(view: TubeView, run: RunLine) -> list[RunLine]:
    wanted = (run.source, run.observation.key, run.observation.aspect)
    return [one for one in view.runs if (one.source, one.observation.key, one.observation.aspect) == wanted]


def _measured(run: RunLine) -> Measured:
    row = run.observation
    value = row.value if row.value is not None else row.raw
    at = datetime.fromisoformat(run.at)
    return Measured(value, row.unit or "", row.observed_at or "", run.standing, run.reason or "", at)


def _calls(tx: Connection, tube_id: int, run: RunLine) -> list[Call]:
    c, call, row = critical.c, critical_call.c, run.observation
    query = (
        select(call.told, call.ward, call.at, call.by)
        .join(critical, c.id == call.critical_id)
        .where(c.tube_id == tube_id, c.source == run.source, c.code == row.key, c.aspect == row.aspect)
        .order_by(call.id)
    )
    return [Call(told, ward, datetime.fromisoformat(at), by) for told, ward, at, by in tx.execute(query)]


def _bytes(entry: journal.Filed, span: tuple[int, int], plan: Plan | None, whole: bool) -> Bytes:
    raw, charset = entry.raw, charset_of(entry, plan)
    start, end = (min(place, len(raw)) for place in span)
    if whole or start == end:
        low, high = max(0, min(start, len(raw) - MOST)), len(raw)
        high = min(high, low + MOST)
    else:
        low, high = _line_before(raw, start), _line_behind(raw, end)
    low, high = (_boundary(raw, place, charset) for place in (low, high))
    parts = ((raw[low:start], False), (raw[start:end], True), (raw[end:high], False))
    pieces = [piece for part, marked in parts for piece in _pieces(part, marked, charset)]
    return Bytes(entry.id, entry.received_at, entry.peer, start, end, pieces, len(raw) - (high - low))


def _line_before(raw: bytes, start: int) -> int:
    """The start of the line before the span, at most ``AROUND`` bytes away."""
    least = max(0, start - AROUND)
    found = max(raw.rfind(end, least, max(least, start - 2)) for end in (b"\r", b"\n"))
    return least if found < 0 else found + 1


def _line_behind(raw: bytes, end: int) -> int:
    most = min(len(raw), end + AROUND)
    found = next((place for place in range(end + 2, most) if raw[place] in _LINE_ENDS), most - 1)
    return found + 1


def charset_of(entry: journal.Filed, plan: Plan | None) -> str:
    """The charset in which the analyzer's driver reads the entry; empty where none of its charsets holds it."""
    return next(filter(None, (dialect.charset_of(entry.raw) for dialect in (plan.dialects if plan else ()))), "")


def _boundary(raw: bytes, at: int, charset: str) -> int:
    """The place, or the start of the character that it would cut."""
    if not charset:
        return at
    decoder = codecs.getincrementaldecoder(charset)()
    decoder.decode(raw[:at])
    return at - len(decoder.getstate()[0])


def _pieces(part: bytes, marked: bool, charset: str) -> Iterator[Piece]:
    for piece in _CONTROL.split(_text(part, charset)):
        if _CONTROL.fullmatch(piece):
            code = ord(piece)
            yield Piece("control", NAMES[code] if code < len(NAMES) else "DEL", marked)
        elif piece:
            yield Piece("text", piece, marked)


def _text(part: bytes, charset: str) -> str:
    """Without a charset, every byte that is not ASCII as ``<xE4>``."""
    if charset:
        return part.decode(charset, "replace")
    return "".join(chr(byte) if byte < 0x80 else legible(bytes([byte])) for byte in part)
