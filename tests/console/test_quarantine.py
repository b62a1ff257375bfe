"""The quarantine, over real HTTP and a real service: what waits, what a person decides about it, and what is mapped in place."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from collections.abc import Callable
from typing import Any, Literal

import httpx2 as httpx
import pytest
from sqlalchemy import text

from lis_bridge import audit, journal, outbox
from lis_bridge.tubes import views

from .serving import Running, csrf_of
from .test_now import OTHER, TUBE, act, file, lines, row
from .wire import heard, oru

WRITTEN = ("journal", "tube", "tube_event", "hold", "observed_tail", "delivery", "mapping")


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.02)


def holds(running: Running) -> list[str]:
    with running.service.store.read() as tx:
        return [hold.reason for hold in views.holds(tx)]


def reported(running: Running, key: str) -> dict[str, str | None]:
    with running.service.store.read() as tx:
        number = views.find(tx, key)
        runs = views.view(tx, number).runs if number is not None else ()
    return {run.observation.test or "": run.observation.value for run in runs if run.standing == "reported"}


async def test_what_one_mapping_mends_is_one_row_and_names_how_much_waits(running: Running) -> None:
    for number in range(3):
        await heard(running, oru(f"2026031700010{number}", ("NEW-1", "0.92", "mg/L"), ("ALT", "40", "U/L"), name=f"患者{number}"))
    async with running.logged_in("jiang") as client:
        page = (await client.get("/quarantine")).text
        assert page.count('class="mono">NEW-1</th>') == 1
        assert "3 messages" in page
        opened = (await client.get("/quarantine/map", params={"analyzer": "line-1", "kind": "code", "code": "NEW-1"})).text
    assert "<mark>NEW-1</mark>" in opened
    assert "Map and replay 3" in opened


@pytest.mark.parametrize("text", ["胱抑素", "cystatin", "CysC", "33863-2"])
async def test_catalogue_is_searched_in_both_languages_by_code_and_by_loinc(text: str, running: Running) -> None:
    await heard(running, oru(TUBE, ("NEW-1", "0.92", "mg/L")))
    async with running.logged_in() as client:
        asked = {"analyzer": "line-1", "kind": "code", "code": "NEW-1", "q": text}
        found = (await client.get("/quarantine/map/tests", params=asked)).text
    first = re.search(r'name="means" value="([^"]+)".*?class="ticks">(.*?)</label>', found, re.DOTALL)
    assert first is not None
    assert first[1] == "CysC"
    assert first[2].count("is-ok") == 2  # the unit fits, and the value lies in the range


async def test_a_test_whose_unit_cannot_be_meant_says_so(running: Running) -> None:
    await heard(running, oru(TUBE, ("NEW-1", "0.92", "mg/L")))
    async with running.logged_in() as client:
        asked = {"analyzer": "line-1", "kind": "code", "code": "NEW-1", "q": "ALT"}
        found = (await client.get("/quarantine/map/tests", params=asked)).text
    assert re.search(r'value="ALT".*?is-idle', found, re.DOTALL)


async def test_a_code_is_mapped_in_place_and_what_waited_is_filed(running: Running) -> None:
    await heard(running, oru(TUBE, ("NEW-1", "0.92", "mg/L")))
    async with running.logged_in("jiang") as client:
        done = await act(client, "/quarantine/map", analyzer="line-1", kind="code", said="NEW-1", means="CysC")
        assert (done.status_code, done.headers["hx-push-url"]) == (200, "/quarantine")
        assert "NEW-1 of line-1 means CysC." in done.text
        await until(lambda: reported(running, TUBE) == {"CysC": "0.92"})
        assert "Nothing waits here" in (await client.get("/quarantine/list")).text
    (line,) = lines(running, "code mapped")
    assert (line.actor, line.via, line.address, line.subject) == ("jiang", "console", "127.0.0.1", "analyzer line-1")
    with running.service.store.read() as tx:
        assert isinstance(audit.verify(tx), audit.Head)
        assert sum(one.results for one in outbox.lines(tx)) == 1


async def test_what_a_mapping_would_change_is_shown_and_nothing_is_done(running: Running) -> None:
    await heard(running, oru(TUBE, ("NEW-1", "2.87", "mg/L")))
    await heard(running, oru(OTHER, ("NEW-1", "0.92", "furlong"), name="江月"))
    before = content(running)
    async with running.logged_in("jiang") as client:
        asked = {"analyzer": "line-1", "kind": "code", "code": "NEW-1", "said": "NEW-1", "means": "CysC"}
        answer = await client.get("/quarantine/map/trial", params=asked)
        refused = await client.get("/quarantine/map/trial", params={**asked, "means": "no such test"})
        stranger = await client.get("/quarantine/map/trial", params={**asked, "analyzer": "nobody"})
    told = " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())
    assert answer.status_code == 200, answer.text
    assert "As CysC; nothing is saved yet 1 result would go out of 1 tube 1 result would still be held" in told
    assert "CysC 2.87 mg/L high 0.54–1.25 · would go out" in told
    assert "CysC 0.92 furlong · still held: Unknown unit" in told
    assert (refused.status_code, stranger.status_code) == (409, 404)
    assert content(running) == before


async def test_a_mapping_is_tried_with_the_first_messages_alone_and_says_so(running: Running) -> None:
    for number in range(22):
        await heard(running, oru(f"202603170001{number:02}", ("NEW-1", "0.92", "mg/L"), name=f"患者{number}"))
    asked = {"analyzer": "line-1", "kind": "code", "code": "NEW-1", "said": "NEW-1", "means": "CysC"}
    async with running.logged_in("jiang") as client:
        told = (await client.get("/quarantine/map/trial", params=asked)).text
    assert re.search(r"Tried with the first \d+ of 22 messages", told)


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "1 message could not be tried: processing it failed."), ("zh", "1 条报文无法试算：处理时出错。")],
)
async def test_a_message_that_cannot_be_tried_is_counted_and_the_others_are_shown(
    language: Literal["en", "zh"], said: str, running: Running
) -> None:
    await heard(running, oru(TUBE, ("NEW-1", "2.87", "mg/L")))
    await heard(running, oru(OTHER, ("NEW-1", "0.92", "mg/L"), name="江月"))
    await running.add("wu", "technician", language)
    with running.service.store.write() as tx:
        tx.execute(text("UPDATE tube_event SET content = x'00ff' WHERE id = 1"))
    asked = {"analyzer": "line-1", "kind": "code", "code": "NEW-1", "said": "NEW-1", "means": "CysC"}
    async with running.logged_in("wu") as client:
        answer = await client.get("/quarantine/map/trial", params=asked)
    assert answer.status_code == 200, answer.text
    assert said in answer.text
    assert re.search(r"<b>CysC</b> <span class=\"num\">0.92", answer.text)


async def test_a_unit_is_tried_before_it_is_mapped(running: Running) -> None:
    await heard(running, oru(TUBE, ("ALT", "42.1", "unit-15")))
    asked = {"analyzer": "line-1", "kind": "unit", "code": "ALT", "said": "unit unit-15", "means": "U/L"}
    async with running.logged_in("jiang") as client:
        told = (await client.get("/quarantine/map/trial", params=asked)).text
        assert "1 result would go out" in told
    async with running.logged_in("zhou") as client:
        assert (await client.get("/quarantine/map/trial", params=asked)).status_code == 403


URINE = {"analyzer": "line-1", "kind": "code", "code": "NEW-1@urine"}


async def test_a_code_of_urine_is_mapped_in_place_by_a_name_of_its_own_and_serum_s_still_waits(running: Running) -> None:
    await heard(running, oru(TUBE, ("NEW-1", "12.0", "mg/L"), material="urine"))
    await heard(running, oru(OTHER, ("NEW-1", "0.92", "mg/L"), name="江月"))
    async with running.logged_in("jiang") as client:
        listed = (await client.get("/api/v1/quarantine/unmapped")).json()
        assert [(one["code"], one["messages"]) for one in listed] == [("NEW-1@urine", 1), ("NEW-1", 1)]
        opened = (await client.get("/quarantine/map", params=URINE)).text
        assert 'name="said" value="NEW-1@urine"' in opened
        assert "<mark>NEW-1</mark>" in opened
        assert re.search(r"<dt>Material</dt><dd>urine .*the mapping is of NEW-1@urine alone", opened)
        assert ("Map and replay 1" in opened, "12.0" in opened, "0.92" in opened) == (True, True, False)
        await act(client, "/quarantine/map", analyzer="line-1", kind="code", said="NEW-1@urine", means="U-ALB")
        await until(lambda: reported(running, TUBE) == {"U-ALB": "12.0"})
        listed = (await client.get("/api/v1/quarantine/unmapped")).json()
        assert [one["code"] for one in listed] == ["NEW-1"]
    assert reported(running, OTHER) == {}


async def test_tests_of_serum_come_last_for_a_code_of_urine_and_say_so(running: Running) -> None:
    await heard(running, oru(TUBE, ("ALB", "12.0", "mg/L"), ("NEW-1", "12.0", "mg/L"), material="urine"))
    asked = {"analyzer": "line-1", "kind": "code", "code": "ALB@urine", "q": "albumin"}
    async with running.logged_in("jiang") as client:
        found = (await client.get("/api/v1/quarantine/candidates", params=asked)).json()
        page = (await client.get("/quarantine/map", params=asked)).text
        plain = (await client.get("/api/v1/quarantine/candidates", params={**asked, "code": "NEW-1"})).json()
    of_serum = {one["test"]: one["usual"] for one in found}
    assert (of_serum["U-ALB"], of_serum["ALB"]) == (False, True)
    assert list(of_serum.values()) == sorted(of_serum.values())
    assert re.search(r"<b>ALB</b>.*?of the usual material, as code .*?ALB.*? of this analyzer", page, re.DOTALL)
    assert not any(one["usual"] for one in plain)


async def test_what_a_mapping_of_urine_would_change_is_shown_of_urine_alone(running: Running) -> None:
    await heard(running, oru(TUBE, ("NEW-1", "12.0", "mg/L"), material="urine"))
    await heard(running, oru(OTHER, ("NEW-1", "0.92", "mg/L"), name="江月"))
    before = content(running)
    async with running.logged_in("jiang") as client:
        answer = await client.get("/quarantine/map/trial", params={**URINE, "said": "NEW-1@urine", "means": "U-ALB"})
        mistaken = await client.get("/quarantine/map/trial", params={**URINE, "said": "NEW-1", "means": "CysC"})
    told = " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())
    assert "1 result would go out of 1 tube" in told
    assert "U-ALB 12.0 mg/L" in told
    assert "0.92" not in told
    assert "NEW-1@urine 12.0 mg/L · still held: Unknown code" in " ".join(re.sub(r"<[^>]+>", " ", mistaken.text).split())
    assert content(running) == before


async def test_a_code_of_urine_is_ignored_and_serum_s_still_waits(running: Running) -> None:
    await heard(running, oru(TUBE, ("NEW-1", "12.0", "mg/L"), material="urine"))
    await heard(running, oru(OTHER, ("NEW-1", "0.92", "mg/L"), name="江月"))
    async with running.logged_in("lin") as client:
        said = {"analyzer": "line-1", "said": "NEW-1@urine"}
        done = await client.post("/api/v1/mappings/ignored", headers=await token(client), json=said)
        assert (done.status_code, done.json()) == (200, {"replayed": 1})
        await until(lambda: holds(running) == ["unknown code"])
        (left,) = (await client.get("/api/v1/quarantine/unmapped")).json()
    assert left["code"] == "NEW-1"


async def test_a_hold_s_page_shows_the_code_of_urine_as_a_mapping_says_it_and_marks_the_wire_s(running: Running) -> None:
    await heard(running, oru(TUBE, ("NEW-1", "12.0", "mg/L"), material="urine"))
    async with running.logged_in("jiang") as client:
        page = (await client.get("/quarantine/holds/1")).text
    assert '<th scope="row" class="mono">NEW-1@urine</th>' in page
    assert "<mark>NEW-1</mark>" in page


async def test_results_of_urine_without_a_specimen_are_shown_where_they_are_held(running: Running) -> None:
    await heard(running, oru("", ("ALT", "12.0", "U/L"), material="urine"))
    async with running.logged_in("jiang") as client:
        page = (await client.get("/quarantine/holds/1")).text
    assert '<th scope="row" class="mono">ALT@urine</th>' in page


def content(running: Running) -> dict[str, list[Any]]:
    """Every row of what a replay, or a mapping, writes."""
    with running.service.store.read() as tx:
        return {name: list(tx.execute(text(f"SELECT * FROM {name}"))) for name in WRITTEN}


async def test_an_engineer_says_that_a_code_is_not_reported_and_takes_it_back(running: Running) -> None:
    await heard(running, oru(TUBE, ("ALT", "42.1", "U/L"), ("NEW-1", "0.92", "mg/L")))
    asked = {"analyzer": "line-1", "kind": "code", "code": "NEW-1"}
    form = {"analyzer": "line-1", "said": "NEW-1"}
    async with running.logged_in("jiang") as client:
        assert "Ignore this code" not in (await client.get("/quarantine/map", params=asked)).text
        assert (await act(client, "/quarantine/map/ignore", **form)).status_code == 403
    async with running.logged_in("lin") as client:
        assert "Ignore this code" in (await client.get("/quarantine/map", params=asked)).text
        assert (await act(client, "/quarantine/map/ignore", analyzer="line-1", said="ALT")).status_code == 409
        assert (await act(client, "/quarantine/map/ignore", analyzer="nobody", said="NEW-1")).status_code == 422
        done = await act(client, "/quarantine/map/ignore", **form)
        assert (done.status_code, done.headers["hx-push-url"]) == (200, "/quarantine")
        assert "NEW-1 of line-1 is ignored" in done.text
        await until(lambda: holds(running) == [])
        assert "Nothing waits here" in (await client.get("/quarantine/list")).text
        assert "ignored: not reported" in (await client.get("/settings")).text
    assert reported(running, TUBE) == {"ALT": "42.1"}
    removed = {**form, "kind": "ignored"}
    async with running.logged_in("jiang") as client:
        assert (await act(client, "/settings/mappings/remove", **removed)).status_code == 403
    async with running.logged_in("lin") as client:
        assert (await act(client, "/settings/mappings/remove", **removed)).status_code == 200
    await heard(running, oru(OTHER, ("NEW-1", "0.95", "mg/L"), name="江月"))
    await until(lambda: holds(running) == ["unknown code"])
    (made,), (back,) = lines(running, "code ignored"), lines(running, "code ignored no more")
    assert [(one.actor, one.via, one.subject) for one in (made, back)] == [("lin", "console", "analyzer line-1")] * 2


async def test_a_code_is_ignored_and_reported_again_over_the_api_by_an_engineer_alone(running: Running) -> None:
    await heard(running, oru(TUBE, ("NEW-1", "0.92", "mg/L")))
    said = {"analyzer": "line-1", "said": "NEW-1"}
    async with running.logged_in("jiang") as client:
        headers = await token(client)
        assert (await client.post("/api/v1/mappings/ignored", headers=headers, json=said)).status_code == 403
    async with running.logged_in("lin") as client:
        headers = await token(client)
        done = await client.post("/api/v1/mappings/ignored", headers=headers, json=said)
        assert (done.status_code, done.json()) == (200, {"replayed": 1})
        (made,) = (await client.get("/api/v1/mappings")).json()
        assert (made["kind"], made["said"], made["means"], made["by"]) == ("ignored", "NEW-1", "", "lin")
    removed = {**said, "kind": "ignored"}
    async with running.logged_in("jiang") as client:
        answer = await client.delete("/api/v1/mappings", headers=await token(client), params=removed)
        assert answer.status_code == 403
    async with running.logged_in("lin") as client:
        answer = await client.delete("/api/v1/mappings", headers=await token(client), params=removed)
        assert answer.status_code == 204


async def test_a_unit_is_chosen_in_place(running: Running) -> None:
    await heard(running, oru(TUBE, ("ALT", "42.1", "unit-15")))
    async with running.logged_in("jiang") as client:
        page = (await client.get("/quarantine/map", params={"analyzer": "line-1", "kind": "unit", "code": "ALT"})).text
        assert 'name="said" value="unit unit-15"' in page
        assert 'name="means" value="U/L"' in page
        await act(client, "/quarantine/map", analyzer="line-1", kind="unit", said="unit unit-15", means="U/L")
        await until(lambda: reported(running, TUBE) == {"ALT": "42.1"})


@pytest.mark.parametrize(
    "form",
    [
        {"analyzer": "line-1", "kind": "code", "said": "NEW-1", "means": "no such test"},
        {"analyzer": "nobody", "kind": "code", "said": "NEW-1", "means": "CysC"},
        {"analyzer": "line-1", "kind": "name", "said": "NEW-1", "means": "CysC"},
        {"analyzer": "line-1", "kind": "code", "said": "NEW-1"},
    ],
)
async def test_a_mapping_that_means_nothing_is_refused(form: dict[str, str], running: Running) -> None:
    async with running.logged_in("jiang") as client:
        assert (await act(client, "/quarantine/map", **form)).status_code in (409, 422)
    assert lines(running, "code mapped") == []


async def test_a_viewer_looks_and_decides_nothing(running: Running) -> None:
    (hold,) = file(running, row("K", "4.1"), complete=False).opened
    async with running.logged_in("zhou") as client:
        assert "/release" not in (await client.get("/quarantine")).text
        page = (await client.get(f"/quarantine/holds/{hold}")).text
        assert "hx-post" not in page.split("<main")[1]
        for path in (f"holds/{hold}/release", f"holds/{hold}/discard", f"holds/{hold}/replay", "messages/1/replay"):
            assert (await act(client, f"/quarantine/{path}")).status_code == 403
        form = {"analyzer": "line-1", "kind": "code", "said": "A", "means": "ALT"}
        assert (await act(client, "/quarantine/map", **form)).status_code == 403


async def test_a_hold_s_page_shows_what_is_held_and_what_stands_and_is_written_down(running: Running) -> None:
    file(running, row("K", "4.1"))
    (hold,) = file(running, row("K", "4.9")).opened
    async with running.logged_in("jiang") as client:
        page = (await client.get(f"/quarantine/holds/{hold}")).text
    assert "4.9" in page
    assert "4.1 mmol/L" in page
    assert "林远山" in page
    assert [line.subject for line in lines(running, "viewed")] == [f"tube {TUBE}"]


async def test_a_hold_is_released_from_its_page_and_from_the_list(running: Running) -> None:
    (first,) = file(running, row("K", "4.1"), complete=False).opened
    (second,) = file(running, row("K", "4.2"), specimen=OTHER, name="江月", complete=False).opened
    async with running.logged_in("jiang") as client:
        done = await act(client, f"/quarantine/holds/{first}/release")
        assert (done.status_code, done.headers["hx-redirect"]) == (204, "/quarantine")
        token = csrf_of((await client.get("/")).text)
        listed = await client.post(
            f"/quarantine/holds/{second}/release",
            headers={"x-csrf-token": token, "hx-request": "true", "hx-target": "quarantine"},
        )
        assert "Nothing waits here" in listed.text
        again = await act(client, f"/quarantine/holds/{first}/release")
        assert (again.status_code, again.headers["hx-retarget"]) == (409, "#said")
    assert reported(running, TUBE) == {"K": "4.1"}


async def test_the_twin_of_a_control_is_discarded(running: Running) -> None:
    """The same values came under a second specimen id: one of the two was a control, and is no patient's result."""
    file(running, row("K", "4.1"))
    (hold,) = file(running, row("K", "4.1"), specimen=OTHER, name="江月").opened
    assert holds(running) == ["possible id correction"]
    async with running.logged_in("jiang") as client:
        await act(client, f"/quarantine/holds/{hold}/discard")
    assert holds(running) == []
    assert reported(running, OTHER) == {}


async def test_results_are_filed_under_another_specimen_only_by_who_saw_both_patients_and_typed_it_twice(
    running: Running,
) -> None:
    file(running, row("NA", "140"), specimen=OTHER, name="江月")
    (hold,) = file(running, row("K", "4.1"), complete=False).opened
    async with running.logged_in("jiang") as client:
        page = (await client.get(f"/quarantine/holds/{hold}", params={"to": OTHER})).text
        assert "林远山" in page
        assert "江月" in page
        found = re.search(r'name="seen" value="([^"]+)"', page)
        assert found is not None
        seen = found[1]
        wrong = await act(client, f"/quarantine/holds/{hold}/move", to=OTHER, again=TUBE, seen=seen)
        assert (wrong.status_code, "typed differently" in wrong.text) == (409, True)
        file(running, row("CL", "101"), specimen=OTHER, name="江月")
        late = await act(client, f"/quarantine/holds/{hold}/move", to=OTHER, again=OTHER, seen=seen)
        assert (late.status_code, "changed meanwhile" in late.text) == (409, True)
        page = (await client.get(f"/quarantine/holds/{hold}", params={"to": OTHER})).text
        seen = re.search(r'name="seen" value="([^"]+)"', page)[1]  # type: ignore[index]
        done = await act(client, f"/quarantine/holds/{hold}/move", to=OTHER, again=OTHER, seen=seen)
        assert done.status_code == 204
    assert reported(running, OTHER) == {"NA": "140", "K": "4.1", "CL": "101"}
    assert [json.loads(line.detail)["to"] for line in lines(running, "hold moved")] == [OTHER]
    assert {line.subject for line in lines(running, "viewed")} >= {f"tube {TUBE}", f"tube {OTHER}"}


async def test_results_without_a_specimen_are_placed(running: Running) -> None:
    await heard(running, oru("", ("K", "4.1", "mmol/L")))
    (reason,) = holds(running)
    assert reason in ("specimen missing", "identity doubtful")
    async with running.logged_in("jiang") as client:
        page = (await client.get("/quarantine/holds/1", params={"to": TUBE})).text
        assert "nothing is known of it yet" in page
        seen = re.search(r'name="seen" value="([^"]+)"', page)[1]  # type: ignore[index]
        done = await act(client, "/quarantine/holds/1/move", to=TUBE, again=TUBE, seen=seen)
        assert done.status_code == 204, done.text
    assert reported(running, TUBE) == {"K": "4.1"}


async def test_messages_that_nobody_understood_are_shown_replayed_and_discarded_with_a_reason(running: Running) -> None:
    first = await heard(running, b"\x0bMSH|\xff\r\x1c\r")
    second = await heard(running, b"\x0bnothing\r\x1c\r")
    async with running.logged_in("jiang") as client:
        with running.service.store.read() as tx:
            reasons = {line.id: line.reason or "" for line in journal.lines(tx, state="quarantined")}
        assert set(reasons) == {first, second}
        assert "See the bytes" in (await client.get("/quarantine")).text
        listed = (await client.get("/quarantine/messages", params={"analyzer": "line-1", "reason": reasons[first]})).text
        assert f'href="/quarantine/messages/{first}"' in listed
        page = (await client.get(f"/quarantine/messages/{first}")).text
        assert '<span class="ctl">VT</span>MSH|<span class="ctl">xFF</span>' in page
        assert (await act(client, f"/quarantine/messages/{first}/discard")).status_code == 422
        assert (await act(client, f"/quarantine/messages/{first}/discard", why="service test")).status_code == 204
        assert (await act(client, f"/quarantine/messages/{second}/replay")).status_code == 204
        assert (await client.get("/quarantine/messages/99")).status_code == 404
    with running.service.store.read() as tx:
        found = journal.get(tx, first)
    assert found is not None
    assert found.state == "discarded"
    assert [line.subject for line in lines(running, "entry replayed")] == [f"journal entry {second}"]


async def test_all_messages_of_one_reason_are_replayed_at_once(running: Running) -> None:
    for _ in range(3):
        await heard(running, b"\x0bnothing\r\x1c\r")
    with running.service.store.read() as tx:
        reason = journal.lines(tx)[0].reason or ""
    async with running.logged_in("jiang") as client:
        assert (await act(client, "/quarantine/messages/replay", analyzer="line-1", reason=reason)).status_code == 204
    assert len(lines(running, "entry replayed")) == 3


async def test_holds_and_messages_are_files_too(running: Running) -> None:
    file(running, row("K", "4.1"), complete=False)
    await heard(running, b"\x0bnothing\r\x1c\r")
    async with running.logged_in("zhou") as client:
        held = await client.get("/quarantine.csv")
        waits = await client.get("/quarantine/messages.csv")
    assert _rows(held)[1][1] == TUBE
    assert _rows(waits)[1][1] == "line-1"


def _rows(answer: httpx.Response) -> list[list[str]]:
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def test_a_hold_is_described_as_json_with_what_its_results_leave_out(running: Running) -> None:
    (hold,) = file(running, row("K", "4.1"), complete=False).opened
    async with running.logged_in("jiang") as client:
        told = (await client.get(f"/api/v1/quarantine/holds/{hold}")).json()
    (run,) = told["runs"]
    assert (run["observation"]["value"], run["observation"]["comparator"], run["hold"]) == ("4.1", "", hold)


async def token(client: httpx.AsyncClient) -> dict[str, str]:
    return {"x-csrf-token": (await client.get("/api/v1/session")).json()["token"]}


async def test_a_hold_is_placed_over_the_api_by_who_saw_both_tubes_and_typed_the_specimen_twice(running: Running) -> None:
    file(running, row("NA", "140"), specimen=OTHER, name="江月")
    await heard(running, oru("", ("K", "4.1", "mmol/L")))
    (hold,) = held_ids(running)
    async with running.logged_in("jiang") as client:
        headers, place = await token(client), f"/api/v1/quarantine/holds/{hold}"
        both = (await client.get(f"{place}/beside", params={"to": OTHER})).json()
        assert (both["key"], both["tube"]["patient_name"], both["own"]) == (OTHER, "江月", None)
        for again, seen in ((TUBE, both["seen"]), (OTHER, "long ago")):
            asked = {"to": OTHER, "again": again, "seen": seen}
            assert (await client.post(f"{place}/move", headers=headers, json=asked)).status_code == 409
        asked = {"to": OTHER, "again": OTHER, "seen": both["seen"]}
        assert (await client.post(f"{place}/move", headers=headers, json=asked)).status_code == 204
    assert reported(running, OTHER) == {"NA": "140", "K": "4.1"}
    assert f"tube {OTHER}" in {line.subject for line in lines(running, "viewed")}


async def test_a_hold_s_message_and_all_of_one_reason_are_replayed_over_the_api(running: Running) -> None:
    await heard(running, oru(TUBE, ("NEW-1", "0.92", "mg/L")))
    (hold,) = held_ids(running)
    for _ in range(2):
        await heard(running, b"\x0bnothing\r\x1c\r")
    async with running.logged_in("jiang") as client:
        headers = await token(client)
        (waits,) = (await client.get("/api/v1/quarantine/unread")).json()
        done = await client.post(f"/api/v1/quarantine/holds/{hold}/replay", headers=headers)
        assert (done.status_code, [line.subject for line in lines(running, "entry replayed")]) == (204, ["journal entry 1"])
        asked = {"analyzer": waits["analyzer"], "reason": waits["reason"]}
        done = await client.post("/api/v1/quarantine/messages/replay", headers=headers, json=asked)
        assert done.json() == {"replayed": 2}
        assert (await client.post("/api/v1/quarantine/holds/99/replay", headers=headers)).status_code == 404


async def test_every_decision_of_the_quarantine_is_described_and_no_viewer_s(running: Running) -> None:
    async with running.logged_in("zhou") as client:
        described = (await client.get("/api/v1/openapi.json")).json()["paths"]
        headers = await token(client)
        hold = "/api/v1/quarantine/holds/{hold}"
        for path in (
            *(f"{hold}/{act}" for act in ("release", "discard", "replay", "move")),
            "/api/v1/quarantine/messages/replay",
        ):
            assert described[path]["post"]["description"]
            body = {"to": OTHER, "again": OTHER, "seen": "x", "analyzer": "line-1", "reason": "x"}
            assert (await client.post(path.format(hold=1), headers=headers, json=body)).status_code == 403


def held_ids(running: Running) -> list[int]:
    with running.service.store.read() as tx:
        return [hold.id for hold in views.holds(tx)]
