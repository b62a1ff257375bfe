"""Now, over real HTTP and with a real analyzer's bytes: what needs a person, what he decides, what is written down."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import UTC, datetime
from decimal import Decimal

import httpx2 as httpx
import msgspec

from lis_bridge import audit, journal
from lis_bridge.core.results import Message, Observation, Patient
from lis_bridge.journal import Entry
from lis_bridge.pipeline.alarms import shipped
from lis_bridge.tubes import keys
from lis_bridge.tubes.assembly import Context
from lis_bridge.tubes.store import Arrival, Receipt, Tubes

from .serving import Running, csrf_of

AT = datetime(2026, 3, 17, 1, 45, tzinfo=UTC)
TUBE, OTHER = "20260317000012", "20260317000021"


def row(code: str, value: str, at: str = "2026-03-17T09:40:00+08:00", **more: object) -> Observation:
    return Observation(code, code, value, value, Decimal(value), unit="mmol/L", ucum="mmol/L", observed_at=at, **more)  # type: ignore[arg-type]


def file(running: Running, *rows: Observation, specimen: str = TUBE, name: str = "林远山", complete: bool = True) -> Receipt:
    """File a message as the process step does."""

    def work(tx):  # type: ignore[no-untyped-def]
        entry = journal.append(tx, Entry("line-1", "", AT, "mllp", complete, b"x"))
        message = Message("patient", specimen, Patient("P1", name), complete, rows)
        receipt = Tubes().file(tx, message, keys.named(specimen), Context("line-1"), Arrival(entry, 0, datetime.now(UTC)))
        shipped().note(tx, receipt, datetime.now(UTC))
        journal.done(tx, entry, "mindray-bs", 1)
        return receipt

    return running.service.writer.submit(work).result()


async def act(client: httpx.AsyncClient, path: str, **form: str) -> httpx.Response:
    token = csrf_of((await client.get("/")).text)
    return await client.post(path, headers={"x-csrf-token": token, "hx-request": "true"}, data=form)


def lines(running: Running, action: str) -> list[audit.Line]:
    with running.service.store.read() as tx:
        return audit.lines(tx, action=action)


async def test_a_critical_value_waits_until_somebody_was_told(running: Running) -> None:
    file(running, row("K", "6.82"), row("NA", "140"))
    async with running.logged_in("jiang") as client:
        page = (await client.get("/")).text
        assert 'id="critical-1"' in page
        assert "6.82" in page
        assert 'data-criticals="1"' in page
        after = await act(client, "/criticals/1/call", told="Dr Wu", ward="Neurology", read_back="true")
        assert after.status_code == 200
        assert "critical-1" not in after.text
        again = await act(client, "/criticals/1/call", told="Dr Wu", read_back="true")
        assert again.status_code == 409
        assert "this critical value waits no more" in again.text
    (line,) = lines(running, "critical value called")
    assert (line.actor, line.via, line.address) == ("jiang", "console", "127.0.0.1")
    assert json.loads(line.detail) == {"told": "Dr Wu", "ward": "Neurology", "read_back": True}
    with running.service.store.read() as tx:
        rows = tx.exec_driver_sql("SELECT critical_id, told, ward, read_back, by FROM critical_call").all()
    assert [tuple(found) for found in rows] == [(1, "Dr Wu", "Neurology", 1, "jiang")]


async def test_another_material_of_the_same_code_does_not_take_the_place_of_a_critical_value(running: Running) -> None:
    file(running, row("K", "6.82"))
    other = msgspec.structs.replace(row("K", "140", "2026-03-17T09:50:00+08:00"), test="NA", material="urine")
    file(running, other)
    async with running.logged_in() as client:
        assert 'data-criticals="1"' in (await client.get("/now/work")).text


async def test_a_newer_value_takes_the_place_of_a_critical_one(running: Running) -> None:
    file(running, row("K", "6.82"))
    file(running, row("K", "4.10", "2026-03-17T09:50:00+08:00", run="2"))
    async with running.logged_in() as client:
        assert 'data-criticals="0"' in (await client.get("/now/work")).text


async def test_a_hold_is_released_by_a_person_and_by_nobody_twice(running: Running) -> None:
    receipt = file(running, row("K", "4.1"), complete=False)
    (hold,) = receipt.opened
    async with running.logged_in("jiang") as client:
        assert f'id="hold-{hold}"' in (await client.get("/")).text
        assert f"hold-{hold}" not in (await act(client, f"/holds/{hold}/release")).text
        again = await act(client, f"/holds/{hold}/release")
        assert (again.status_code, again.headers["hx-retarget"]) == (409, "#said")
        assert "this hold is released already" in again.text
    assert [line.subject for line in lines(running, "hold released")] == [f"hold {hold}"]
    with running.service.store.read() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM delivery").scalar() == 1
        assert isinstance(audit.verify(tx), audit.Head)


async def test_a_critical_value_that_was_held_is_to_be_called_once_it_is_released(running: Running) -> None:
    (hold,) = file(running, row("K", "6.9"), complete=False).opened
    async with running.logged_in("jiang") as client:
        assert 'data-criticals="0"' in (await client.get("/now/work")).text
        assert 'data-criticals="1"' in (await act(client, f"/holds/{hold}/release")).text


async def test_a_hold_is_discarded_and_written_down(running: Running) -> None:
    (hold,) = file(running, row("K", "4.1"), complete=False).opened
    async with running.logged_in("jiang") as client:
        assert (await act(client, f"/holds/{hold}/discard")).status_code == 200
    assert [line.actor for line in lines(running, "hold discarded")] == ["jiang"]


async def test_which_patients_a_page_has_shown_is_written_down_once_a_session(running: Running) -> None:
    file(running, row("K", "4.1"))
    async with running.logged_in("jiang") as client:
        for _ in range(3):
            await client.get("/")
        file(running, row("K", "4.2"), specimen=OTHER)
        await client.get("/now/tubes", headers={"X-Live": "1"})
    told = [(line.actor, json.loads(line.detail)["tubes"]) for line in lines(running, "viewed")]
    assert told == [("jiang", [OTHER]), ("jiang", [TUBE])]


async def test_what_a_patient_or_a_lis_is_called_is_text_and_never_markup(running: Running) -> None:
    file(running, row("K", "4.1"), name="<script>alert(1)</script>")
    async with running.logged_in() as client:
        page = (await client.get("/")).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


async def test_figures_count_what_came_today(running: Running) -> None:
    file(running, row("K", "4.1"), row("NA", "140"))
    file(running, row("K", "4.3"), specimen=OTHER)
    async with running.logged_in() as client:
        found = (await client.get("/api/v1/figures")).json()
    assert (found["tubes"], found["results"], sum(found["tubes_by_hour"])) == (2, 3, 2)


async def test_the_stream_tells_within_a_second_what_changed(running: Running) -> None:
    async with running.logged_in() as client, client.stream("GET", "/live") as stream:
        heard: asyncio.Queue[str] = asyncio.Queue()

        async def listen() -> None:
            async for line in stream.aiter_lines():
                if line.startswith("event: "):
                    heard.put_nowait(line.removeprefix("event: "))

        task = asyncio.create_task(listen())
        assert await asyncio.wait_for(heard.get(), 10) in ("beat", "analyzers")
        await asyncio.sleep(1.0)
        while not heard.empty():
            heard.get_nowait()
        (hold,) = file(running, row("K", "4.1"), complete=False).opened
        async with running.logged_in("jiang") as other:
            await act(other, f"/holds/{hold}/release")
        found = set()
        while not {"work", "tubes", "figures"} <= found:
            found.add(await asyncio.wait_for(heard.get(), 10))
        task.cancel()


async def test_the_stream_ends_with_its_session(running: Running) -> None:
    async with running.logged_in() as client:
        async with client.stream("GET", "/live", timeout=20) as stream:
            await running.service.writer.call_async(lambda tx: tx.exec_driver_sql("DELETE FROM session") and None)
            async with asyncio.timeout(20):
                text = "".join([part async for part in stream.aiter_text()])
        assert text.rstrip().endswith("event: ended\ndata:")


async def test_the_language_is_the_user_s_and_stays_his(running: Running) -> None:
    async with running.logged_in("jiang") as client:
        token = csrf_of((await client.get("/")).text)
        assert "Nothing to do now" in (await client.get("/")).text
        assert (await client.post("/language", data={"csrf": token, "to": "zh", "next": "/"})).headers["location"] == "/"
    async with running.logged_in("jiang") as client:
        assert "现在没有要处理的" in (await client.get("/")).text


async def test_the_locked_door_tells_a_count_and_nothing_else(running: Running) -> None:
    file(running, row("K", "6.82"), row("NA", "140"))
    async with running.visitor() as client:
        told = await client.get("/waiting")
    assert told.status_code == 200
    assert 'data-criticals="1"' in told.text
    assert re.sub(r"<[^>]+>", "", told.text).split() == ["有", "1", "条危急值待报告", "请登录查看。"]


async def test_the_rail_counts_what_waits(running: Running) -> None:
    file(running, row("K", "6.82"))
    file(running, row("K", "4.3"), specimen=OTHER, complete=False)
    async with running.logged_in("jiang") as client:
        counts = (await client.get("/now/counts")).text
    assert 'data-now="1"' in counts
    assert 'data-quarantine="1"' in counts
    assert 'data-deliveries=""' in counts
