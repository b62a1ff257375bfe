"""What the audit log promises on every database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy.exc import DBAPIError

from lis_bridge import audit
from lis_bridge.audit import Entry, Head
from lis_bridge.core.faults import StorageError
from lis_bridge.storage import Store

AT = datetime(2026, 3, 17, 1, 45, tzinfo=UTC)


def entry(number: int) -> Entry:
    return Entry(at=AT, actor="lin", via="console", action="hold released", subject=f"hold {number}", detail={"b": "甲", "a": 1})


def fill(store: Store, count: int) -> Head:
    head = Head()
    for number in range(count):
        with store.write() as tx:
            head = audit.append(tx, entry(number))
    return head


def what_is_appended_is_a_whole_chain(store: Store) -> None:
    head = fill(store, 3)
    with store.read() as tx:
        assert audit.verify(tx) == head == Head(3, head.digest)
        assert [line.subject for line in audit.lines(tx)] == ["hold 2", "hold 1", "hold 0"]


def nothing_can_be_changed_or_deleted(store: Store) -> None:
    fill(store, 2)
    for statement in ("UPDATE audit SET actor = 'nobody' WHERE id = 1", "DELETE FROM audit WHERE id = 2", "DELETE FROM audit"):
        with pytest.raises((DBAPIError, StorageError), match="append-only"), store.write() as tx:
            tx.exec_driver_sql(statement)
    with store.read() as tx:
        assert audit.newest(tx) == 2


def appends_at_one_time_make_one_chain(store: Store) -> None:
    def append(number: int) -> None:
        with store.write() as tx:
            audit.append(tx, entry(number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(append, range(40)))
    with store.read() as tx:
        found = audit.verify(tx)
    assert isinstance(found, Head)
    assert found.id == 40
