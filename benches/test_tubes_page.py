"""What the console's tubes cost in a filled database: finding, one tube of 220 results, where a number comes from.

``LIS_BRIDGE_BENCH_TUBES=1000000`` fills a larger one.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert

from benches import messages
from benches.asking import MOST_MS, median
from benches.race import Figure, Outcome
from lis_bridge import journal
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.console.queries import tubes
from lis_bridge.console.queries.provenance import provenance
from lis_bridge.console.queries.sheet import Lab, sheet
from lis_bridge.console.queries.tubes import Filters
from lis_bridge.core.results import Message, Observation, Patient
from lis_bridge.journal import Entry
from lis_bridge.storage import Store, schema
from lis_bridge.tubes import keys
from lis_bridge.tubes.assembly import Context
from lis_bridge.tubes.store import Arrival, Tubes

TUBES = int(os.environ.get("LIS_BRIDGE_BENCH_TUBES", "100000"))
BATCH = 10_000
START = datetime(2025, 3, 1, tzinfo=UTC)
SURNAMES, GIVEN = "林李王张刘陈杨赵黄周吴徐孙胡朱高何郭马罗", "远山小青一鸣若谷文静海波建国志强晓梅雨桐子涵浩然"
LAB = Lab(TestCatalogue.load(), {"lis": "UTF-8"})

QUESTIONS: dict[str, Callable[[Connection], object]] = {
    "newest page": lambda tx: tubes.find(tx, Filters()),
    "page at the far end": lambda tx: tubes.find(tx, Filters(), 500),
    "scanned barcode": lambda tx: tubes.exact(tx, f"26{TUBES // 2:010d}"),
    "barcode's beginning": lambda tx: tubes.find(tx, Filters(text=f"26{TUBES // 20000:06d}")),
    "what every barcode begins with": lambda tx: tubes.find(tx, Filters(text="26")),
    "surname": lambda tx: tubes.find(tx, Filters(text="林")),
    "whole name": lambda tx: tubes.find(tx, Filters(text="林远山")),
    "part of a name": lambda tx: tubes.find(tx, Filters(text="远山")),
    "nothing such": lambda tx: tubes.find(tx, Filters(text="zzzz")),
    "an analyzer that has none": lambda tx: tubes.find(tx, Filters(analyzer="none")),
    "held": lambda tx: tubes.find(tx, Filters(state="held")),
    "given up": lambda tx: tubes.find(tx, Filters(state="dismissed")),
    "measuring, which none is": lambda tx: tubes.find(tx, Filters(state="measuring")),
    "delivered": lambda tx: tubes.find(tx, Filters(state="delivered")),
    "a day": lambda tx: tubes.find(tx, Filters(since=START + timedelta(days=9), until=START + timedelta(days=9))),
    "tube of 220 results, 5 tubes before it": lambda tx: sheet(tx, "BIG000000005", LAB),
    "where a number comes from": lambda tx: provenance(tx, "BIG000000005", 10, LAB, {}),
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder: Path = tmp_path_factory.mktemp("filled")
    with Store.open(f"sqlite:///{folder / 'bridge.db'}") as store:
        for first in range(1, TUBES + 1, BATCH):
            with store.write() as tx:
                _fill(tx, range(first, min(first + BATCH, TUBES + 1)))
        with store.write() as tx:
            _one_patient(tx)
        yield store


def test_pages_of_tubes(filled: Store, benchmark: Callable[..., object], outcome: Outcome) -> None:
    """Console: a page of tubes in a filled database (ms)"""
    for name, ask in QUESTIONS.items():
        outcome.figures.append(Figure(name, median(filled, ask), "ms", goal=MOST_MS))
    benchmark(median, filled, QUESTIONS["newest page"])


def _fill(tx: Connection, ids: range) -> None:
    chance = random.Random(messages.SEED + ids[0])
    at = {id: (START + timedelta(seconds=30 * id)).isoformat(timespec="microseconds") for id in ids}
    held = {"version": 1, "sealed": 1, "results": 30, "held": 0, "stat": 0, "numbered": 0}
    name = [chance.choice(SURNAMES) + chance.choice(GIVEN) + chance.choice(GIVEN) for _ in ids]
    entry = {
        "peer": "",
        "framing": "mllp",
        "complete": 1,
        "raw": bytes(200),
        "state": "done",
        "driver": "mindray-bs",
        "revision": 1,
    }
    sent = {"destination": "lis", "state": "delivered", "stat": 0, "attempts": 1, "results": 30, "verdict": "AA"}
    tx.execute(insert(schema.journal.journal), [{"id": id, "analyzer": "line-1", "received_at": at[id], **entry} for id in ids])
    tx.execute(
        insert(schema.tubes.tube),
        [
            {
                "id": id,
                "key": f"26{id:010d}",
                "specimen": f"26{id:010d}",
                "patient_id": f"P{chance.randrange(TUBES // 3):07d}",
                "patient_name": who,
                "created_at": at[id],
                "updated_at": at[id],
                **held,
            }
            for id, who in zip(ids, name, strict=True)
        ],
    )
    tx.execute(
        insert(schema.tubes.tube_event), [{"tube_id": id, "seq": 1, "journal_id": id, "at": at[id], "content": b""} for id in ids]
    )
    moments = ("due_at", "created_at", "sealed_at", "settled_at")
    tx.execute(
        insert(schema.deliveries.delivery),
        [{"id": id, "tube_id": id, "control_id": f"c-{id}", **dict.fromkeys(moments, at[id]), **sent} for id in ids],
    )


def _one_patient(tx: Connection) -> None:
    """Six tubes of 220 results of one patient, filed as the process step does."""
    numeric = [test for test in LAB.tests.tests if test.result_type == "numeric" and test.ucum][:220]
    for visit in range(6):
        now = START + timedelta(days=400 + visit)
        rows = tuple(
            Observation(test.code, test.code, text, text, Decimal(text), unit=test.ucum, ucum=test.ucum, low="3", high="9",
                        status="F", observed_at=now.isoformat())
            for place, test in enumerate(numeric)
            for text in (f"{5 + visit + place % 7}.{place % 10}",)
        )  # fmt: skip
        entry = journal.append(tx, Entry("line-1", "", now, "mllp", True, b"OBX|1|NM|K||6.82|mmol/L\r" * 220))
        message = Message("patient", f"BIG{visit:09d}", Patient("PBIG", "林大管"), True, rows)
        Tubes().file(tx, message, keys.named(f"BIG{visit:09d}"), Context("line-1"), Arrival(entry, 0, now))
