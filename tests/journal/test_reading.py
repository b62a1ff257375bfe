"""Pages and counts: complete, ordered, and never a scan over the stored bytes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection

from lis_bridge import journal
from lis_bridge.journal import Entry, reading
from lis_bridge.storage import Store


def append(tx: Connection, analyzer: str = "line-1", raw: bytes = b"raw") -> int:
    return journal.append(tx, Entry(analyzer, "peer", datetime(2026, 3, 17, tzinfo=UTC), "mllp", True, raw))


def test_pending_is_oldest_first_and_pages_by_id(store: Store) -> None:
    with store.write() as tx:
        ids = [append(tx) for _ in range(7)]
        journal.done(tx, ids[2], "d", 1)
        waiting = [id for id in ids if id != ids[2]]
        assert [filed.id for filed in journal.pending(tx, 4)] == waiting[:4]
        assert [filed.id for filed in journal.pending(tx, 4, after=waiting[3])] == waiting[4:]


def test_pending_holds_a_bounded_number_of_bytes_but_always_gets_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PENDING_BYTES", 100)
    with store.write() as tx:
        huge = append(tx, raw=b"x" * 500)
        small = [append(tx, raw=b"x" * 40) for _ in range(5)]
        assert [filed.id for filed in journal.pending(tx, 10)] == [huge]
        assert [filed.id for filed in journal.pending(tx, 10, after=huge)] == small[:3]


def test_pages_of_a_list_join_without_gap_or_repeat(store: Store) -> None:
    with store.write() as tx:
        ids = [append(tx, raw=b"x" * n) for n in range(10)]
        seen: list[int] = []
        while page := journal.lines(tx, before=seen[-1] if seen else None, limit=3):
            seen += [line.id for line in page]
            append(tx)  # what comes in meanwhile does not move the pages
    assert seen[:1] == [ids[-1]]
    assert seen == sorted(ids, reverse=True)


def test_a_list_shows_one_state_of_one_analyzer_with_sizes(store: Store) -> None:
    with store.write() as tx:
        a, b, c = append(tx, "xn", b"12345"), append(tx, "bs"), append(tx, "xn")
        for id in (a, b):
            journal.quarantine(tx, id, "odd", "look")
        (line,) = journal.lines(tx, state="quarantined", analyzer="xn")
        assert (line.id, line.size, line.reason, line.detail) == (a, 5, "odd", "look")
        assert [line.id for line in journal.lines(tx, analyzer="xn")] == [c, a]
        assert [line.id for line in journal.lines(tx, state="quarantined")] == [b, a]


def test_counts_tell_the_states_apart(store: Store) -> None:
    with store.write() as tx:
        assert journal.counts(tx) == {"pending": 0, "quarantined": 0, "discarded": 0, "done": 0}
        ids = [append(tx) for _ in range(10)]
        for id in ids[:4]:
            journal.done(tx, id, "d", 1)
        for id in ids[4:7]:
            journal.quarantine(tx, id, "odd")
        journal.discard(tx, ids[6], "me")
        assert journal.counts(tx) == {"pending": 3, "quarantined": 2, "discarded": 1, "done": 4}


def test_an_unknown_id_is_none(store: Store) -> None:
    with store.read() as tx:
        assert journal.get(tx, 12) is None


QUERIES: dict[str, Callable[[Connection], Any]] = {
    "pending": lambda tx: journal.pending(tx, 5),
    "counts": journal.counts,
    "newest": lambda tx: journal.lines(tx),
    "quarantined": lambda tx: journal.lines(tx, state="quarantined"),
    "discarded": lambda tx: journal.lines(tx, state="discarded", before=9),
    "one analyzer": lambda tx: journal.lines(tx, analyzer="line-1", before=9),
    "get": lambda tx: journal.get(tx, 1),
}


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_never_walks_through_the_whole_journal(store: Store, query: str) -> None:
    """A year of entries is tens of gigabytes: each query goes by an index, or by id from the end."""
    with store.read() as tx:
        driver: Any = tx.connection.dbapi_connection
        asked: list[str] = []
        driver.set_trace_callback(asked.append)
        QUERIES[query](tx)
        driver.set_trace_callback(None)
        plans = [row[3] for sql in asked for row in driver.execute(f"EXPLAIN QUERY PLAN {sql}")]
    steps = [plan for plan in plans if plan.startswith(("SCAN journal", "SEARCH journal"))]
    assert steps
    expected = {"SCAN journal"} if query == "newest" else set()  # stops after one page
    assert {step for step in steps if " USING " not in step} == expected
    assert not any("TEMP B-TREE" in plan for plan in plans)
