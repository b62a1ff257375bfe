"""Tubes on PostgreSQL: the same results under a second specimen id are found in the tail, and behind it."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from lis_bridge.storage import Store
from lis_bridge.storage.schema.tubes import observed
from lis_bridge.tubes import echoes
from lis_bridge.tubes.keys import named
from lis_bridge.tubes.store import Arrival, Tubes
from tests.postgres import needed, store, url

from .samples import LINE, NOW, message, row

__all__ = ["store", "url"]

pytestmark = needed


@pytest.mark.parametrize("tail", [0, 100])
def test_the_same_results_under_a_second_id_are_held_by_every_process(
    store: Store, monkeypatch: pytest.MonkeyPatch, tail: int
) -> None:
    monkeypatch.setattr(echoes, "TAIL", tail)
    one = message(row("K", "4.1"), row("NA", "141", "09:46:10"))
    service, command = Tubes(), Tubes()
    outcomes = []
    for number, (tubes, key) in enumerate([(service, "26031700881"), (command, "26031700882"), (service, "26031700883")], 1):
        with store.write() as tx:
            receipt = tubes.file(tx, one, named(key), LINE, Arrival(number, 0, NOW))
            outcomes.append([str(outcome) for outcome in receipt.outcomes])
    assert outcomes == [["new", "new"], ["held", "held"], ["held", "held"]]
    with store.read() as tx:
        assert tx.execute(select(func.count()).select_from(observed)).scalar_one() == (0 if tail else 2)
