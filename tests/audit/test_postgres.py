"""The audit log on PostgreSQL: the same promises."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, make_url

from lis_bridge.storage import Store

from . import promises

SERVER = os.environ.get("LIS_BRIDGE_TEST_POSTGRES")
NAME = f"lis_bridge_audit_test_{os.getpid()}"

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


def test_what_is_appended_is_a_whole_chain(store: Store) -> None:
    promises.what_is_appended_is_a_whole_chain(store)


def test_nothing_can_be_changed_or_deleted(store: Store) -> None:
    promises.nothing_can_be_changed_or_deleted(store)


def test_appends_at_one_time_make_one_chain(store: Store) -> None:
    promises.appends_at_one_time_make_one_chain(store)
