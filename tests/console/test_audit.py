"""The audit log's page, over real HTTP: filters, files, and the check of the whole chain while somebody watches."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest

from lis_bridge import audit

from .serving import Running
from .test_now import act

FIRST = datetime(2026, 3, 16, 12, 0, tzinfo=UTC)


@pytest.fixture
def filled(running: Running) -> Running:
    """120 entries, one an hour, behind those of the users that were made."""

    def work(tx):  # type: ignore[no-untyped-def]
        for number in range(1, 121):
            entry = audit.Entry(
                at=FIRST + timedelta(hours=number),
                actor=("lin", "jiang", "zhou")[number % 3],
                via="console",
                action="viewed" if number % 2 else "hold released",
                subject=f"hold {number % 7}",
                detail={"number": number},
            )
            audit.append(tx, entry)

    running.service.writer.submit(work).result()
    return running


def told(page: str) -> list[int]:
    return [int(found) for found in re.findall(r"&#34;number&#34;:(\d+)", page)]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"actor": "lin"}, [number for number in range(120, 0, -1) if number % 3 == 0]),
        ({"action": "hold released", "subject": "hold 3"}, [number for number in range(120, 0, -2) if number % 7 == 3]),
        ({"subject": "hold 3", "actor": "zhou"}, [number for number in range(120, 0, -1) if number % 7 == 3 and number % 3 == 2]),
        ({"actor": "nobody"}, []),
    ],
)
async def test_the_log_is_narrowed_and_a_file_says_the_same(asked: dict[str, str], found: list[int], filled: Running) -> None:
    async with filled.logged_in("zhou") as client:
        assert told((await client.get("/audit", params=asked)).text) == found[:50]
        file = await client.get("/audit.csv", params=asked)
    rows = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert rows[0] == ["id", "at", "actor", "via", "address", "action", "subject", "detail", "digest"]
    assert [row[7] for row in rows[1:]] == [f'{{"number":{number}}}' for number in found]


async def test_pages_follow_each_other_without_a_gap(filled: Running) -> None:
    async with filled.logged_in("zhou") as client:
        seen: list[int] = []
        path = "/audit"
        while path:
            page = (await client.get(path)).text
            seen += [int(found) for found in re.findall(r'id="audit-(\d+)"', page)]
            after = re.search(r'rel="next" href="([^"]+)"', page)
            path = after[1].replace("&amp;", "&") if after else ""
    assert seen == list(range(seen[0], 0, -1))
    assert len(seen) > 120


async def test_a_whole_log_is_verified_and_its_head_shown(filled: Running) -> None:
    async with filled.logged_in("zhou") as client:
        found = await _verified(client)
        assert "Whole" in found
        head = re.search(r"(\d+):([0-9a-f]{64})", found)
        assert head is not None
        with filled.service.store.read() as tx:
            known = audit.Head(int(head[1]), head[2])
            assert isinstance(audit.verify(tx, known), audit.Head)
        api = (await client.get("/api/v1/audit/verified")).json()
    assert api["whole"] is True


async def test_a_changed_entry_is_found_and_named(filled: Running) -> None:
    def tamper(tx):  # type: ignore[no-untyped-def]
        tx.exec_driver_sql("DROP TRIGGER audit_no_update")
        tx.exec_driver_sql("UPDATE audit SET actor = 'nobody' WHERE id = 40")

    await filled.service.writer.call_async(tamper)
    async with filled.logged_in("zhou") as client:
        assert "Changed at entry 40" in await _verified(client)
        api = (await client.get("/api/v1/audit/verified")).json()
    assert (api["whole"], api["id"]) == (False, 40)


async def _verified(client) -> str:  # type: ignore[no-untyped-def]
    page = (await act(client, "/audit/verify")).text
    async with asyncio.timeout(30):
        while "hx-trigger" in page:
            await asyncio.sleep(0.05)
            page = (await client.get("/audit/verify")).text
    return str(page)
