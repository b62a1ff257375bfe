"""Finding tubes over real HTTP: scanner, beginnings, parts of names, days, analyzers, states, pages, files."""

from __future__ import annotations

import csv
import io
import json

import pytest
from sqlalchemy import delete, insert, select

from lis_bridge.console.queries import tubes as finding
from lis_bridge.console.queries.tubes import Filters
from lis_bridge.storage.schema.deliveries import delivery, delivery_part
from lis_bridge.storage.schema.tubes import tube

from .serving import Running
from .test_now import OTHER, TUBE, act, file, lines, row


def keys_in(page: str) -> list[str]:
    return [part.partition('"')[0] for part in page.split('<a href="/tubes/')[1:]]


async def test_a_scanned_barcode_opens_its_tube_at_once(running: Running) -> None:
    file(running, row("K", "4.1"))
    async with running.logged_in() as client:
        answer = await client.get("/tubes", params={"q": f" {TUBE} "})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/tubes/{TUBE}")
        form = {"q": TUBE, "state": "", "analyzer": "", "since": "", "until": ""}
        assert (await client.get("/tubes", params=form)).status_code == 303


@pytest.mark.parametrize("typed", ["2026031700002", "周", "李"])
async def test_the_beginning_of_a_barcode_or_a_name_finds(typed: str, running: Running) -> None:
    file(running, row("K", "4.1"), name="林远山")
    file(running, row("K", "4.2"), specimen=OTHER, name="李小青" if typed == "李" else "周一鸣")
    async with running.logged_in() as client:
        assert keys_in((await client.get("/tubes", params={"q": typed})).text) == [OTHER]


async def test_what_nothing_begins_with_is_looked_for_inside(running: Running) -> None:
    file(running, row("K", "4.1"), name="林远山")
    async with running.logged_in() as client:
        page = (await client.get("/tubes", params={"q": "远山"})).text
        assert keys_in(page) == [TUBE]
        assert "Nothing begins with this" in page
        assert "No such tube" in (await client.get("/tubes", params={"q": "100%"})).text


async def test_filters_of_state_analyzer_and_day(running: Running) -> None:
    file(running, row("K", "6.9"))
    file(running, row("K", "4.2"), specimen=OTHER, complete=False)
    today = f"{running.console.site.local():%Y-%m-%d}"
    async with running.logged_in() as client:
        for asked, wanted in (
            ({"state": "held"}, [OTHER]),
            ({"state": "critical"}, [TUBE]),
            ({"state": "refused"}, []),
            ({"analyzer": "line-1"}, [OTHER, TUBE]),
            ({"analyzer": "elsewhere"}, []),
            ({"since": today, "until": today}, [OTHER, TUBE]),
            ({"until": "2020-01-01"}, []),
        ):
            assert keys_in((await client.get("/tubes", params=asked)).text) == wanted, asked
        assert (await client.get("/tubes", params={"state": "what"})).status_code == 422


async def test_a_state_finds_the_tubes_that_show_it(running: Running) -> None:
    states = {
        "20260317000101": (),
        "20260317000102": ("delivered",),
        "20260317000103": ("delivered", "dismissed"),
        "20260317000104": ("dismissed", "dismissed"),
    }
    for number, key in enumerate(states):
        file(running, row("K", f"4.{number}"), specimen=key)

    def settle(tx):  # type: ignore[no-untyped-def]
        tx.execute(delete(delivery_part))
        tx.execute(delete(delivery))
        for key, told in states.items():
            of = tx.execute(select(tube.c.id).where(tube.c.key == key)).scalar_one()
            for number, state in enumerate(told):
                sent = {"destination": "lis", "tube_id": of, "control_id": f"{key}-{number}", "state": state}
                tx.execute(insert(delivery).values(sent | {"due_at": "2026-03-17", "created_at": "2026-03-17"}))

    await running.service.writer.call_async(settle)
    async with running.logged_in() as client:
        for state, keys in (
            ("measuring", ["20260317000101"]),
            ("delivered", ["20260317000103", "20260317000102"]),
            ("dismissed", ["20260317000104"]),
        ):
            for asked in ({"state": state}, {"state": state, "q": "202603170001"}):
                found = (await client.get("/api/v1/tubes", params=asked)).json()["rows"]
                assert [one["key"] for one in found] == keys
                assert {one["state"] for one in found} == {state}
                assert f'<option value="{state}" selected>' in (await client.get("/tubes", params=asked)).text


async def test_a_tube_that_no_lis_gets_is_given_up_in_every_list(running: Running) -> None:
    file(running, row("K", "4.1"))

    def give_up(tx):  # type: ignore[no-untyped-def]
        of = tx.execute(select(tube.c.id)).scalar_one()
        sent = {"destination": "lis", "tube_id": of, "control_id": "1", "state": "dismissed"}
        tx.execute(insert(delivery).values(sent | {"due_at": "2026-03-17", "created_at": "2026-03-17"}))

    await running.service.writer.call_async(give_up)
    async with running.logged_in() as client:
        for language, word, other in (("en", "Given up", "Measuring"), ("zh", "已放弃", "检测中")):
            await act(client, "/language", to=language, next="/")
            for path in ("/tubes?state=dismissed", "/now/tubes"):
                rows = (await client.get(path)).text.rpartition("</form>")[2]
                assert (TUBE in rows, word in rows, other in rows) == (True, True, False), (language, path)
        found = list(csv.DictReader(io.StringIO((await client.get("/tubes.csv")).content.decode("utf-8-sig"))))
        assert [one["state"] for one in found] == ["dismissed"]


async def test_pages_follow_one_another_without_gap_or_double(running: Running) -> None:
    for number in range(7):
        file(running, row("K", f"4.{number}", f"2026-03-17T09:4{number}:00+08:00"), specimen=f"2026031700010{number}", name="林")
    seen, before = [], None
    async with running.logged_in() as client:
        while True:
            asked = {"q": "林", "limit": 3, **({"before": before} if before else {})}
            found = (await client.get("/api/v1/tubes", params=asked)).json()
            seen += [one["key"] for one in found["rows"]]
            before = found["before"]
            if before is None:
                break
    assert seen == [f"2026031700010{number}" for number in reversed(range(7))]


async def test_a_look_that_ends_early_says_where_to_go_on(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "LOOK", 2)
    for number in range(5):
        name = "远山" if number == 0 else "他人"
        file(
            running,
            row("K", f"4.{number}", f"2026-03-17T09:4{number}:00+08:00"),
            specimen=f"2026031700010{number}",
            name=f"林{name}",
        )
    with running.service.store.read() as tx:
        first = finding.find(tx, Filters(text="远山")).page
        second = finding.find(tx, Filters(text="远山", inside=True), first.before).page
        third = finding.find(tx, Filters(text="远山", inside=True), second.before).page
    assert [len(one.rows) for one in (first, second, third)] == [0, 0, 1]
    assert third.before is None


async def test_the_list_is_a_file_and_the_export_is_written_down(running: Running) -> None:
    file(running, row("K", "4.1"))
    async with running.logged_in("zhou") as client:
        answer = await client.get("/tubes.csv", params={"q": "2026"})
    found = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(one["tube"], one["patient"], one["results"]) for one in found] == [(TUBE, "林远山", "1")]
    assert answer.headers["content-disposition"].startswith('attachment; filename="tubes-')
    (line,) = lines(running, "viewed")
    assert (line.actor, json.loads(line.detail)) == ("zhou", {"exported": {"q": "2026"}})


async def test_who_was_shown_is_written_down(running: Running) -> None:
    file(running, row("K", "4.1"))
    async with running.logged_in("zhou") as client:
        await client.get("/tubes")
    (line,) = lines(running, "viewed")
    assert (line.subject, json.loads(line.detail)) == ("tubes", {"tubes": [TUBE]})
