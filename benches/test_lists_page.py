"""What the console's lists cost in a filled database: deliveries, quarantine, audit log; the first page, one at the far end, and each filter.

``LIS_BRIDGE_BENCH_ROWS=1000000`` fills a larger one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, insert

from benches.asking import MOST_MS, median
from benches.race import Figure, Outcome
from lis_bridge.console.queries import audit, deliveries, quarantine
from lis_bridge.console.queries.paging import ROWS
from lis_bridge.console.queries.work import work
from lis_bridge.storage import Store, schema
from lis_bridge.tubes import views

MANY = int(os.environ.get("LIS_BRIDGE_BENCH_ROWS", "100000"))
"""Deliveries, entries of journal and audit log, and holds; all but the newest holds were decided."""
BATCH = 10_000
START, ZONE = datetime(2025, 3, 1, tzinfo=UTC), ZoneInfo("Asia/Shanghai")
DAY = date(2025, 3, 2)
DEAD_EVERY, QUARANTINED_EVERY, OPEN_HOLDS = 700, 900, 500
FAR = 500


def _deliveries(before: int | None = None, **wanted: object) -> Callable[[Connection], object]:
    asked = deliveries.Wanted(**wanted)  # type: ignore[arg-type]
    return lambda tx: deliveries.deliveries(tx, asked, ZONE, before=before, limit=ROWS)


def _audit(before: int | None = None, **wanted: object) -> Callable[[Connection], object]:
    asked = audit.Wanted(**wanted)  # type: ignore[arg-type]
    return lambda tx: audit.entries(tx, asked, ZONE, before=before, limit=ROWS)


QUESTIONS: dict[str, Callable[[Connection], object]] = {
    "deliveries: newest page": _deliveries(),
    "deliveries: page at the far end": _deliveries(FAR),
    "deliveries: dead": _deliveries(state="dead"),
    "deliveries: delivered": _deliveries(state="delivered"),
    "deliveries: given up, which none is": _deliveries(state="dismissed"),
    "deliveries: to the LIS": _deliveries(destination="lis"),
    "deliveries: to one that got few": _deliveries(destination="archive"),
    "deliveries: to one that got none": _deliveries(destination="elsewhere"),
    "deliveries: delivered to one that got none": _deliveries(destination="elsewhere", state="delivered"),
    "deliveries: dead to the LIS": _deliveries(destination="lis", state="dead"),
    "deliveries: dead, far end": _deliveries(FAR, destination="lis", state="dead"),
    "deliveries: of a tube": _deliveries(tube=f"T{MANY // 2:010d}"),
    "deliveries: delivered of a tube": _deliveries(tube=f"T{MANY // 2:010d}", state="delivered", destination="lis"),
    "deliveries: of a day": _deliveries(since=DAY, until=DAY),
    "deliveries: dead of a day": _deliveries(since=DAY, until=DAY, state="dead"),
    "quarantine: to be mapped": lambda tx: quarantine.unmapped(tx),
    "quarantine: holds, newest page": lambda tx: quarantine.held(tx, limit=ROWS),
    "quarantine: holds, far end": lambda tx: quarantine.held(tx, before=MANY - OPEN_HOLDS + ROWS, limit=ROWS),
    "quarantine: holds of the file": lambda tx: views.holds(tx, before=MANY - OPEN_HOLDS + ROWS, limit=ROWS),
    "quarantine: how many holds": lambda tx: views.open_counts(tx),
    "quarantine: messages by reason": lambda tx: quarantine.unread(tx),
    "quarantine: messages alike": lambda tx: quarantine.alike(tx, "line-1", "no dialect", limit=ROWS),
    "quarantine: messages alike, far end": lambda tx: quarantine.alike(tx, "line-1", "no dialect", before=FAR, limit=ROWS),
    "quarantine: messages alike of one that has none": lambda tx: quarantine.alike(tx, "line-2", "no dialect", limit=ROWS),
    "now: what needs a person": lambda tx: work(tx, ()),
    "audit: newest page": _audit(),
    "audit: page at the far end": _audit(FAR),
    "audit: of a person": _audit(actor="jiang"),
    "audit: of nobody": _audit(actor="nobody"),
    "audit: looks": _audit(action="viewed"),
    "audit: a rare act": _audit(action="hold released"),
    "audit: looks of one who was there once": _audit(action="viewed", actor="zhou"),
    "audit: a rare act of one who did all others": _audit(action="user added", actor="jiang"),
    "audit: a look at a tube": _audit(subject=f"tube T{MANY // 2:010d}", action="viewed", actor="jiang"),
    "audit: of a tube": _audit(subject=f"tube T{MANY // 2:010d}"),
    "audit: of a day": _audit(since=DAY, until=DAY),
    "audit: a rare act of a day": _audit(since=DAY, until=DAY, action="hold released"),
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder: Path = tmp_path_factory.mktemp("filled")
    with Store.open(f"sqlite:///{folder / 'bridge.db'}") as store:
        for first in range(1, MANY + 1, BATCH):
            with store.write() as tx:
                _fill(tx, range(first, min(first + BATCH, MANY + 1)))
        yield store


def test_pages_of_lists(filled: Store, benchmark: Callable[..., object], outcome: Outcome) -> None:
    """Console: a page of deliveries, quarantine and audit log in a filled database (ms)"""
    for name, ask in QUESTIONS.items():
        outcome.figures.append(Figure(name, median(filled, ask), "ms", goal=MOST_MS))
    benchmark(median, filled, QUESTIONS["deliveries: newest page"])


def _fill(tx: Connection, ids: range) -> None:
    at = {id: (START + timedelta(seconds=30 * id)).isoformat(timespec="microseconds") for id in ids}
    tx.execute(insert(schema.tubes.tube), [_tube(id, at[id]) for id in ids])
    tx.execute(insert(schema.journal.journal), [_entry(id, at[id]) for id in ids])
    tx.execute(
        insert(schema.journal.journal_raw), [{"journal_id": id, "size": 200, "packing": 0, "content": bytes(60)} for id in ids]
    )
    tx.execute(insert(schema.holds.hold), [_hold(id, at[id]) for id in ids])
    tx.execute(insert(schema.deliveries.delivery), [_delivery(id, at[id]) for id in ids])
    tx.execute(insert(schema.audit.audit), [_look(id, at[id]) for id in ids])


def _tube(id: int, at: str) -> dict[str, object]:
    named = {"id": id, "key": f"T{id:010d}", "specimen": f"T{id:010d}", "patient_name": "林远山"}
    return named | {"results": 30, "created_at": at, "updated_at": at}


def _entry(id: int, at: str) -> dict[str, object]:
    is_aside = id % QUARANTINED_EVERY == 0
    state, reason = ("quarantined", "no dialect") if is_aside else ("done", None)
    return {"id": id, "analyzer": "line-1" if is_aside else f"line-{id % 4 + 1}", "received_at": at, "framing": "mllp"} | {
        "state": state,
        "reason": reason,
    }


def _hold(id: int, at: str) -> dict[str, object]:
    is_open = id > MANY - OPEN_HOLDS
    reason = "unknown code" if id % 3 == 0 else "transmission cut off"
    of = {"id": id, "tube_id": id, "journal_id": id, "analyzer": "line-1", "reason": reason, "codes": f"NEW-{id % 5}"}
    return of | {"results": 1, "state": "open" if is_open else "released", "created_at": at}


def _delivery(id: int, at: str) -> dict[str, object]:
    state, verdict = ("dead", "AR") if id % DEAD_EVERY == 0 else ("delivered", "AA")
    of = {"id": id, "tube_id": id, "control_id": f"c-{id}", "destination": "archive" if id % 5000 == 0 else "lis"}
    moments = dict.fromkeys(("due_at", "created_at", "sealed_at", "settled_at"), at)
    return of | moments | {"state": state, "attempts": 1, "results": 30, "verdict": verdict}


def _look(id: int, at: str) -> dict[str, object]:
    actor, action = "zhou" if id == 7 else "jiang", "hold released" if id % 1000 == 0 else "viewed"
    of = {"id": id, "at": at, "actor": actor, "action": action, "subject": f"tube T{id:010d}"}
    return of | {"via": "console", "address": "127.0.0.1", "detail": "{}", "digest": f"{id:064x}"}
