"""The outbound loop with a real database, real sockets and LISs that misbehave."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import structlog
from sqlalchemy import Connection, insert, select

from lis_bridge import outbox
from lis_bridge.core.clock import SystemClock
from lis_bridge.core.faults import StorageError
from lis_bridge.core.reports import Head, Report, Status
from lis_bridge.core.results import Observation
from lis_bridge.outbox import Backoff
from lis_bridge.pipeline.outbound import Outbound, Timing
from lis_bridge.pipeline.owing import KEPT
from lis_bridge.settings import Destination
from lis_bridge.storage import Store, Writer, schema

from ..forward.samples import CATALOGUE
from ..forward.servers import NOT_A_WORD, ack, lis, python_hl7_lis

ZONE = ZoneInfo("Asia/Shanghai")
SHORT = Backoff(0.01, 0.05)
BRISK = Timing(connect=SHORT, again=SHORT, probe=SHORT, retry=SHORT, poll=0.05)
PATIENCE_SECONDS = 30


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/bridge.db"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store.open(url) as opened:
        yield opened


@pytest.fixture
def writer(store: Store) -> Iterator[Writer]:
    with Writer(store) as running:
        yield running


def no_mark(tx: Connection, tube: int, version: int) -> None:
    """For tests that are not about ``tube.sealed``."""


def owe(store: Store, tube: int, value: str = "4.10", status: Status = "F", *, stat: bool = False, window: float = 0.0) -> int:
    """Owe one result of a tube, which is made where it is not there yet; the delivery's id."""
    now = datetime.now(UTC)
    with store.write() as tx:
        if tx.execute(select(schema.tubes.tube.c.id).where(schema.tubes.tube.c.id == tube)).first() is None:
            at = now.isoformat()
            tx.execute(
                insert(schema.tubes.tube).values(
                    id=tube, key=f"TUBE-{tube:05d}", specimen=f"TUBE-{tube:05d}", created_at=at, updated_at=at
                )
            )
        reports = [Report(Observation("GLU-1", "GLU", value), status, "line-1")]
        id = outbox.owe(tx, "lis", tube, reports, stat=stat, now=now, window=window)
    assert id is not None
    return id


def seal(store: Store) -> None:
    """Seal everything, so that the order of sending does not depend on when the loop looks."""
    with store.write() as tx:
        while outbox.seal(
            tx, "lis", now=datetime.now(UTC), build=lambda head, reports, id: _message(id, head.key), mark=no_mark
        ).more:
            pass


def _message(control_id: str, key: str) -> bytes:
    return f"MSH|^~\\&|a||b||20260317||ORU^R01|{control_id}|P|2.4\rOBR|1||{key}\r".encode()


def control_ids(store: Store) -> dict[int, str]:
    with store.read() as tx:
        return {line.id: line.control_id for line in outbox.lines(tx, limit=100_000)}


def states(store: Store) -> Counter[str]:
    with store.read() as tx:
        return Counter(line.state for line in outbox.lines(tx, limit=100_000))


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not true():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(link: str, store: Store, writer: Writer, *, timing: Timing = BRISK, **values: Any) -> AsyncIterator[Outbound]:
    destination = Destination.model_validate({"id": "lis", "link": link, "timeout_seconds": 0.2, **values})
    outbound = Outbound(destination, store, writer, CATALOGUE, no_mark, SystemClock(), zone=ZONE, timing=timing)
    task = asyncio.create_task(outbound.run())
    try:
        yield outbound
        assert not task.done(), "the loop ended by itself"
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def absent() -> Iterator[str]:
    """A link at which nobody listens, and nobody else will."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"mllp://127.0.0.1:{taken.getsockname()[1]}"


# A LIS that works


async def test_everything_owed_reaches_python_hl7_s_server_once(store: Store, writer: Writer) -> None:
    async with python_hl7_lis() as server, running(server.link, store, writer, timeout_seconds=10) as outbound:
        for tube in range(1, 41):
            owe(store, tube, stat=tube % 5 == 0)
        outbound.wake()
        await until(lambda: states(store)["delivered"] == 40)
        assert outbound.status.state == "connected"
        assert (outbound.status.owed, outbound.status.delivered) == (0, 40)
    assert sorted(server.ids) == sorted(control_ids(store).values())
    assert all(b"UNICODE UTF-8" in message for message in server.messages)


async def test_what_another_process_owes_is_found_without_being_told(store: Store, writer: Writer, url: str) -> None:
    async with lis(lambda id, n: ack(id)) as server, running(server.link, store, writer):
        with Store.open(url) as beside:
            owe(beside, 1)
        await until(lambda: states(store)["delivered"] == 1)


async def test_a_window_that_is_open_keeps_collecting(store: Store, writer: Writer) -> None:
    async with lis(lambda id, n: ack(id)) as server, running(server.link, store, writer) as outbound:
        owe(store, 1, "1.0", window=0.4)
        outbound.wake()
        await asyncio.sleep(0.1)
        owe(store, 1, "2.0", window=0.4)
        await until(lambda: states(store)["delivered"] == 1)
    (message,) = server.messages
    assert b"|2.0|" in message
    assert b"|1.0|" not in message


async def test_one_tube_s_messages_keep_their_order_while_others_go_on(store: Store, writer: Writer) -> None:
    """The first message of tube 1 is refused for a while; its second must not overtake it."""
    first = owe(store, 1)
    seal(store)
    second = owe(store, 1, "4.20", "C")
    seal(store)
    other = owe(store, 2)
    seal(store)
    ids = control_ids(store)

    def answer(id: str, n: int) -> bytes:
        return ack(id, "AE", "busy") if id == ids[first] and n < 8 else ack(id)

    async with lis(answer) as server, running(server.link, store, writer):
        await until(lambda: states(store)["delivered"] == 3)
    delivered = list(dict.fromkeys(reversed(server.ids)))[::-1]
    assert delivered.index(ids[first]) < delivered.index(ids[second])
    assert server.ids.index(ids[other]) < server.ids.index(ids[second])
    assert server.ids.count(ids[second]) == 1


async def test_stat_overtakes_other_tubes(store: Store, writer: Writer) -> None:
    for tube in range(1, 31):
        owe(store, tube)
    stat = owe(store, 99, stat=True)
    seal(store)
    async with lis(lambda id, n: ack(id)) as server, running(server.link, store, writer):
        await until(lambda: states(store)["delivered"] == 31)
    assert server.ids[0] == control_ids(store)[stat]


async def test_thousands_that_waited_are_all_delivered_once_and_each_tube_in_order(store: Store, writer: Writer) -> None:
    with store.write() as tx:
        at = datetime.now(UTC)
        for tube in range(1, 1001):
            text = at.isoformat()
            tx.execute(
                insert(schema.tubes.tube).values(id=tube, key=f"T-{tube}", specimen=f"T-{tube}", created_at=text, updated_at=text)
            )
        for value in ("1", "2"):
            for tube in range(1, 1001):
                outbox.owe(tx, "lis", tube, [Report(Observation("G", "GLU", value), "F", "line-1")], stat=False, now=at, window=0)
            while outbox.seal(tx, "lis", now=at, build=lambda head, _, id: _message(id, head.key), mark=no_mark).more:
                pass
    async with lis(lambda id, n: ack(id)) as server, running(server.link, store, writer, timeout_seconds=10) as outbound:
        await until(lambda: outbound.status.delivered == 2000)
    assert Counter(server.ids) == Counter(control_ids(store).values())
    order: dict[bytes, list[str]] = {}
    for message, id in zip(server.messages, server.ids, strict=True):
        order.setdefault(message.split(b"OBR|1||")[1], []).append(id)
    assert all(ids == sorted(ids) for ids in order.values())


def sealed_at_once(store: Store, tubes: range) -> list[outbox.Ready]:
    now, made = datetime.now(UTC), []
    with store.write() as tx:
        for tube in tubes:
            at, report = now.isoformat(), Report(Observation("G", "GLU", f"{len(made)}.1"), "F", "line-1", "x1")
            row = {"id": tube, "key": f"T-{tube}", "specimen": f"T-{tube}", "created_at": at, "updated_at": at}
            if tx.execute(select(schema.tubes.tube.c.id).where(schema.tubes.tube.c.id == tube)).first() is None:
                tx.execute(insert(schema.tubes.tube).values(row))
            build = lambda head, _, id: _message(id, head.key)  # noqa: E731
            owner = outbox.Tube(tube, 2, Head(f"T-{tube}", f"T-{tube}"))
            made.append(outbox.owe_at_once(tx, "lis", owner, [report], stat=False, now=now, build=build, mark=no_mark))
    assert None not in made
    return [ready for ready in made if ready is not None]


async def test_what_is_handed_over_as_it_was_sealed_is_sent_once_and_each_tube_in_order(store: Store, writer: Writer) -> None:
    """Handed over before the sender has read what waits, after it, and more than it keeps in memory."""
    waiting = sealed_at_once(store, range(1, 101))
    async with lis(lambda id, n: ack(id)) as server, running(server.link, store, writer, timeout_seconds=10) as outbound:
        for ready in waiting[50:]:
            outbound.offer(ready)
        for _ in range(2):
            for ready in sealed_at_once(store, range(1, 2 * KEPT)):
                outbound.offer(ready)
            await asyncio.sleep(0)
        await until(lambda: outbound.status.delivered == 100 + 2 * (2 * KEPT - 1))
        assert outbound.status.owed == 0
    assert Counter(server.ids) == Counter(control_ids(store).values())
    order: dict[bytes, list[str]] = {}
    for message, id in zip(server.messages, server.ids, strict=True):
        order.setdefault(message.split(b"OBR|1||")[1], []).append(id)
    assert all(ids == sorted(ids) for ids in order.values())
    assert states(store) == Counter(delivered=len(server.ids))


async def test_what_is_handed_over_while_the_lis_is_away_waits_for_it(store: Store, writer: Writer, absent: str) -> None:
    async with running(absent, store, writer) as outbound:
        for ready in sealed_at_once(store, range(1, 40)):
            outbound.offer(ready)
        await until(lambda: outbound.status.state == "away")
        assert outbound.status.owed == 39
    async with lis(lambda id, n: ack(id)) as server, running(server.link, store, writer):
        await until(lambda: states(store)["delivered"] == 39)
    assert sorted(server.ids) == sorted(control_ids(store).values())


# Verdicts


async def test_an_error_is_retried_with_the_same_bytes_and_then_accepted(store: Store, writer: Writer) -> None:
    owe(store, 1)
    async with (
        lis(lambda id, n: ack(id, "AE", "busy") if n < 4 else ack(id)) as server,
        running(server.link, store, writer, retries=10),
    ):
        await until(lambda: states(store)["delivered"] == 1)
    assert len(server.messages) == 4
    assert len(set(server.messages)) == 1


async def test_an_error_that_stays_ends_dead_after_the_configured_tries(store: Store, writer: Writer) -> None:
    owe(store, 1)
    async with lis(lambda id, n: ack(id, "AE", "broken")) as server, running(server.link, store, writer, retries=2):
        await until(lambda: states(store)["dead"] == 1)
    assert len(server.ids) == 3


async def test_a_rejection_is_dead_at_once_and_blocks_its_own_tube_only(store: Store, writer: Writer) -> None:
    rejected = owe(store, 1)
    seal(store)
    behind = owe(store, 1, "4.20", "C")
    seal(store)
    owe(store, 2)
    seal(store)
    ids = control_ids(store)
    with structlog.testing.capture_logs() as logs:
        async with (
            lis(lambda id, n: ack(id, "AR", "unknown patient 王") if id == ids[rejected] else ack(id)) as server,
            running(server.link, store, writer),
        ):
            await until(lambda: states(store) == Counter(dead=1, delivered=1, pending=1))
            await asyncio.sleep(0.2)
    assert server.ids.count(ids[rejected]) == 1
    assert ids[behind] not in server.ids
    (dead,) = [log for log in logs if log["event"] == "delivery_dead"]
    assert (dead["destination"], dead["delivery"], dead["verdict"]) == ("lis", rejected, "AR")
    assert "王" not in str(logs)


async def test_a_rejection_that_can_heal_is_retried(store: Store, writer: Writer) -> None:
    owe(store, 1)
    async with (
        lis(lambda id, n: ack(id, "AR", "Order not found") if n < 3 else ack(id)) as server,
        running(server.link, store, writer, retry_on=("order not found",)),
    ):
        await until(lambda: states(store)["delivered"] == 1)
    assert len(server.ids) == 3


@pytest.mark.parametrize("decide", [outbox.resend, outbox.dismiss])
async def test_a_decision_of_another_process_is_heeded(store: Store, writer: Writer, url: str, decide: Any) -> None:
    first = owe(store, 1)
    seal(store)
    second = owe(store, 1, "4.20", "C")
    seal(store)
    ids = control_ids(store)
    healed = False

    def answer(id: str, n: int) -> bytes:
        return ack(id) if healed or id != ids[first] else ack(id, "AR")

    async with lis(answer) as server, running(server.link, store, writer):
        await until(lambda: states(store)["dead"] == 1)
        healed = True
        with Store.open(url) as beside, beside.write() as tx:
            decide(tx, first, datetime.now(UTC))
        await until(lambda: states(store)["pending"] == 0)
    resent = decide is outbox.resend
    assert server.ids == [ids[first], *([ids[first]] if resent else []), ids[second]]
    assert len({message for message in server.messages if ids[first].encode() in message}) == 1
    assert states(store) == (Counter(delivered=2) if resent else Counter(delivered=1, dismissed=1))


# A LIS that does not answer


@pytest.mark.parametrize(
    "wrong",
    [
        lambda id: NOT_A_WORD,
        lambda id: None,
        lambda id: ack("0A1B2C3D-9999999999"),
        lambda id: b"garbage\x1c\r",
        lambda id: ack(id)[:25],
    ],
    ids=["silence", "closed", "another-id", "garbage", "half"],
)
async def test_the_same_message_goes_again_until_the_lis_answers(store: Store, writer: Writer, wrong: Any) -> None:
    owe(store, 1)
    owe(store, 2)
    seal(store)
    async with lis(lambda id, n: wrong(id) if n < 4 else ack(id)) as server, running(server.link, store, writer):
        await until(lambda: states(store)["delivered"] == 2)
    assert len(set(server.ids[:4])) == 1
    assert len(set(server.messages)) == 2
    assert server.connections == 4


async def test_a_lis_that_never_answers_is_parked_and_gets_one_message_at_a_time(store: Store, writer: Writer) -> None:
    for tube in range(1, 51):
        owe(store, tube)
    seal(store)
    rare = BRISK._replace(probe=Backoff(60.0, 60.0))
    with structlog.testing.capture_logs() as logs:
        async with (
            lis(lambda id, n: None) as server,
            running(server.link, store, writer, timing=rare) as outbound,
        ):
            await until(lambda: outbound.status.state == "parked")
            await asyncio.sleep(0.3)
            assert len(server.ids) == 5
            assert len(set(server.ids)) == 1
    assert [log["event"] for log in logs] == ["link_lost"]
    assert states(store) == Counter(pending=50)


async def test_a_parked_lis_that_answers_again_gets_everything_once_more_in_order(store: Store, writer: Writer) -> None:
    for tube in range(1, 11):
        owe(store, tube)
    seal(store)
    deaf = True

    def answer(id: str, n: int) -> bytes | None:
        return None if deaf else ack(id)

    with structlog.testing.capture_logs() as logs:
        async with lis(answer) as server, running(server.link, store, writer) as outbound:
            await until(lambda: outbound.status.state == "parked")
            deaf = False
            await until(lambda: states(store)["delivered"] == 10)
            assert outbound.status.state == "connected"
    assert [log["event"] for log in logs] == ["link_lost", "link_back"]
    assert set(server.ids) == set(control_ids(store).values())


async def test_one_message_that_makes_the_lis_stumble_does_not_stop_the_others(store: Store, writer: Writer) -> None:
    poison = owe(store, 1)
    for tube in range(2, 12):
        owe(store, tube)
    seal(store)
    ids = control_ids(store)
    async with lis(lambda id, n: None if id == ids[poison] else ack(id)) as server, running(server.link, store, writer):
        await until(lambda: states(store)["delivered"] == 10)
        tries = server.ids.count(ids[poison])
        await until(lambda: server.ids.count(ids[poison]) > tries)
    assert states(store) == Counter(delivered=10, pending=1)


async def test_an_absent_lis_is_waited_for_without_limit_and_nothing_is_counted(
    store: Store, writer: Writer, absent: str
) -> None:
    owe(store, 1)
    with structlog.testing.capture_logs() as logs:
        async with running(absent, store, writer, retries=0) as outbound:
            await until(lambda: outbound.status.state == "away")
            await asyncio.sleep(0.5)
            assert outbound.status.words
    assert [log["event"] for log in logs] == ["link_lost"]
    with store.read() as tx:
        (line,) = outbox.lines(tx)
    assert (line.state, line.attempts) == ("pending", 0)


async def test_a_lis_that_comes_back_gets_what_waited(store: Store, writer: Writer) -> None:
    async with lis(lambda id, n: ack(id)) as before, running(before.link, store, writer) as outbound:
        owe(store, 1)
        await until(lambda: states(store)["delivered"] == 1)
        port = before.port
    with structlog.testing.capture_logs() as logs:
        async with running(f"mllp://127.0.0.1:{port}", store, writer) as outbound:
            owe(store, 2)
            outbound.wake()
            await until(lambda: outbound.status.state == "away")
            async with lis(lambda id, n: ack(id), port=port) as after:
                await until(lambda: states(store)["delivered"] == 2)
    assert after.ids == [control_ids(store)[2]]
    assert [log["event"] for log in logs] == ["link_lost", "link_back"]


# The process ends


async def test_an_answer_that_is_outstanding_when_the_service_stops_is_waited_for(store: Store, writer: Writer) -> None:
    owe(store, 1)
    seal(store)
    heard, go = asyncio.Event(), asyncio.Event()

    async def slowly(id: str) -> str:
        heard.set()
        await go.wait()
        return "AA"

    async with python_hl7_lis(code=slowly) as server, running(server.link, store, writer, timeout_seconds=10):
        await heard.wait()
        asyncio.get_running_loop().call_later(0.1, go.set)
    writer.submit(lambda tx: None).result()
    assert states(store) == Counter(delivered=1)


async def test_a_verdict_that_the_disk_refuses_is_committed_later_and_the_message_is_not_sent_again(
    store: Store, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    owe(store, 1)
    seal(store)
    refusals = 3
    call_async = writer.call_async

    async def refusing(work: Any, urgent: bool = False) -> Any:
        nonlocal refusals
        if refusals and server.ids:
            refusals -= 1
            raise StorageError("the disk is full")
        return await call_async(work, urgent)

    monkeypatch.setattr(writer, "call_async", refusing)
    async with lis(lambda id, n: ack(id)) as server, running(server.link, store, writer):
        await until(lambda: states(store)["delivered"] == 1)
    assert refusals == 0
    assert len(server.ids) == 1


SENDER = """
import asyncio, sys
from zoneinfo import ZoneInfo
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core.clock import SystemClock
from lis_bridge.pipeline.outbound import Outbound
from lis_bridge.settings import Destination
from lis_bridge.storage import Store, Writer

store = Store.open(sys.argv[1], exclusive=True)
with Writer(store) as writer:
    destination = Destination(id="lis", link=sys.argv[2])
    catalogue = TestCatalogue.load()
    outbound = Outbound(destination, store, writer, catalogue, lambda *_: None, SystemClock(), zone=ZoneInfo("Asia/Shanghai"))
    asyncio.run(outbound.run())
"""


async def test_a_killed_process_sends_again_under_the_same_control_id_and_nothing_is_lost(store: Store, url: str) -> None:
    """kill -9 while an answer is outstanding, again and again: a LIS that deduplicates by MSH-10 sees each delivery once."""
    for tube in range(1, 61):
        owe(store, tube)
    kill_after = 7
    process: subprocess.Popen[bytes] | None = None

    def answer(id: str, n: int) -> bytes:
        if n % kill_after == 0 and n < 40:
            assert process is not None
            process.kill()
        return ack(id)

    async with lis(answer) as server:
        for _ in range(10):
            process = subprocess.Popen([sys.executable, "-c", SENDER, url, server.link])
            try:
                await until(lambda: process.poll() is not None or states(store)["delivered"] == 60)  # noqa: B023
            finally:
                process.kill()
                process.wait()
            if states(store)["delivered"] == 60:
                break
    ids = control_ids(store)
    assert states(store) == Counter(delivered=60)
    assert set(server.ids) == set(ids.values())
    assert len(server.ids) > 60, "no kill left an answer unheard"
    by_id: dict[str, set[bytes]] = {}
    for id, message in zip(server.ids, server.messages, strict=True):
        by_id.setdefault(id, set()).add(message)
    assert all(len(bytes_of) == 1 for bytes_of in by_id.values()), "the same control id, other bytes"
