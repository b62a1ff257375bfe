from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from lis_bridge import outbox
from lis_bridge.core.reports import Head, Report
from lis_bridge.storage import Store

from .samples import LATER, NOW, add_tube, build, message, no_mark, owe, report, seal, sealed, state


def test_sealing_marks_the_events_that_a_lis_may_have_seen(store: Store) -> None:
    marked: list[tuple[int, int]] = []
    with store.write() as tx:
        add_tube(tx, 7, version=3)
        owe(tx, 7)
        outbox.seal(tx, "lis", now=LATER, build=build, mark=lambda tx, tube, seq: marked.append((tube, seq)))
    assert marked == [(7, 3)]


def test_the_bytes_are_fixed_once_and_the_parts_are_gone(store: Store) -> None:
    with store.write() as tx:
        id = sealed(tx, 1)
        before = message(tx, id)
        assert seal(tx, LATER + timedelta(days=1)) == []
        assert message(tx, id) == before
        assert tx.exec_driver_sql("SELECT count(*) FROM delivery_part").scalar() == 0


def test_what_was_withdrawn_before_it_was_told_is_not_sent(store: Store) -> None:
    with store.write() as tx:
        add_tube(tx, 1)
        id = owe(tx, 1, report(), report(status="W"))
        assert seal(tx) == []
        assert state(tx, id) == "dismissed"


def test_a_message_that_cannot_be_built_stops_no_other_and_is_tried_again(store: Store) -> None:
    def broken(head: Head, reports: Sequence[Report], control_id: str) -> bytes:
        if head.key == "TUBE-0001":
            raise ValueError("no")
        return build(head, reports, control_id)

    with store.write() as tx:
        for tube in (1, 2):
            add_tube(tx, tube)
        first, second = owe(tx, 1), owe(tx, 2)
        owed = outbox.seal(tx, "lis", now=LATER, build=broken, mark=no_mark).owed
        assert [one.id for one in owed] == [second]
        found = outbox.get(tx, first)
        assert found is not None
        assert (found.line.state, found.line.verdict, found.line.lis_text) == ("open", "unbuilt", "ValueError")
        assert seal(tx, LATER + timedelta(minutes=2)) == [first]
        assert message(tx, first).endswith("GLU=4.10/F")


def test_a_tube_that_is_not_there_stops_no_other(store: Store) -> None:
    with store.write() as tx:
        add_tube(tx, 2)
        orphan, second = owe(tx, 1), owe(tx, 2)
        assert seal(tx) == [second]
        assert state(tx, orphan) == "open"


def test_stat_is_sealed_first_and_the_limit_says_that_more_is_due(store: Store) -> None:
    with store.write() as tx:
        for tube in (1, 2, 3):
            add_tube(tx, tube)
        ids = [owe(tx, 1), owe(tx, 2), owe(tx, 3, stat=True)]
        first = outbox.seal(tx, "lis", now=LATER, build=build, mark=no_mark, limit=2)
        assert ([one.id for one in first.owed], first.more) == ([ids[2], ids[0]], True)
        rest = outbox.seal(tx, "lis", now=LATER, build=build, mark=no_mark, limit=2)
        assert ([one.id for one in rest.owed], rest.more) == ([ids[1]], False)


def test_a_clock_that_was_set_back_does_not_keep_windows_open(store: Store) -> None:
    earlier = NOW - timedelta(hours=5)
    with store.write() as tx:
        add_tube(tx, 1)
        id = owe(tx, 1)
        assert outbox.glance(tx, "lis", earlier).closes_at == earlier
        assert seal(tx, earlier) == [id]


def test_a_glance_says_when_the_next_window_closes(store: Store) -> None:
    with store.write() as tx:
        assert outbox.glance(tx, "lis", NOW).closes_at is None
        add_tube(tx, 1)
        owe(tx, 1)
        assert outbox.glance(tx, "lis", NOW).closes_at == NOW + timedelta(seconds=2)
        assert outbox.glance(tx, "other", NOW).closes_at is None


def test_nothing_that_is_asked_for_each_message_scans_the_table(store: Store) -> None:
    from lis_bridge.outbox import collect, reading, sealing

    asked = {
        collect._OPEN: {"tube": 1, "to": "lis"},
        sealing._DUE: {"to": "lis", "now": "", "most": 1},
        sealing._NEXT: {"to": "lis"},
        sealing._OLDER: {"tube": 1, "to": "lis", "of": 1},
        sealing._PARTS: {"of": 1},
        reading._MESSAGE: {"of": 1},
    }
    with store.read() as tx:
        for statement, values in asked.items():
            list(statement.rows(tx, **values))
            sql, constants = statement._compiled["sqlite"]
            cursor = tx.connection.cursor()
            steps = cursor.execute(f"EXPLAIN QUERY PLAN {sql}", {**constants, **values}).fetchall()
            assert steps
            assert not [step for step in steps if step[3].startswith("SCAN")], steps
