"""What no window holds back: sealed as it is owed, or collected as before; never both, never lost."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import Connection

from lis_bridge import outbox
from lis_bridge.core.reports import Head, Report
from lis_bridge.outbox.sealing import told_of
from lis_bridge.storage import Store

from .samples import LATER, NOW, add_tube, build, message, owe, report, seal, state


def at_once(tx: Connection, tube: int, *reports: Report, build: outbox.Build = build, marks: list[tuple[int, int]] | None = None):
    def mark(_: Connection, tube: int, version: int) -> None:
        if marks is not None:
            marks.append((tube, version))

    head, version = told_of(tx, tube)
    told = reports or (report(),)
    return outbox.owe_at_once(tx, "lis", outbox.Tube(tube, version, head), told, stat=False, now=NOW, build=build, mark=mark)


def test_it_is_pending_with_its_bytes_and_the_tube_is_marked(store: Store) -> None:
    marks: list[tuple[int, int]] = []
    with store.write() as tx:
        add_tube(tx, 1, version=3)
        ready = at_once(tx, 1, report(value="4.10"), marks=marks)
    assert ready is not None
    assert marks == [(1, 3)]
    with store.read() as tx:
        assert state(tx, ready.owed.id) == "pending"
        assert message(tx, ready.owed.id) == ready.message.decode() == f"{ready.control_id} TUBE-0001 GLU=4.10/F"
        assert outbox.messages(tx, [ready.owed.id]) == {ready.owed.id: (ready.control_id, ready.message)}
        assert [one.id for one in outbox.pending(tx, "lis")] == [ready.owed.id]
        line = outbox.lines(tx)[0]
    assert (line.results, line.attempts, line.sealed_at) == (1, 0, NOW)


def test_it_joins_what_is_still_collecting_for_the_tube(store: Store) -> None:
    with store.write() as tx:
        add_tube(tx, 1, version=2)
        add_tube(tx, 2, version=2)
        collecting = owe(tx, 1)
        assert at_once(tx, 1, report("K")) is None
        assert at_once(tx, 2, report("K")) is not None
        assert [one.state for one in outbox.lines(tx, tube_id=1)] == ["open"]
    with store.write() as tx:
        assert owe(tx, 1, report("K")) == collecting
        assert seal(tx) == [collecting]


def test_a_message_that_cannot_be_built_changes_nothing(store: Store) -> None:
    def broken(head: Head, reports: Sequence[Report], control_id: str) -> bytes:
        raise ValueError("a name that nobody foresaw")

    with store.write() as tx:
        add_tube(tx, 1)
        assert at_once(tx, 1, build=broken) is None
        assert outbox.lines(tx) == []
        id = owe(tx, 1)
        assert outbox.seal(tx, "lis", now=LATER, build=build, mark=lambda *_: None).owed[0].id == id


def test_what_is_withdrawn_in_the_same_breath_is_not_told(store: Store) -> None:
    with store.write() as tx:
        add_tube(tx, 1)
        assert at_once(tx, 1, report(status="F"), report(status="W")) is None
        assert outbox.lines(tx) == []


@pytest.mark.parametrize("first", ["at once", "collected"])
def test_control_ids_are_counted_alike_both_ways(store: Store, first: str) -> None:
    with store.write() as tx:
        for tube in range(1, 5):
            add_tube(tx, tube)
            if (tube % 2 == 1) == (first == "at once"):
                at_once(tx, tube)
            else:
                owe(tx, tube)
        ids = [line.control_id for line in outbox.lines(tx)]
    assert sorted(ids) == [f"{ids[0][:8]}-{number:010d}" for number in range(1, 5)]
