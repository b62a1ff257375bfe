"""A database of its own on the server that LIS_BRIDGE_TEST_POSTGRES names, where databases may be made and dropped."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count

import pytest
from sqlalchemy import create_engine, make_url

from lis_bridge.storage import Store

SERVER = os.environ.get("LIS_BRIDGE_TEST_POSTGRES")
needed = pytest.mark.skipif(SERVER is None, reason="LIS_BRIDGE_TEST_POSTGRES names no server")
_numbers = count(1)


@pytest.fixture
def url() -> Iterator[str]:
    """The address of an empty database, which is dropped afterwards."""
    server, name = make_url(SERVER or ""), f"lis_bridge_test_{os.getpid()}_{next(_numbers)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield server.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    engine.dispose()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """That database, open."""
    with Store.open(url) as opened:
        yield opened
