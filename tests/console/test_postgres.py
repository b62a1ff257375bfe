"""Lists are read on PostgreSQL as on SQLite: set LIS_BRIDGE_TEST_POSTGRES as for ``tests/storage/test_postgres.py``."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert

from lis_bridge import audit, journal, outbox
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.console.queries import quarantine, tubes
from lis_bridge.console.queries.provenance import provenance
from lis_bridge.console.queries.sheet import Lab, sheet
from lis_bridge.console.queries.tubes import Filters
from lis_bridge.core.results import Message, Patient
from lis_bridge.journal import Entry
from lis_bridge.storage import Store
from lis_bridge.storage.schema.deliveries import delivery
from lis_bridge.tubes import keys
from lis_bridge.tubes.assembly import Context
from lis_bridge.tubes.store import Arrival, Tubes
from tests.postgres import needed, url

from .test_now import OTHER, TUBE, row

__all__ = ["url"]

pytestmark = needed
AT = datetime(2026, 3, 17, 1, 45, tzinfo=UTC)
LAB = Lab(TestCatalogue.load(), {"lis": "UTF-8"})


def filled(store: Store) -> None:
    with store.write() as tx:
        for specimen, name, value in ((TUBE, "林远山", "4.1"), (OTHER, "周一鸣_", "6.9")):
            entry = journal.append(tx, Entry("line-1", "", AT, "mllp", True, b"K 4.1"))
            message = Message("patient", specimen, Patient("P1", name), True, (row("K", value),))
            Tubes().file(tx, message, keys.named(specimen), Context("line-1"), Arrival(entry, 0, AT))


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        (Filters(text="林"), [TUBE]),
        (Filters(text="2026031700002"), [OTHER]),
        (Filters(text="P1"), [OTHER, TUBE]),
        (Filters(text="远山"), [TUBE]),
        (Filters(text="%"), []),
        (Filters(text="一鸣_"), [OTHER]),
        (Filters(analyzer="line-1"), [OTHER, TUBE]),
        (Filters(state="held"), []),
        (Filters(state="waiting"), []),
        (Filters(state="delivered"), []),
        (Filters(state="measuring"), [OTHER, TUBE]),
        (Filters(since=AT), [OTHER, TUBE]),
    ],
)
def test_tubes_are_found(filters: Filters, wanted: list[str], url: str) -> None:
    with Store.open(url) as store:
        filled(store)
        with store.read() as tx:
            assert [found.key for found in tubes.find(tx, filters).page.rows] == wanted
            assert tubes.exact(tx, TUBE) == TUBE


def test_tubes_that_were_given_up_are_found(url: str) -> None:
    with Store.open(url) as store:
        filled(store)
        with store.write() as tx:
            for number, (of, state) in enumerate(((1, "dismissed"), (2, "dismissed"), (2, "delivered"))):
                to = {"destination": "lis", "tube_id": of, "control_id": str(number), "state": state}
                tx.execute(insert(delivery).values(to | {"due_at": "", "created_at": AT.isoformat()}))
        with store.read() as tx:
            for state, keys in (("dismissed", [TUBE]), ("delivered", [OTHER]), ("measuring", [])):
                for filters in (Filters(state=state), Filters(state=state, text="2026")):
                    found = tubes.find(tx, filters).page.rows
                    assert [(one.key, one.state) for one in found] == [(key, state) for key in keys]


def test_a_sheet_and_a_number_s_bytes_are_read(url: str) -> None:
    with Store.open(url) as store:
        filled(store)
        with store.read() as tx:
            found = sheet(tx, OTHER, LAB)
            assert found is not None
            assert [(one.test, one.judged.tone) for one in found.results] == [("K", "c")]
            where = provenance(tx, OTHER, 0, LAB, {})
            assert where is not None
            assert where.wire is not None
            assert [piece.text for piece in where.wire.pieces] == ["K 4.1"]


def test_lists_are_narrowed(url: str) -> None:
    with Store.open(url) as store:
        filled(store)
        with store.write() as tx:
            journal.quarantine(tx, 2, "no dialect")
            sent = {"tube_id": 1, "due_at": "", "created_at": AT.isoformat()}
            for number, state in enumerate(("delivered", "dead", "delivered")):
                to = {"destination": "lis" if number else "archive", "control_id": str(number), "state": state}
                tx.execute(insert(delivery).values(sent | to))
            looked = audit.Entry(at=AT, actor="jiang", via="console", action="viewed", subject="tube 1")
            audit.append(tx, looked)
        with store.read() as tx:
            assert [(one.analyzer, one.messages, one.newest) for one in quarantine.unread(tx)] == [("line-1", 1, 2)]
            assert [one.id for one in quarantine.alike(tx, "line-1", "no dialect", limit=9).rows] == [2]
            for wanted, found in (
                ({"destination": "lis"}, [3, 2]),
                ({"destination": "lis", "state": "delivered"}, [3]),
                ({"destination": "lis", "state": "dead", "tube_id": 1}, [2]),
                ({"state": "delivered", "tube_id": 2}, []),
            ):
                assert [line.id for line in outbox.lines(tx, **wanted)] == found, wanted  # type: ignore[arg-type]
            assert [line.id for line in audit.lines(tx, actor="jiang", action="viewed", subject="tube 1")] == [1]
