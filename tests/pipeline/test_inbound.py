"""Conversations over an in-memory link with the real framers and a real SQLite journal."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from lis_bridge import journal
from lis_bridge.core.clock import SystemClock
from lis_bridge.core.faults import LinkError, StorageError
from lis_bridge.framing import Framer, Profile, make
from lis_bridge.framing.mllp import wrap
from lis_bridge.pipeline.filing import EVIDENCE_AT_ONCE, EVIDENCE_PER_HOUR, Evidence
from lis_bridge.pipeline.inbound import Inbound, Ledger, Source, Tally
from lis_bridge.storage import Store, Writer
from lis_bridge.storage.schema.journal import frame
from lis_bridge.transport.memory import MemoryChannel

ENQ, ACK, NAK, EOT = b"\x05", b"\x06", b"\x15", b"\x04"
RECORDS = (b"H|\\^&|||x1", b"P|1", b"O|1|S-2026-0001", b"R|1|^^^GLU|5.10|mmol/L", b"L|1|N")


def framed(number: int, text: bytes, end: bytes = b"\x03") -> bytes:
    body = b"%d%s\r%s" % (number % 8, text, end)
    return b"\x02" + body + b"%02X\r\n" % (sum(body) % 256)


FRAMES = [framed(number, record) for number, record in enumerate(RECORDS, 1)]
TRANSMISSION = ENQ + b"".join(FRAMES) + EOT
HL7 = wrap(b"MSH|^~\\&|x1|||||||ORU^R01|7|P|2.3.1\r")
KEPT = HL7.removesuffix(b"\r")  # FS ends the block, what follows is not waited for


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path}/bridge.db", exclusive=True) as opened:
        yield opened


@pytest.fixture
def writer(store: Store) -> Iterator[Writer]:
    with Writer(store) as running:
        yield running


def rows(store: Store) -> list[tuple[str, bool, bytes]]:
    """State, completeness and bytes of each journal entry."""
    with store.read() as tx:
        entries = [journal.get(tx, line.id) for line in reversed(journal.lines(tx, limit=5000))]
    return [(entry.state, entry.complete, entry.raw) for entry in entries if entry is not None]


def waiting_frames(store: Store) -> list[bytes]:
    with store.read() as tx:
        return [row[0] for row in tx.execute(select(frame.c.raw).order_by(frame.c.id))]


@dataclass
class Talk:
    """An analyzer's end of a conversation, and the bridge's task."""

    end: MemoryChannel
    inbound: Inbound
    task: asyncio.Task[None]
    tally: Tally
    journaled: list[int] = field(default_factory=list)

    async def say(self, data: bytes) -> None:
        await self.end.write(data)

    async def hear(self, size: int) -> bytes:
        got = b""
        async with asyncio.timeout(10):
            while len(got) < size:
                data = await self.end.read()
                assert data, f"the conversation ended after {got!r}"
                got += data
        assert len(got) == size, got
        return got

    async def hang_up(self) -> None:
        self.end.close()
        async with asyncio.timeout(20):
            await asyncio.wait({self.task})


def answers(raw: bytes, now: datetime) -> bytes | None:
    assert now.tzinfo is not None
    return b"<AA>" if b"MSH" in raw else None


@asynccontextmanager
async def talking(
    writer: Writer,
    kind: str = "lis1a",
    acknowledge: Callable[[bytes, datetime], bytes | None] = answers,
    framer: Callable[[], Framer] | None = None,
    **options: object,
) -> AsyncIterator[Talk]:
    profile = Profile.from_dict({"kind": kind, **options})
    there: asyncio.Queue[bytes] = asyncio.Queue()
    back: asyncio.Queue[bytes] = asyncio.Queue()
    tally, journaled = Tally(), list[int]()
    source = Source("x1", kind, framer or (lambda: make((profile,))), acknowledge, tally, Evidence())
    ledger = Ledger(writer, SystemClock(), lambda entries: journaled.append(len(entries)))
    inbound = Inbound(MemoryChannel("192.0.2.11", there, back), source, ledger)
    talk = Talk(MemoryChannel("bridge", back, there), inbound, asyncio.create_task(inbound.run()), tally, journaled)
    try:
        yield talk
    finally:
        await talk.hang_up()


async def test_every_frame_is_acknowledged_and_the_message_is_one_entry(store: Store, writer: Writer) -> None:
    async with talking(writer) as talk:
        await talk.say(ENQ)
        assert await talk.hear(1) == ACK
        for sent in FRAMES:
            await talk.say(sent)
            assert await talk.hear(1) == ACK
        await talk.say(EOT)
        assert rows(store) == [("pending", True, b"".join(FRAMES))]
        assert waiting_frames(store) == []
        assert (talk.tally.messages, talk.journaled) == (1, [1])


async def test_an_acknowledged_frame_is_on_the_disk(store: Store, writer: Writer, tmp_path: Path) -> None:
    async with talking(writer) as talk:
        await talk.say(ENQ + FRAMES[0])
        assert await talk.hear(2) == ACK + ACK
        with sqlite3.connect(tmp_path / "bridge.db") as other:
            assert other.execute("SELECT raw FROM frame").fetchall() == [(FRAMES[0],)]


async def test_no_reply_leaves_before_the_commit(store: Store) -> None:
    gate = asyncio.Event()

    class Slow(Writer):
        async def call_async(self, work: Callable[[Connection], object], urgent: bool = False) -> object:  # type: ignore[override]
            await gate.wait()
            return await super().call_async(work, urgent)

    with Slow(store) as writer:
        async with talking(writer, "mllp") as talk:
            await talk.say(HL7)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await talk.end.read()
            assert rows(store) == []
            gate.set()
            assert await talk.hear(4) == b"<AA>"
            assert rows(store) == [("pending", True, KEPT)]


async def test_a_client_that_waits_for_nothing_is_served_in_one_commit(store: Store, writer: Writer) -> None:
    async with talking(writer) as talk:
        await talk.say(TRANSMISSION * 3)
        assert await talk.hear(18) == ACK * 18
    assert rows(store) == [("pending", True, b"".join(FRAMES))] * 3


async def test_a_client_that_speaks_byte_by_byte_is_understood(store: Store, writer: Writer) -> None:
    async with talking(writer) as talk:
        for position in range(len(TRANSMISSION)):
            await talk.say(TRANSMISSION[position : position + 1])
        assert await talk.hear(6) == ACK * 6
    assert rows(store) == [("pending", True, b"".join(FRAMES))]


@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(1, 3 * len(TRANSMISSION)), max_size=12))
def test_any_split_of_the_bytes_gives_the_same_entries_and_replies(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    wire = TRANSMISSION * 3
    edges = [0, *sorted(set(cuts)), len(wire)]

    async def play(writer: Writer) -> bytes:
        async with talking(writer) as talk:
            for start, stop in pairwise(edges):
                await talk.say(wire[start:stop])
            return await talk.hear(18)

    with Store.open(f"sqlite:///{tmp_path_factory.mktemp('split')}/bridge.db") as store:
        with Writer(store) as writer:
            assert asyncio.run(play(writer)) == ACK * 18
        assert rows(store) == [("pending", True, b"".join(FRAMES))] * 3
        assert waiting_frames(store) == []


async def test_a_transmission_cut_off_by_the_line_is_kept_as_cut_off(store: Store, writer: Writer) -> None:
    async with talking(writer) as talk:
        await talk.say(ENQ + FRAMES[0] + FRAMES[1])
        await talk.hear(3)
        await talk.hang_up()
        assert rows(store) == [("pending", False, FRAMES[0] + FRAMES[1])]
        assert waiting_frames(store) == []
        assert talk.tally.cut_off == 1


async def test_a_sender_that_starts_anew_leaves_the_first_try_cut_off_and_the_second_whole(store: Store, writer: Writer) -> None:
    async with talking(writer) as talk:
        await talk.say(ENQ + FRAMES[0] + FRAMES[1] + FRAMES[2])
        await talk.hear(4)
        await talk.say(TRANSMISSION)
        await talk.hear(6)
    assert rows(store) == [("pending", False, b"".join(FRAMES[:3])), ("pending", True, b"".join(FRAMES))]


async def test_half_a_frame_then_silence_is_evidence_and_the_line_goes_on(
    store: Store, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lis_bridge.framing.lis1a.RECEIVER_S", 0.3)
    async with talking(writer) as talk:
        await talk.say(ENQ + FRAMES[0] + FRAMES[1][:8])
        await talk.hear(2)
        async with asyncio.timeout(10):
            while talk.tally.messages == 0:
                await asyncio.sleep(0.02)
        assert ("pending", False, FRAMES[0]) in rows(store)
        await talk.say(TRANSMISSION)
        await talk.hear(6)
    assert rows(store)[-1] == ("pending", True, b"".join(FRAMES))


async def test_a_bad_frame_is_refused_and_accepted_when_it_comes_again(store: Store, writer: Writer) -> None:
    async with talking(writer) as talk:
        await talk.say(ENQ + FRAMES[0])
        await talk.hear(2)
        await talk.say(FRAMES[1].replace(b"P|1", b"P|2"))
        assert await talk.hear(1) == NAK
        await talk.say(b"".join(FRAMES[1:]) + EOT)
        assert await talk.hear(4) == ACK * 4
    assert ("pending", True, b"".join(FRAMES)) in rows(store)
    assert [state for state, _, _ in rows(store)].count("quarantined") == 1


class Refusing(Writer):
    """The storage thread with a disk that is full as long as ``full`` says."""

    full = False

    async def call_async(self, work: Callable[[Connection], object], urgent: bool = False) -> object:  # type: ignore[override]
        if self.full:
            raise StorageError("the disk is full")
        return await super().call_async(work, urgent)


async def test_a_frame_that_cannot_be_stored_is_refused_and_taken_when_the_disk_is_back(store: Store) -> None:
    with Refusing(store) as writer:
        async with talking(writer) as talk:
            await talk.say(ENQ + FRAMES[0])
            await talk.hear(2)
            writer.full = True
            for _ in range(3):
                await talk.say(FRAMES[1])
                assert await talk.hear(1) == NAK
            writer.full = False
            await talk.say(b"".join(FRAMES[1:]) + EOT)
            assert await talk.hear(4) == ACK * 4
            assert talk.tally.refused == 3
        assert rows(store) == [("pending", True, b"".join(FRAMES))]


async def test_a_burst_that_cannot_be_stored_is_refused_once_and_taken_when_it_comes_again(store: Store) -> None:
    with Refusing(store) as writer:
        async with talking(writer) as talk:
            writer.full = True
            await talk.say(TRANSMISSION)
            assert await talk.hear(2) == ACK + NAK
            writer.full = False
            await talk.say(TRANSMISSION)
            assert await talk.hear(6) == ACK * 6
        assert rows(store) == [("pending", True, b"".join(FRAMES))]


async def test_a_message_that_cannot_be_stored_is_not_acknowledged(store: Store) -> None:
    with Refusing(store) as writer:
        async with talking(writer, "mllp") as talk:
            writer.full = True
            await talk.say(HL7)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await talk.end.read()
            writer.full = False
            await talk.say(HL7)
            assert await talk.hear(4) == b"<AA>"
        assert rows(store) == [("pending", True, KEPT)]


async def test_what_an_analyzer_says_only_once_waits_for_the_disk(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lis_bridge.pipeline.inbound.UNANSWERED_PAUSE", 0.02)
    with Refusing(store) as writer:
        async with talking(writer, "lines") as talk:
            writer.full = True
            await talk.say(b"1 PTs 12.1\r\n")
            await talk.say(b"2 PTs 13.4\r\n")
            async with asyncio.timeout(10):
                while talk.tally.refused < 3:
                    await asyncio.sleep(0.01)
            writer.full = False
        assert rows(store) == [("pending", True, b"1 PTs 12.1\r\n"), ("pending", True, b"2 PTs 13.4\r\n")]


async def test_what_a_defect_cannot_store_stops_no_line(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with Refusing(store) as writer:
        async with talking(writer, "lines") as talk:
            call = writer.call_async
            monkeypatch.setattr(writer, "call_async", lambda *_, **__: 1 / 0)
            await talk.say(b"1 PTs 12.1\r\n")
            async with asyncio.timeout(10):
                while not talk.tally.refused:
                    await asyncio.sleep(0.01)
            monkeypatch.setattr(writer, "call_async", call)
            await talk.say(b"2 PTs 13.4\r\n")
        assert rows(store) == [("pending", True, b"2 PTs 13.4\r\n")]


async def test_a_cut_off_message_that_cannot_be_stored_at_once_is_stored_a_little_later(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lis_bridge.pipeline.inbound.CLOSING_PAUSE", 0.1)
    with Refusing(store) as writer:
        async with talking(writer) as talk:
            await talk.say(ENQ + FRAMES[0])
            await talk.hear(2)
            writer.full = True
            talk.end.close()
            await asyncio.sleep(0.05)
            writer.full = False
            await asyncio.wait({talk.task})
        assert rows(store) == [("pending", False, FRAMES[0])]


async def test_acknowledged_frames_of_a_lost_line_wait_for_the_disk_not_for_the_next_start(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lis_bridge.pipeline.inbound.CLOSING_PAUSE", 0.02)
    with Refusing(store) as writer:
        async with talking(writer) as talk:
            await talk.say(ENQ + FRAMES[0])
            await talk.hear(2)
            writer.full = True
            talk.end.close()
            async with asyncio.timeout(10):
                while talk.tally.refused < 6 and not talk.task.done():
                    await asyncio.sleep(0.01)
            writer.full = False
            await asyncio.wait({talk.task})
        assert rows(store) == [("pending", False, FRAMES[0])]
        assert waiting_frames(store) == []


async def test_told_to_leave_it_does_not_wait_for_a_full_disk(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lis_bridge.pipeline.inbound.CLOSING_PAUSE", 0.02)
    with Refusing(store) as writer:
        async with talking(writer) as talk:
            await talk.say(ENQ + FRAMES[0])
            await talk.hear(2)
            writer.full = True
            talk.end.close()
            talk.inbound.leave()
            async with asyncio.timeout(10):
                await asyncio.wait({talk.task})
        assert waiting_frames(store) == [FRAMES[0]]


async def test_replies_keep_the_order_of_what_was_sent(store: Store, writer: Writer) -> None:
    numbered = [wrap(b"MSH|^~\\&|%d\r" % number) for number in range(5)]
    async with talking(writer, "mllp", lambda raw, now: b"<%s>" % raw[10:11]) as talk:
        await talk.say(b"".join(numbered))
        assert await talk.hear(15) == b"<0><1><2><3><4>"
    assert [raw for _, _, raw in rows(store)] == [raw.removesuffix(b"\r") for raw in numbered]


async def test_a_message_whose_acknowledgement_fails_is_kept_and_the_line_goes_on(store: Store, writer: Writer) -> None:
    def stumbles(raw: bytes, now: datetime) -> bytes:
        if b"|1\r" in raw:
            raise ValueError
        return b"<AA>"

    async with talking(writer, "mllp", stumbles) as talk:
        await talk.say(wrap(b"MSH|^~\\&|1\r") + wrap(b"MSH|^~\\&|2\r"))
        assert await talk.hear(4) == b"<AA>"
    assert len(rows(store)) == 2


async def test_bytes_that_break_the_framer_are_kept_and_end_the_conversation_only(store: Store, writer: Writer) -> None:
    class Broken:
        deadline = None

        def receive(self, data: bytes, now: float) -> list[object]:
            raise IndexError

        tick = close = receive

    async with talking(writer, framer=Broken) as talk:  # type: ignore[arg-type]
        await talk.say(b"anything")
        with pytest.raises(LinkError, match="framer"):
            await talk.task
    assert rows(store) == [("quarantined", False, b"anything")]


async def test_noise_without_end_fills_neither_the_journal_nor_the_line(store: Store, writer: Writer) -> None:
    async with talking(writer) as talk:
        for _ in range(EVIDENCE_AT_ONCE + 50):
            await talk.say(framed(3, b"stray"))  # outside a transmission
        await talk.say(TRANSMISSION)
        assert await talk.hear(6) == ACK * 6
    assert len(rows(store)) == EVIDENCE_AT_ONCE + 1
    assert rows(store)[-1] == ("pending", True, b"".join(FRAMES))


async def test_told_to_leave_it_ends_with_what_is_in_hand_stored(store: Store, writer: Writer) -> None:
    async with talking(writer) as talk:
        await talk.say(ENQ + FRAMES[0])
        await talk.hear(2)
        talk.inbound.leave()
        async with asyncio.timeout(5):
            await talk.task
    assert rows(store) == [("pending", False, FRAMES[0])]


async def test_told_to_leave_for_a_newer_connection_it_hears_what_was_sent_already(store: Store, writer: Writer) -> None:
    async with talking(writer, "mllp") as talk:
        await talk.say(HL7)
        talk.inbound.leave(linger=True)
        await talk.say(HL7)
        async with asyncio.timeout(5):
            await talk.task
        assert rows(store) == [("pending", True, KEPT)] * 2


def test_the_allowance_for_evidence_grows_back() -> None:
    evidence = Evidence()
    start = datetime(2026, 3, 17, 1, 0, tzinfo=UTC)
    assert sum(evidence.grant(start) for _ in range(1000)) == EVIDENCE_AT_ONCE
    assert sum(evidence.grant(start.replace(hour=2)) for _ in range(1000)) == EVIDENCE_PER_HOUR
    assert not evidence.grant(start)  # a clock that was set back grants nothing
