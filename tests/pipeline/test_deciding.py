"""A person moves delivered results: what the LIS hears, in which order, over real sockets and a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import hl7
import msgspec
import pytest

from lis_bridge import attachments, audit, journal, outbox
from lis_bridge.catalogue.derive import Formulas
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core.clock import SystemClock
from lis_bridge.core.faults import BridgeError
from lis_bridge.core.holds import Reason
from lis_bridge.core.results import Curve, Message, Observation
from lis_bridge.journal import Entry
from lis_bridge.outbox import Backoff
from lis_bridge.pipeline.deciding import Decisions, Reader
from lis_bridge.pipeline.outbound import Outbound, Timing
from lis_bridge.settings import Destination
from lis_bridge.storage import Store, Writer
from lis_bridge.tubes import keys, views
from lis_bridge.tubes.assembly import Context
from lis_bridge.tubes.store import Arrival, Receipt, Tubes

from ..forward.samples import CATALOGUE
from ..forward.servers import Lis, ack, lis, python_hl7_lis

ZONE = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 3, 17, 1, 45, tzinfo=UTC)
SHORT = Backoff(0.01, 0.05)
BRISK = Timing(connect=SHORT, again=SHORT, probe=SHORT, retry=SHORT, poll=0.05)
OLD, NEW, THIRD = "20260317000012", "20260317000021", "20260317000032"
PATIENCE_SECONDS = 30
READER = Reader({}, Formulas.load(), TestCatalogue.load())


@pytest.fixture
def writer(store: Store) -> Iterator[Writer]:
    with Writer(store) as running:
        yield running


def row(code: str, test: str, value: str, at: str = "2026-03-17T09:40:00+08:00") -> Observation:
    return Observation(code, test, value, value, Decimal(value), unit="mmol/L", ucum="mmol/L", observed_at=at)


def site(link: str, window: float = 0.0) -> Destination:
    return Destination.model_validate({"id": "lis", "link": link, "window_seconds": window, "timeout_seconds": 5})


def file(store: Store, destination: Destination, specimen: str, rows: tuple[Observation, ...], analyzer: str = "line-1") -> int:
    """File a message and owe what follows, as the process step does; the tube's id."""
    with store.write() as tx:
        entry = journal.append(tx, Entry(analyzer, "", AT, "mllp", True, b"x"))
        message = Message("patient", specimen, observations=rows)
        receipt = Tubes().file(tx, message, keys.named(specimen), Context(analyzer), Arrival(entry, 0, AT))
        journal.done(tx, entry, "mindray-bs", 1)
        assert receipt.tube_id is not None
        now, window = datetime.now(UTC), destination.window_seconds
        outbox.owe(tx, destination.id, receipt.tube_id, receipt.reports, stat=False, now=now, window=window)
    return receipt.tube_id


def move(store: Store, destination: Destination, tube: int, slots: list[tuple[str, str, str]], to: str = NEW) -> None:
    with store.write() as tx:
        Decisions(tx, (destination,), "Lin", datetime.now(UTC)).move_results(
            tube, slots, to, {"line-1": "last", "blood-1": "first"}
        )


@asynccontextmanager
async def sending(destination: Destination, store: Store, writer: Writer) -> AsyncIterator[None]:
    mark = Tubes().seal
    outbound = Outbound(destination, store, writer, CATALOGUE, mark, SystemClock(), zone=ZONE, timing=BRISK)
    task = asyncio.create_task(outbound.run())
    try:
        yield
        assert not task.done(), "the loop ended by itself"
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not true():
            await asyncio.sleep(0.01)


def settled(store: Store) -> bool:
    with store.read() as tx:
        return all(line.state not in ("open", "pending") for line in outbox.lines(tx))


def told(server: Lis) -> list[tuple[str, str, str, str]]:
    """Specimen (OBR-3), device's test, value and OBX-11 of every result, in the order in which the LIS heard of them."""
    heard = []
    for raw in server.messages:
        message = hl7.parse(raw.decode().replace("\n", "\r"))
        specimen = str(message.segment("OBR")[3])
        heard += [(specimen, str(obx[3]).split("^")[0], str(obx[5]), str(obx[11])) for obx in message.segments("OBX")]
    return heard


async def test_lis_hears_of_the_withdrawal_before_the_result_under_the_new_specimen(store: Store, writer: Writer) -> None:
    async with python_hl7_lis() as server:
        destination = site(server.link)
        tube = file(store, destination, OLD, (row("G", "GLU", "5.10"), row("U", "UREA", "6.20")))
        async with sending(destination, store, writer):
            await until(lambda: settled(store))
            move(store, destination, tube, [("line-1", "G", "")])
            await until(lambda: settled(store))
    assert told(server) == [
        (OLD, "GLU", "5.10", "F"),
        (OLD, "UREA", "6.20", "F"),
        (OLD, "GLU", "5.10", "W"),
        (NEW, "GLU", "5.10", "F"),
    ]


async def test_result_stays_unsent_under_the_new_specimen_while_the_lis_refuses_the_withdrawal(
    store: Store, writer: Writer
) -> None:
    refused: list[str] = []

    def answer(id: str, number: int) -> bytes:
        if number in (2, 3, 4):
            refused.append(id)
            return ack(id, "AE", "busy")
        return ack(id)

    async with lis(answer) as server:
        destination = site(server.link)
        tube = file(store, destination, OLD, (row("G", "GLU", "5.10"),))
        async with sending(destination, store, writer):
            await until(lambda: settled(store))
            move(store, destination, tube, [("line-1", "G", "")])
            await until(lambda: settled(store))
    assert len(set(refused)) == 1
    assert [(specimen, status) for specimen, _, _, status in told(server)] == [(OLD, "F"), *[(OLD, "W")] * 4, (NEW, "F")]


async def test_result_held_back_and_then_moved_waits_for_the_withdrawal_too(store: Store, writer: Writer) -> None:
    async with lis(lambda id, number: ack(id, "AE", "busy") if number in (2, 3, 4) else ack(id)) as server:
        destination = site(server.link)
        tube = file(store, destination, OLD, (row("G", "GLU", "5.10"), row("U", "UREA", "6.20")))
        async with sending(destination, store, writer):
            await until(lambda: settled(store))
            with store.write() as tx:
                decisions = Decisions(tx, (destination,), "Lin", datetime.now(UTC))
                (held,) = decisions.withhold(tube, [("line-1", "G", "")], Reason.UNDER_REVIEW, "whose?", {"line-1": "last"})
                (hold,) = held.opened
            await until(lambda: len(server.messages) > 1)
            with store.write() as tx:
                Decisions(tx, (destination,), "Lin", datetime.now(UTC)).move(hold, NEW, READER)
            await until(lambda: settled(store))
    assert [(specimen, status) for specimen, _, _, status in told(server)][2:] == [*[(OLD, "W")] * 4, (NEW, "F")]


async def test_results_of_analyzers_with_different_policies_are_all_withdrawn_first(store: Store, writer: Writer) -> None:
    async with python_hl7_lis() as server:
        destination = site(server.link)
        tube = file(store, destination, OLD, (row("G", "GLU", "5.10"),))
        file(store, destination, OLD, (row("W", "WBC", "7.30"),), "blood-1")
        async with sending(destination, store, writer):
            await until(lambda: settled(store))
            move(store, destination, tube, [("line-1", "G", ""), ("blood-1", "W", "")])
            await until(lambda: settled(store))
    heard = [(specimen, test, status) for specimen, test, _, status in told(server)]
    assert sorted(heard[2:4]) == [(OLD, "GLU", "W"), (OLD, "WBC", "W")]
    assert sorted(heard[4:]) == [(NEW, "GLU", "F"), (NEW, "WBC", "F")]


async def test_result_that_the_lis_never_saw_goes_under_the_new_specimen_only(store: Store, writer: Writer) -> None:
    async with python_hl7_lis() as server:
        destination = site(server.link, window=600.0)
        tube = file(store, destination, OLD, (row("G", "GLU", "5.10"),))
        soon = site(server.link)
        move(store, soon, tube, [("line-1", "G", "")])
        async with sending(soon, store, writer):
            await until(lambda: settled(store))
    assert told(server) == [(NEW, "GLU", "5.10", "F")]


@pytest.mark.parametrize(("policy", "kept"), [("last", "5.10"), ("first", "5.90")])
def test_moved_result_meets_the_new_tube_s_own_by_its_analyzer_s_policy(policy: str, kept: str, store: Store) -> None:
    destination = site("mllp://127.0.0.1:2575")
    tube = file(store, destination, OLD, (row("G", "GLU", "5.10", "2026-03-17T09:50:00+08:00"),))
    other = file(store, destination, NEW, (row("G", "GLU", "5.90"),))
    with store.write() as tx:
        decisions = Decisions(tx, (destination,), "Lin", datetime.now(UTC))
        decisions.move_results(tube, [("line-1", "G", "")], NEW, {"line-1": policy})  # type: ignore[dict-item]
    with store.read() as tx:
        assert [row.value for row in Tubes().state(tx, other).reported().values()] == [kept]
        assert Tubes().state(tx, tube).reported() == {}


@pytest.mark.parametrize(
    ("slots", "to"), [([], NEW), ([("line-1", "X", "")], NEW), ([("line-1", "G", "")], OLD), ([("line-1", "G", "")], " ")]
)
def test_move_that_cannot_be_made_changes_nothing(slots: list[tuple[str, str, str]], to: str, store: Store) -> None:
    destination = site("mllp://127.0.0.1:2575")
    tube = file(store, destination, OLD, (row("G", "GLU", "5.10"),))
    with pytest.raises(BridgeError):
        move(store, destination, tube, slots, to)
    with store.read() as tx:
        assert [row.value for row in Tubes().state(tx, tube).reported().values()] == ["5.10"]
        assert len(outbox.lines(tx)) == 1


def withhold(store: Store, destination: Destination, tube: int, code: str) -> int:
    with store.write() as tx:
        (held,) = Decisions(tx, (destination,), "Lin", datetime.now(UTC)).withhold(
            tube, [("line-1", code, "")], Reason.UNDER_REVIEW, "haemolysed", {"line-1": "last"}
        )
    return held.opened[0]


async def test_what_is_held_before_its_delivery_is_never_told_and_what_was_told_is_withdrawn(
    store: Store, writer: Writer
) -> None:
    async with python_hl7_lis() as server:
        destination = site(server.link)
        slow = site(server.link, window=3600.0)
        kept = file(store, slow, OLD, (row("G", "GLU", "5.10"), row("U", "UREA", "6.20")))
        withhold(store, destination, kept, "G")
        with store.write() as tx:
            tx.exec_driver_sql("UPDATE delivery SET due_at = created_at")
        told_of = file(store, destination, NEW, (row("K", "K", "6.90"),))
        async with sending(destination, store, writer):
            await until(lambda: settled(store))
            withhold(store, destination, told_of, "K")
            await until(lambda: settled(store))
    assert told(server) == [(OLD, "UREA", "6.20", "F"), (NEW, "K", "6.90", "F"), (NEW, "K", "6.90", "W")]
    with store.read() as tx:
        assert [line.action for line in audit.lines(tx, action="results held")] == ["results held"] * 2


def test_pictures_stay_with_their_message_when_one_of_its_results_is_moved(store: Store) -> None:
    destination = site("mllp://127.0.0.1:1")
    tube = file(store, destination, OLD, (row("G", "GLU", "5.10"), row("U", "UREA", "6.20")))
    drawn = Message("patient", OLD, curves=(Curve("C", "index", "height", (("1", "2"), ("2", "3"))),))
    with store.write() as tx:
        attachments.keep(tx, tube, 1, "line-1", drawn, held=False, at=AT)
    for code, left in (("G", 1), ("U", 0)):
        withhold(store, destination, tube, code)
        with store.write() as tx:
            (hold,) = views.holds(tx)
            Decisions(tx, (destination,), "Lin", datetime.now(UTC)).move(hold.id, NEW, READER)
            assert len(attachments.lines(tx, tube)) == left


async def test_result_that_is_held_where_it_was_moved_to_waits_for_the_withdrawal_when_it_is_released(
    store: Store, writer: Writer
) -> None:
    async with lis(lambda id, number: ack(id, "AE", "busy") if number in (3, 4, 5) else ack(id)) as server:
        destination = site(server.link)
        tube = file(store, destination, OLD, (row("G", "GLU", "5.10"),))
        file(store, destination, NEW, (row("G", "GLU", "5.90"),))
        async with sending(destination, store, writer):
            await until(lambda: settled(store))
            move(store, destination, tube, [("line-1", "G", "")])
            await until(lambda: len(server.messages) > 2)
            with store.read() as tx:
                (hold,) = views.holds(tx)
            assert hold.reason == Reason.CONFLICTING_VALUE
            decide(store, destination, lambda person: person.release(hold.id))
            await until(lambda: settled(store))
    assert [(specimen, value, status) for specimen, _, value, status in told(server)][2:] == [
        *[(OLD, "5.10", "W")] * 4,
        (NEW, "5.10", "C"),
    ]


def test_result_moved_on_from_a_hold_waits_for_what_was_withdrawn_where_it_first_stood(store: Store) -> None:
    destination = site("mllp://127.0.0.1:1")
    tube = file(store, destination, OLD, (row("G", "GLU", "5.10"),))
    file(store, destination, NEW, (row("G", "GLU", "5.90"),))
    deliver(store)
    move(store, destination, tube, [("line-1", "G", "")])
    with store.read() as tx:
        (hold,) = views.holds(tx)
    decide(store, destination, lambda person: person.move(hold.id, THIRD, READER))
    assert deliver(store, verdict="AR") == ["W"], "nothing goes while the withdrawal is refused"
    assert deliver(store) == []
    with store.write() as tx:
        (refused,) = outbox.dead(tx, "lis")
        Decisions(tx, (destination,), "Lin", datetime.now(UTC)).resend(refused.id)
    assert [*deliver(store), *deliver(store, timedelta(seconds=30))] == ["W", "F"]


def test_withdrawal_that_was_sealed_before_the_clock_was_set_back_is_waited_for(store: Store) -> None:
    destination = site("mllp://127.0.0.1:1")
    tube = file(store, destination, OLD, (row("G", "GLU", "5.10"),))
    deliver(store)
    hold = withhold(store, destination, tube, "G")
    assert deliver(store, timedelta(hours=-1), verdict="AR") == ["W"]
    decide(store, destination, lambda person: person.move(hold, NEW, READER))
    assert deliver(store) == []


def test_result_held_by_hand_and_then_for_the_analyzer_s_doubt_waits_for_the_withdrawal_when_it_is_moved_and_released(
    store: Store,
) -> None:
    destination = site("mllp://127.0.0.1:1")
    tube = file(store, destination, OLD, (msgspec.structs.replace(row("G", "GLU", "5.10"), doubted=True),))
    with store.read() as tx:
        (doubted,) = views.holds(tx)
    decide(store, destination, lambda person: person.release(doubted.id))
    assert deliver(store) == ["F"]
    slots = [("line-1", "G", "")]
    held = decide(store, destination, lambda person: person.withhold(tube, slots, Reason.IDENTITY_DOUBTFUL, "whose?", {}))
    assert deliver(store, verdict="AR") == ["W"]
    (again,) = decide(store, destination, lambda person: person.release(held[0].opened[0]))
    moved = decide(store, destination, lambda person: person.move(again.opened[0], NEW, READER))
    decide(store, destination, lambda person: person.release(moved[1].opened[0]))
    assert deliver(store) == []


def test_another_value_that_is_moved_to_a_specimen_is_told_as_the_correction_of_what_waits_there(store: Store) -> None:
    destination = site("mllp://127.0.0.1:1", window=5.0)
    tube = file(store, destination, OLD, (row("G", "GLU", "5.10", "2026-03-17T09:50:00+08:00"),))
    deliver(store)
    file(store, destination, NEW, (row("G", "GLU", "5.90"),))
    move(store, destination, tube, [("line-1", "G", "")])
    assert [deliver(store, timedelta(seconds=10 * round)) for round in (1, 2)] == [["F", "W"], ["C"]]


def test_what_never_was_withdrawn_waits_for_nothing_at_its_old_specimen(store: Store) -> None:
    destination = site("mllp://127.0.0.1:1")
    file(store, destination, OLD, (row("U", "UREA", "6.20"),))
    deliver(store, verdict="AR")
    for value in ("5.10", "5.30"):
        file(store, destination, OLD, (row("G", "GLU", value),))
    with store.read() as tx:
        (hold,) = views.holds(tx)
    decide(store, destination, lambda person: person.move(hold.id, NEW, READER))
    assert deliver(store) == ["F"]


def decide(store: Store, destination: Destination, what: Callable[[Decisions], tuple[Receipt, ...]]) -> tuple[Receipt, ...]:
    with store.write() as tx:
        return what(Decisions(tx, (destination,), "Lin", datetime.now(UTC)))


def deliver(store: Store, ahead: timedelta = timedelta(seconds=10), verdict: str = "AA") -> list[str]:
    """Seal what is due and have the LIS answer what is in front of each tube; the status of what was sent."""
    now = datetime.now(UTC) + ahead
    with store.write() as tx:
        outbox.seal(tx, "lis", now=now, build=lambda head, reports, id: reports[0].status.encode(), mark=Tubes().seal)
        blocked = {owed.tube for owed in outbox.dead(tx, "lis")}
        owed = [one for one in outbox.pending(tx, "lis") if one.tube not in blocked]
        sent = [message.decode() for _, message in outbox.messages(tx, [one.id for one in owed]).values()]
        for one in owed:
            outbox.settle(tx, one.id, verdict, "", now, outbox.Policy(retries=0))
    return sent
