"""The journal on PostgreSQL: the same statements, the same answers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine, make_url

from lis_bridge import journal
from lis_bridge.core.faults import Fault
from lis_bridge.storage import Store

SERVER = os.environ.get("LIS_BRIDGE_TEST_POSTGRES")
NAME = f"lis_bridge_journal_test_{os.getpid()}"
AT = datetime(2026, 3, 17, 9, 45, 42, tzinfo=UTC)

pytestmark = pytest.mark.skipif(SERVER is None, reason="LIS_BRIDGE_TEST_POSTGRES names no server")


@pytest.fixture
def url() -> Iterator[str]:
    server = make_url(SERVER or "")
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {NAME}")
    yield server.set(database=NAME).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {NAME} WITH (FORCE)")
    engine.dispose()


def entry(raw: bytes) -> journal.Entry:
    return journal.Entry("line-1", "peer", AT, "lis1a", True, raw)


def test_an_entry_goes_its_way_from_frames_to_done(store: Store) -> None:
    with store.write() as tx:
        journal.append_frame(tx, "s1", entry(b"\x00\xffH|"))
        journal.append_frame(tx, "s2", entry(b"cut"))
        whole = journal.end_session(tx, "s1", entry(b"\x00\xffH|L|"))
        (cut,) = journal.recover(tx, AT, lambda _found: False)
        noise = journal.keep_evidence(tx, entry(b"\x00"), Fault("noise", "byte 0", "check the cable"))
    with store.write() as tx:
        journal.done(tx, whole, "mindray-bs", 3)
        journal.quarantine(tx, cut, "odd", "look")
        journal.discard(tx, noise, "me")
    with store.read() as tx:
        assert journal.get(tx, whole) == journal.Filed(
            whole, "line-1", "peer", AT, "lis1a", True, b"\x00\xffH|L|", "done", None, None, "mindray-bs", 3
        )
        assert journal.counts(tx) == {"pending": 0, "quarantined": 1, "discarded": 1, "done": 1}
        assert [(line.id, line.size) for line in journal.lines(tx, state="quarantined", before=99)] == [(cut, 3)]
    with store.write() as tx:
        journal.reopen(tx, cut)
        assert [filed.id for filed in journal.pending(tx, 10)] == [cut]
