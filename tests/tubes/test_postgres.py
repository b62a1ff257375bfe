"""Tubes on PostgreSQL: the same results under a second specimen id are found in the tail, and behind it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, func, make_url, select

from lis_bridge.storage import Store
from lis_bridge.storage.schema import observed
from lis_bridge.tubes import echoes
from lis_bridge.tubes.keys import named
from lis_bridge.tubes.store import Arrival, Tubes

from .samples import LINE, NOW, message, row

SERVER = os.environ.get("LIS_BRIDGE_TEST_POSTGRES")
NAME = f"lis_bridge_tubes_test_{os.getpid()}"

pytestmark = pytest.mark.skipif(SERVER is None, reason="LIS_BRIDGE_TEST_POSTGRES names no server")


@pytest.fixture
def store() -> Iterator[Store]:
    server = make_url(SERVER or "")
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {NAME}")
    with Store.open(server.set(database=NAME).render_as_string(hide_password=False)) as opened:
        yield opened
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {NAME} WITH (FORCE)")
    engine.dispose()


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
