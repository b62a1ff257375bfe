"""Bytes come in once, whole, in order, and are there again as they were."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lis_bridge import journal
from lis_bridge.core.faults import Fault
from lis_bridge.journal import Entry
from lis_bridge.journal.intake import EVIDENCE_BYTES
from lis_bridge.storage import Store

AT = datetime(2026, 3, 17, 9, 45, 42, 120_000, tzinfo=UTC)
NOW = AT + timedelta(hours=1)


def entry(raw: bytes, *, analyzer: str = "line-1", complete: bool = True, at: datetime = AT) -> Entry:
    return Entry(analyzer, "10.0.0.7:5100", at, "lis1a", complete, raw)


def ends_with_l(found: Entry) -> bool:
    return b"L|1|N" in found.raw


def everything(store: Store) -> list[journal.Filed]:
    with store.read() as tx:
        return journal.pending(tx, 1000)


@given(raw=st.binary(max_size=300), complete=st.booleans())
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_entry_comes_back_byte_for_byte(store: Store, raw: bytes, complete: bool) -> None:
    with store.write() as tx:
        id = journal.append(tx, entry(raw, complete=complete))
        found = journal.get(tx, id)
    assert found == journal.Filed(id, "line-1", "10.0.0.7:5100", AT, "lis1a", complete, raw, "pending")


def test_times_of_any_zone_are_the_same_instant_and_sort_as_text(store: Store) -> None:
    shanghai = AT.replace(microsecond=0).astimezone(timezone(timedelta(hours=8)))
    with store.write() as tx:
        journal.append(tx, entry(b"", at=shanghai))
        journal.append(tx, entry(b"", at=AT))
        texts = [row[0] for row in tx.exec_driver_sql("SELECT received_at FROM journal ORDER BY id")]
        assert [filed.received_at for filed in journal.pending(tx, 2)] == [shanghai, AT]
    assert texts == sorted(texts)


def test_a_naive_time_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="aware"), store.write() as tx:
        journal.append(tx, entry(b"", at=datetime(2026, 3, 17)))


def test_the_end_of_a_transmission_puts_one_entry_in_place_of_its_frames(store: Store) -> None:
    with store.write() as tx:
        for frame in (b"\x021H|", b"\x022L|1|N"):
            journal.append_frame(tx, "c1-1", entry(frame))
        journal.append_frame(tx, "c2-1", entry(b"other", analyzer="xn"))
        journal.end_session(tx, "c1-1", entry(b"\x021H|\x022L|1|N"))
    assert [filed.raw for filed in everything(store)] == [b"\x021H|\x022L|1|N"]
    with store.write() as tx:
        assert len(journal.recover(tx, NOW, ends_with_l)) == 1
    assert [filed.raw for filed in everything(store)] == [b"\x021H|\x022L|1|N", b"other"]


def test_frames_and_entry_change_places_in_one_transaction(store: Store) -> None:
    with store.write() as tx:
        journal.append_frame(tx, "s", entry(b"frame"))

    def break_off() -> None:
        with store.write() as tx:
            journal.end_session(tx, "s", entry(b"frame"))
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        break_off()
    assert everything(store) == []
    with store.write() as tx:
        journal.recover(tx, NOW, ends_with_l)
    assert [filed.raw for filed in everything(store)] == [b"frame"]


def test_frames_that_a_killed_process_left_become_entries_in_their_order(store: Store) -> None:
    later = AT + timedelta(seconds=9)
    with store.write() as tx:
        journal.append_frame(tx, "z", entry(b"1H|"))
        journal.append_frame(tx, "a", entry(b"1X", analyzer="xn"))
        journal.append_frame(tx, "z", entry(b"2P|", at=later))
        ids = journal.recover(tx, NOW, ends_with_l)
        first, second = journal.pending(tx, 10)
    assert ids == [first.id, second.id]
    assert (first.analyzer, first.raw, first.received_at, first.complete) == ("line-1", b"1H|2P|", later, False)
    assert (second.analyzer, second.raw) == ("xn", b"1X")
    assert first.detail == "recovered at 2026-03-17T10:45:42.120000+00:00"


def test_recovered_frames_are_complete_only_where_the_caller_finds_their_end(store: Store) -> None:
    seen: list[Entry] = []

    def is_whole(found: Entry) -> bool:
        seen.append(found)
        return ends_with_l(found)

    with store.write() as tx:
        for session, frames in {"cut": (b"H|", b"R|1"), "whole": (b"H|", b"L|1|N")}.items():
            for frame in frames:
                journal.append_frame(tx, session, entry(frame))
        journal.recover(tx, NOW, is_whole)
    assert [(filed.raw, filed.complete) for filed in everything(store)] == [(b"H|R|1", False), (b"H|L|1|N", True)]
    assert [(found.analyzer, found.framing, found.complete) for found in seen] == [("line-1", "lis1a", False)] * 2


def test_frames_are_recovered_once(store: Store) -> None:
    with store.write() as tx:
        journal.append_frame(tx, "s", entry(b"frame"))
    for _ in range(3):
        with store.write() as tx:
            journal.recover(tx, NOW, ends_with_l)
    assert len(everything(store)) == 1


@given(
    st.lists(
        st.tuples(st.sampled_from(["s1", "s2", "s3"]), st.sampled_from(["frame", "frame", "end", "restart"])),
        max_size=25,
    )
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_accepted_frame_is_in_exactly_one_entry_whatever_happens(store: Store, steps: list[tuple[str, str]]) -> None:
    open_frames: dict[str, list[bytes]] = {}
    expected: list[bytes] = []
    with store.write() as tx:
        for n, (session, step) in enumerate([*steps, ("", "restart")]):
            frames = open_frames.setdefault(session, [])
            if step == "frame":
                frames.append(b"<%d>" % n)
                journal.append_frame(tx, session, entry(frames[-1]))
            elif step == "end" and frames:
                journal.end_session(tx, session, entry(b"".join(open_frames.pop(session))))
                expected.append(b"".join(frames))
            elif step == "restart":
                journal.recover(tx, NOW, ends_with_l)
                expected += [b"".join(left) for left in open_frames.values() if left]
                open_frames.clear()
        assert sorted(filed.raw for filed in journal.pending(tx, 1000)) == sorted(expected)
        tx.rollback()


def test_bytes_that_are_no_message_are_evidence_and_never_whole(store: Store) -> None:
    fault = Fault("noise", "byte 0", "check the baud rate")
    with store.write() as tx:
        found = journal.get(tx, journal.keep_evidence(tx, entry(b"\xff\x00~"), fault))
    assert found is not None
    assert (found.state, found.reason, found.detail) == ("quarantined", "noise", "byte 0: check the baud rate")
    assert (found.raw, found.complete) == (b"\xff\x00~", False)
    assert everything(store) == []


@pytest.mark.parametrize(("length", "noted"), [(EVIDENCE_BYTES, False), (EVIDENCE_BYTES + 1, True)])
def test_evidence_keeps_the_first_mebibyte_and_notes_the_full_length(store: Store, length: int, noted: bool) -> None:
    with store.write() as tx:
        id = journal.keep_evidence(tx, entry(b"a" + b"x" * (length - 1)), Fault("too long", "line-1", "check the driver"))
        found = journal.get(tx, id)
    assert found is not None
    assert found.raw == b"a" + b"x" * (EVIDENCE_BYTES - 1)
    assert (f"of {length} bytes" in (found.detail or "")) is noted
