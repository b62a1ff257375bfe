from __future__ import annotations

from datetime import timedelta

from lis_bridge import outbox
from lis_bridge.outbox import Owed, Policy
from lis_bridge.storage import Store

from .samples import LATER, NOW, add_tube, owe, report, seal, sealed


def test_pages_are_newest_first_and_go_on_where_the_last_one_ended(store: Store) -> None:
    with store.write() as tx:
        ids = [sealed(tx, tube) for tube in range(1, 8)]
    with store.read() as tx:
        first = outbox.lines(tx, limit=3)
        second = outbox.lines(tx, limit=10, before=first[-1].id)
    assert [line.id for line in first + second] == ids[::-1]
    assert first[0].tube == "TUBE-0007"


def test_filters_narrow_the_list(store: Store) -> None:
    with store.write() as tx:
        one, two = sealed(tx, 1), sealed(tx, 2)
        outbox.settle(tx, two, "AA", "", LATER, Policy(0))
        outbox.owe(tx, "other", 1, [report()], stat=False, now=NOW, window=2)
    with store.read() as tx:
        assert [line.id for line in outbox.lines(tx, state="delivered")] == [two]
        assert [line.id for line in outbox.lines(tx, tube_id=1, destination="lis")] == [one]
        assert [line.destination for line in outbox.lines(tx, state="open")] == ["other"]
        assert outbox.lines(tx, destination="nobody") == []


def test_counts_and_what_waits_agree_with_what_happened(store: Store) -> None:
    with store.write() as tx:
        delivered, dead, _ = (sealed(tx, tube) for tube in (1, 2, 3))
        outbox.settle(tx, delivered, "AA", "", LATER, Policy(0))
        outbox.settle(tx, dead, "AR", "", LATER, Policy(0))
        add_tube(tx, 4)
        owe(tx, 4, at=LATER)
    with store.read() as tx:
        assert outbox.counts(tx) == {"open": 1, "pending": 1, "delivered": 1, "dead": 1, "dismissed": 0}
        waiting = outbox.waiting(tx, "lis")
        assert (waiting.open, waiting.pending, waiting.dead, waiting.oldest) == (1, 1, 1, NOW)
        assert outbox.waiting(tx, "other") == outbox.Waiting(0, 0, 0, None)


def test_an_open_delivery_has_no_message_yet(store: Store) -> None:
    with store.write() as tx:
        add_tube(tx, 1)
        found = outbox.get(tx, owe(tx, 1))
        assert found is not None
        assert found.message is None
        assert outbox.get(tx, 99) is None


def test_a_sender_loads_what_is_owed_in_order_and_only_the_bytes_of_what_is_pending(store: Store) -> None:
    with store.write() as tx:
        first, dead, last = (sealed(tx, tube) for tube in (1, 2, 3))
        outbox.settle(tx, dead, "AR", "", LATER, Policy(0))
        outbox.settle(tx, last, "AE", "", LATER, Policy(1, chance=lambda: 0.5))
    with store.read() as tx:
        assert outbox.pending(tx, "lis") == [
            Owed(first, 1, False, LATER),
            Owed(last, 3, False, LATER + timedelta(seconds=5)),
        ]
        assert outbox.dead(tx, "lis") == [Owed(dead, 2)]
        assert set(outbox.messages(tx, [first, dead, last, 99])) == {first, last}


def test_a_process_that_died_while_sending_left_the_delivery_pending(store: Store) -> None:
    """Nothing on the disk says that a delivery is on its way."""
    with store.write() as tx:
        id = sealed(tx, 1)
        assert seal(tx) == []
    with store.read() as tx:
        assert [owed.id for owed in outbox.pending(tx, "lis")] == [id]
