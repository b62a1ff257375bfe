"""The journal on PostgreSQL: the same statements, the same answers."""

from __future__ import annotations

from datetime import UTC, datetime

from lis_bridge import journal
from lis_bridge.core.faults import Fault
from lis_bridge.storage import Store
from tests.postgres import needed, url

AT = datetime(2026, 3, 17, 9, 45, 42, tzinfo=UTC)

__all__ = ["url"]

pytestmark = needed


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
