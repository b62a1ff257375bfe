"""Deliveries, over real HTTP: lists with filters, one with its message, and what a person decides about a dead one."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, update

from lis_bridge import outbox
from lis_bridge.pipeline.deciding import Decisions
from lis_bridge.storage.schema.deliveries import delivery
from lis_bridge.storage.schema.tubes import tube

from .serving import Running
from .test_now import act, file, lines, row

FIRST = datetime(2026, 3, 16, 12, 0, tzinfo=UTC)


@pytest.fixture
def filled(running: Running) -> Running:
    """120 settled deliveries of 12 tubes, one an hour, to two destinations; every tenth was dismissed. None is dead or owed, so that no sender minds."""

    def work(tx):  # type: ignore[no-untyped-def]
        for number in range(1, 13):
            at = FIRST.isoformat(timespec="microseconds")
            named = {
                "id": number,
                "key": f"T{number:04}-2026",
                "specimen": f"T{number:04}-2026",
                "created_at": at,
                "updated_at": at,
            }
            tx.execute(insert(tube).values(named))
        for number in range(1, 121):
            at = (FIRST + timedelta(hours=number)).isoformat(timespec="microseconds")
            row = {
                "id": number,
                "destination": "lis" if number % 3 else "archive",
                "tube_id": number % 12 + 1,
                "control_id": f"C{number}",
                "state": "delivered" if number % 10 else "dismissed",
                "due_at": at,
                "results": number,
                "created_at": at,
                "settled_at": at,
                "verdict": "AA",
                "lis_text": "=SUM(1)" if number == 1 else "ok",
            }
            tx.execute(insert(delivery).values(row))

    running.service.writer.submit(work).result()
    return running


def numbers(page: str) -> list[int]:
    return [int(found) for found in re.findall(r'id="delivery-(\d+)"', page)]


async def test_pages_follow_each_other_without_a_gap(filled: Running) -> None:
    async with filled.logged_in("zhou") as client:
        first = (await client.get("/deliveries")).text
        second = (await client.get("/deliveries", params={"before": "71"})).text
        third = (await client.get("/deliveries", params={"before": "21"})).text
    assert 'href="/deliveries?before=71"' in first
    assert numbers(first) + numbers(second) + numbers(third) == list(range(120, 0, -1))
    assert 'rel="next"' not in third


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"state": "dismissed"}, list(range(120, 0, -10))),
        ({"destination": "archive", "state": "dismissed"}, [120, 90, 60, 30]),
        ({"destination": "archive", "state": "delivered", "tube": "T0004-2026"}, [111, 99, 87, 75, 63, 51, 39, 27, 15, 3]),
        ({"destination": "nowhere"}, []),
        ({"tube": "T0001-2026"}, [120, 108, 96, 84, 72, 60, 48, 36, 24, 12]),
        ({"tube": "nobody knows it"}, []),
        ({"since": "2026-03-17", "until": "2026-03-17"}, list(range(27, 3, -1))),  # from 16:00Z to 16:00Z: the laboratory's day
        ({"until": "2026-03-16"}, [3, 2, 1]),
        ({"since": "2026-03-17", "until": "2026-03-17", "state": "dismissed", "tube": ""}, [20, 10]),
    ],
)
async def test_lists_are_narrowed(asked: dict[str, str], found: list[int], filled: Running) -> None:
    async with filled.logged_in("zhou") as client:
        page = await client.get("/deliveries", params=asked)
        assert numbers(page.text) == found, page.text[-800:]
        file = await client.get("/deliveries.csv", params=asked)
    rows = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert [int(row[0]) for row in rows[1:]] == found


@pytest.mark.parametrize("asked", [{"since": "yesterday"}, {"state": "lost"}, {"before": "0"}])
async def test_a_filter_that_means_nothing_is_refused(asked: dict[str, str], filled: Running) -> None:
    async with filled.logged_in("zhou") as client:
        assert (await client.get("/deliveries", params=asked)).status_code == 422


async def test_a_file_holds_all_and_no_formula(filled: Running) -> None:
    async with filled.logged_in("zhou") as client:
        rows = list(csv.reader(io.StringIO((await client.get("/deliveries.csv")).content.decode("utf-8-sig"))))
    assert len(rows) == 121
    assert rows[-1][-1] == "'=SUM(1)"
    assert rows[-1][7] == "2026-03-16T21:00:00+08:00"


async def test_the_list_renews_itself_alone(filled: Running) -> None:
    async with filled.logged_in("zhou") as client:
        page = (await client.get("/deliveries", headers={"hx-request": "true", "hx-target": "deliveries"})).text
    assert page.lstrip().startswith('<section class="card" id="deliveries"')


async def test_a_delivery_s_page_shows_message_verdict_and_words(running: Running) -> None:
    number = await _dead(running)
    async with running.logged_in("zhou") as client:
        page = (await client.get(f"/deliveries/{number}")).text
        assert (await client.get("/deliveries/99")).status_code == 404
    assert '<span class="ctl">CR</span>' in page
    assert "MSH|" in page
    assert "AR unknown patient" in page
    assert "hx-post" not in page.split("<main")[1]  # a viewer only looks
    assert [json.loads(line.detail) for line in lines(running, "viewed") if line.subject.startswith("tube ")] == [
        {"delivery": number}
    ]


async def test_a_dead_delivery_is_sent_again(running: Running) -> None:
    number = await _dead(running)
    async with running.logged_in("jiang") as client:
        done = await act(client, f"/deliveries/{number}/decide", decision="resend")
        assert (done.status_code, done.headers["hx-redirect"]) == (204, f"/deliveries/{number}")
        again = await act(client, f"/deliveries/{number}/decide", decision="resend")
        assert again.status_code == 409
    assert _state(running, number) == "pending"
    assert [line.subject for line in lines(running, "delivery resent")] == [f"delivery {number}"]


async def test_a_dead_delivery_is_given_up_only_with_a_reason(running: Running) -> None:
    number = await _dead(running)
    async with running.logged_in("jiang") as client:
        for form in ({"decision": "dismiss"}, {"decision": "dismiss", "why": "  "}, {"decision": "forget", "why": "x"}):
            assert (await act(client, f"/deliveries/{number}/decide", **form)).status_code == 422
        assert (await act(client, f"/deliveries/{number}/decide", decision="dismiss", why="entered by hand")).status_code == 204
        page = (await client.get(f"/deliveries/{number}")).text
    assert _state(running, number) == "dismissed"
    assert "entered by hand" in page


async def test_a_viewer_decides_nothing(running: Running) -> None:
    number = await _dead(running)
    async with running.logged_in("zhou") as client:
        assert (await act(client, f"/deliveries/{number}/decide", decision="resend")).status_code == 403


def _state(running: Running, number: int) -> str:
    with running.service.store.read() as tx:
        found = outbox.get(tx, number)
    assert found is not None
    return found.line.state


async def _dead(running: Running) -> int:
    """A delivery that the LIS has refused."""
    (hold,) = file(running, row("K", "4.1"), complete=False).opened
    with running.service.store.write() as tx:
        Decisions(tx, running.service.config.destinations, "tests", datetime.now(UTC)).release(hold)
    async with asyncio.timeout(30):
        while _state(running, 1) != "pending":
            await asyncio.sleep(0.02)
    refused = {"state": "dead", "verdict": "AR", "lis_text": "unknown patient", "attempts": 1}
    await running.service.writer.call_async(lambda tx: tx.execute(update(delivery).values(refused)) and None)
    return 1
