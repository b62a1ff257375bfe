"""What needs a person, the most urgent first: critical values, holds, refused deliveries, quarantine, analyzers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, func, literal_column, select

from lis_bridge import outbox
from lis_bridge.console.queries.analyzers import Tile
from lis_bridge.core.holds import Reason
from lis_bridge.storage.schema.critical_values import critical
from lis_bridge.storage.schema.holds import hold
from lis_bridge.storage.schema.journal import journal
from lis_bridge.storage.schema.tubes import tube

MOST = 50
"""Items of one kind that are shown; the pages of each kind show all."""
TO_MAP = (Reason.UNKNOWN_CODE, Reason.UNKNOWN_UNIT, Reason.UNKNOWN_ENCODING)
"""Reasons that one mapping mends for many tubes: shown together."""
MAPS = {str(Reason.UNKNOWN_CODE): "code", str(Reason.UNKNOWN_UNIT): "unit"}
TROUBLE = ("stopped", "lost", "fault", "silent")


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """What every item of the list has; ``id`` is its element's on the page."""

    id: str
    since: datetime


class OfTube(Waiting, frozen=True, kw_only=True):
    """Of one tube, or of none; ``number`` is by what the item is decided about."""

    number: int
    tube: str
    stat: bool
    patient: str


class Critical(OfTube, frozen=True, kw_only=True):
    """A critical value that nobody was told of; ``value`` as the LIS has it."""

    test: str
    value: str
    unit: str
    side: str
    kind: str = "critical"


class Held(OfTube, frozen=True, kw_only=True):
    """A hold; ``may_release`` where a person's word is enough."""

    analyzer: str
    reason: str
    detail: str
    codes: str
    results: int
    may_release: bool
    kind: str = "hold"


class Unmapped(Waiting, frozen=True, kw_only=True):
    """Holds that the same mapping mends; ``maps`` is what one mapping is of (code, unit), empty where several are needed or none helps."""

    analyzer: str
    reason: str
    codes: str
    results: int
    tubes: int
    maps: str
    kind: str = "unmapped"


class Dead(Waiting, frozen=True, kw_only=True):
    """A delivery that the LIS does not take; ``words`` are the LIS's."""

    number: int
    tube: str
    destination: str
    verdict: str
    words: str
    results: int
    kind: str = "dead"


class Quarantined(Waiting, frozen=True, kw_only=True):
    """Messages of one analyzer that could not be understood, for one reason."""

    analyzer: str
    reason: str
    detail: str
    messages: int
    kind: str = "quarantine"


class Trouble(Waiting, frozen=True, kw_only=True):
    """An analyzer that nothing comes from, or nothing that can be understood."""

    tile: Tile
    kind: str = "analyzer"


Item = Critical | Held | Unmapped | Dead | Quarantined | Trouble


class Work(msgspec.Struct, frozen=True):
    """The list; the counts are of everything, also of what is not shown."""

    items: Sequence[Item]
    criticals: int
    decisions: int
    analyzers: int


def work(tx: Connection, tiles: Sequence[Tile]) -> Work:
    """The work list; ``tiles`` are the analyzers as they are now."""
    found = criticals(tx)
    decisions: list[Item] = [*_held(tx), *_dead(tx), *_unmapped(tx), *_quarantined(tx)]
    troubles = _troubles(tiles)
    return Work([*found, *decisions, *troubles], open_criticals(tx), len(decisions), len(troubles))


def criticals(tx: Connection, limit: int = MOST, tube_id: int | None = None) -> list[Critical]:
    """Critical values, of all tubes or of one, that nobody was told of; the one that waits longest first."""
    c = critical.c
    query = (
        select(c.id, c.raised_at, c.test, c.value, c.unit, c.side, tube.c.key, tube.c.stat, tube.c.patient_name)
        .join(tube, tube.c.id == c.tube_id)
        .where(c.state == literal_column("'open'"))
        .order_by(c.id)
        .limit(limit)
    )
    if tube_id is not None:
        query = query.where(c.tube_id == tube_id)
    return [
        Critical(
            id=f"critical-{row.id}",
            since=datetime.fromisoformat(row.raised_at),
            **_named(row),
            test=row.test,
            value=row.value,
            unit=row.unit or "",
            side=row.side,
        )
        for row in tx.execute(query)
    ]


def _named(row: Any) -> dict[str, Any]:
    """Number, tube and patient of a row; a hold may have no tube."""
    return {"number": row.id, "tube": row.key or "", "stat": bool(row.stat), "patient": row.patient_name or ""}


def open_criticals(tx: Connection) -> int:
    """How many critical values nobody was told of."""
    query = select(func.count()).select_from(critical).where(critical.c.state == literal_column("'open'"))
    return int(tx.execute(query).scalar_one())


def _held(tx: Connection) -> list[Held]:
    h = hold.c
    columns = (
        h.id,
        h.created_at,
        h.tube_id,
        h.analyzer,
        h.reason,
        h.detail,
        h.codes,
        h.results,
        tube.c.key,
        tube.c.stat,
        tube.c.patient_name,
    )
    query = (
        select(*columns)
        .join_from(hold, tube, h.tube_id == tube.c.id, isouter=True)
        .where(h.state == literal_column("'open'"), h.reason.not_in([str(reason) for reason in TO_MAP]))
        .order_by(h.id)
        .limit(MOST)
    )
    return [
        Held(
            id=f"hold-{row.id}",
            since=datetime.fromisoformat(row.created_at),
            **_named(row),
            analyzer=row.analyzer,
            reason=row.reason,
            detail=row.detail,
            codes=row.codes.replace("\n", " "),
            results=row.results,
            may_release=row.tube_id is not None,
        )
        for row in tx.execute(query)
    ]


def _unmapped(tx: Connection) -> list[Unmapped]:
    h = hold.c
    query = (
        select(h.analyzer, h.reason, h.codes, func.count(), func.sum(h.results), func.min(h.created_at), func.min(h.id))
        .where(h.state == literal_column("'open'"), h.reason.in_([str(reason) for reason in TO_MAP]))
        .group_by(h.analyzer, h.reason, h.codes)
        .order_by(func.min(h.id))
        .limit(MOST)
    )
    return [
        Unmapped(
            id=f"unmapped-{first}",
            since=datetime.fromisoformat(since),
            analyzer=analyzer,
            reason=reason,
            codes=codes.replace("\n", " "),
            results=results,
            tubes=tubes,
            maps="" if "\n" in codes else MAPS.get(reason, ""),
        )
        for analyzer, reason, codes, tubes, results, since, first in tx.execute(query)
    ]


def _dead(tx: Connection) -> list[Dead]:
    return [
        Dead(
            id=f"delivery-{line.id}",
            since=line.settled_at or line.created_at,
            number=line.id,
            tube=line.tube,
            destination=line.destination,
            verdict=line.verdict or "",
            words=line.lis_text or "",
            results=line.results,
        )
        for line in outbox.lines(tx, state="dead", limit=MOST)
    ]


def _quarantined(tx: Connection) -> list[Quarantined]:
    j = journal.c
    newest = (
        select(j.id, j.analyzer, j.reason, j.detail, j.received_at)
        .where(j.state == literal_column("'quarantined'"))
        .order_by(j.id.desc())
        .limit(MOST * 4)
    ).subquery()
    n = newest.c
    query = (
        select(n.analyzer, n.reason, func.count(), func.min(n.received_at), func.min(n.id), func.max(n.detail))
        .group_by(n.analyzer, n.reason)
        .order_by(func.min(n.id))
    )
    return [
        Quarantined(
            id=f"quarantine-{first}",
            since=datetime.fromisoformat(since),
            analyzer=analyzer,
            reason=reason or "",
            detail=detail or "",
            messages=messages,
        )
        for analyzer, reason, messages, since, first, detail in tx.execute(query)
    ]


def _troubles(tiles: Sequence[Tile]) -> list[Trouble]:
    """An analyzer that was not heard since the start is no trouble: it may be switched off."""
    return [
        Trouble(id=f"analyzer-{tile.id}", since=tile.since, tile=tile)
        for state in TROUBLE
        for tile in tiles
        if tile.state == state and tile.since is not None
    ]
