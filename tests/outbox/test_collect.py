from __future__ import annotations

import re
from datetime import timedelta

from lis_bridge import outbox
from lis_bridge.storage import Store

from .samples import LATER, NOW, add_tube, message, owe, report, seal, state


def test_results_of_one_window_share_a_delivery(store: Store) -> None:
    with store.write() as tx:
        add_tube(tx, 1)
        first = owe(tx, 1, report("GLU"))
        assert owe(tx, 1, report("ALT"), at=NOW + timedelta(seconds=1)) == first
        assert seal(tx) == [first]
        assert message(tx, first).endswith("TUBE-0001 GLU=4.10/F ALT=4.10/F")


def test_the_window_counts_from_the_first_result(store: Store) -> None:
    with store.write() as tx:
        add_tube(tx, 1)
        id = owe(tx, 1)
        owe(tx, 1, report("ALT"), at=NOW + timedelta(seconds=1.9))
        assert seal(tx, NOW + timedelta(seconds=1.9)) == []
        assert seal(tx, NOW + timedelta(seconds=2)) == [id]


def test_two_tubes_and_two_destinations_never_share_a_delivery(store: Store) -> None:
    with store.write() as tx:
        for tube in (1, 2):
            add_tube(tx, tube)
        ids = {
            outbox.owe(tx, destination, tube, [report()], stat=False, now=NOW, window=2.0)
            for destination in ("lis", "other")
            for tube in (1, 2)
        }
        assert len(ids) == 4


def test_what_comes_after_the_seal_is_a_delivery_of_its_own(store: Store) -> None:
    with store.write() as tx:
        add_tube(tx, 1)
        first = owe(tx, 1)
        seal(tx)
        second = owe(tx, 1, report(value="4.20", status="C"), at=LATER)
        assert second > first
        assert message(tx, first).endswith("GLU=4.10/F")


def test_stat_and_a_window_of_nothing_are_due_at_once(store: Store) -> None:
    with store.write() as tx:
        for tube in (1, 2, 3):
            add_tube(tx, tube)
        owe(tx, 1)
        stat = owe(tx, 2, stat=True)
        at_once = outbox.owe(tx, "lis", 3, [report()], stat=False, now=NOW, window=0)
        assert seal(tx, NOW) == [stat, at_once]


def test_a_stat_result_closes_the_window_of_what_waited(store: Store) -> None:
    with store.write() as tx:
        add_tube(tx, 1)
        id = owe(tx, 1)
        owe(tx, 1, report("ALT"), stat=True)
        assert seal(tx, NOW) == [id]


def test_nothing_to_report_owes_nothing(store: Store) -> None:
    with store.write() as tx:
        add_tube(tx, 1)
        assert outbox.owe(tx, "lis", 1, [], stat=True, now=NOW, window=2.0) is None
        assert outbox.lines(tx) == []


def test_control_ids_fit_their_field_share_one_prefix_and_survive_a_restart(store: Store, url: str) -> None:
    def control_id(opened: Store, tube: int) -> str:
        with opened.write() as tx:
            add_tube(tx, tube)
            found = outbox.get(tx, owe(tx, tube))
            assert found is not None
            return found.line.control_id

    first = control_id(store, 1)
    with Store.open(url) as again:
        second = control_id(again, 2)
    assert re.fullmatch(r"[0-9A-F]{8}-0000000001", first)
    assert second == first[:-1] + "2"
    assert len(second) <= 20


def test_a_control_id_never_comes_again_although_its_delivery_was_removed(store: Store) -> None:
    with store.write() as tx:
        add_tube(tx, 1)
        first = owe(tx, 1)
        tx.exec_driver_sql("DELETE FROM delivery_part")
        tx.exec_driver_sql("DELETE FROM delivery")
        assert owe(tx, 1) > first


def test_what_moves_waits_until_it_was_withdrawn_where_it_stood(store: Store) -> None:
    with store.write() as tx:
        add_tube(tx, 1)
        add_tube(tx, 2)
        withdrawn = owe(tx, 1, report(status="W"))
        moved = owe(tx, 2, report(), after=withdrawn)
        policy = outbox.Policy(retries=0)
        assert seal(tx) == [withdrawn]
        assert seal(tx, LATER + timedelta(hours=1)) == []
        outbox.settle(tx, withdrawn, "AR", "no", LATER, policy)
        assert seal(tx, LATER + timedelta(hours=2)) == [], "withdrawn is dead: nothing was withdrawn"
        outbox.resend(tx, withdrawn, LATER)
        outbox.settle(tx, withdrawn, "AA", "", LATER, policy)
        assert seal(tx, LATER + timedelta(hours=3)) == [moved]
        assert state(tx, moved) == "pending"


def the_unsettled_deliveries_of_a_tube(store: Store) -> None:
    """The promise of two tests: on SQLite and on PostgreSQL."""
    later = LATER + timedelta(seconds=1)
    with store.write() as tx:
        add_tube(tx, 1)
        add_tube(tx, 2)
        owe(tx, 1)
        (pending,) = seal(tx, LATER)
        delivered, refused, given_up = [[owe(tx, 1, report(code)), *seal(tx, later)][0] for code in ("GLU", "ALT", "UREA")]
        for id, verdict in ((delivered, "AA"), (refused, "AR"), (given_up, "AR")):
            outbox.settle(tx, id, verdict, "", later, outbox.Policy(retries=0))
        outbox.dismiss(tx, given_up, later)
        owe(tx, 2)
        waiting = owe(tx, 1)
        assert outbox.unsettled(tx, "lis", 1) == (pending, refused, waiting)
        assert outbox.unsettled(tx, "other", 1) == ()


def test_what_a_tube_owes_and_is_not_settled_is_known(store: Store) -> None:
    the_unsettled_deliveries_of_a_tube(store)


def test_results_that_change_places_do_not_wait_for_each_other_for_ever(store: Store) -> None:
    policy = outbox.Policy(retries=0)
    with store.write() as tx:
        add_tube(tx, 1)
        add_tube(tx, 2)
        w1 = owe(tx, 1, report("GLU", status="W"))
        f2 = owe(tx, 2, report("GLU"), after=w1)
        w2 = owe(tx, 2, report("ALT", status="W"))
        f1 = owe(tx, 1, report("ALT"), after=w2)
        order: list[int] = []
        for round in range(1, 9):
            at = LATER + timedelta(seconds=5 * round)
            for id in seal(tx, at):
                order.append(id)
                outbox.settle(tx, id, "AA", "", at, policy)
        assert w2 == f2
        assert order == [w1, f2, f1]


def test_a_later_delivery_of_a_tube_is_never_sealed_before_an_earlier_one(store: Store) -> None:
    """Sent in the order of sealing, a correction would otherwise overtake what it corrects."""
    with store.write() as tx:
        for tube in (1, 2, 3):
            add_tube(tx, tube)
        held_up = owe(tx, 2, report("GLU", status="W"))
        first = owe(tx, 1, report("GLU"), after=held_up)
        soon_gone = owe(tx, 3, report("ALT", status="W"))
        second = owe(tx, 1, report("ALT"), after=soon_gone, stat=True)
        assert seal(tx) == [held_up, soon_gone]
        outbox.settle(tx, soon_gone, "AA", "", LATER, outbox.Policy(0))
        assert seal(tx, LATER + timedelta(seconds=5)) == []
        outbox.settle(tx, held_up, "AA", "", LATER, outbox.Policy(0))
        assert [id for round in range(2, 6) for id in seal(tx, LATER + timedelta(seconds=5 * round))] == [first, second]
