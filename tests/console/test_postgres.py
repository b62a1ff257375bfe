"""Tubes are found on PostgreSQL as on SQLite: set LIS_BRIDGE_TEST_POSTGRES as for ``tests/storage/test_postgres.py``."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lis_bridge import journal
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.console.queries import tubes
from lis_bridge.console.queries.provenance import provenance
from lis_bridge.console.queries.sheet import Lab, sheet
from lis_bridge.console.queries.tubes import Filters
from lis_bridge.core.results import Message, Patient
from lis_bridge.journal import Entry
from lis_bridge.storage import Store
from lis_bridge.tubes import keys
from lis_bridge.tubes.assembly import Context
from lis_bridge.tubes.store import Arrival, Tubes

from ..storage.test_postgres import SERVER, url
from .test_now import OTHER, TUBE, row

__all__ = ["url"]

pytestmark = pytest.mark.skipif(SERVER is None, reason="LIS_BRIDGE_TEST_POSTGRES names no server")
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
        (Filters(since=AT), [OTHER, TUBE]),
    ],
)
def test_tubes_are_found(filters: Filters, wanted: list[str], url: str) -> None:
    with Store.open(url) as store:
        filled(store)
        with store.read() as tx:
            assert [found.key for found in tubes.find(tx, filters).page.rows] == wanted
            assert tubes.exact(tx, TUBE) == TUBE


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
