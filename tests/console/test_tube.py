"""A tube's page over real HTTP: what stands there, where each number comes from, what a person decides, what is written down."""

from __future__ import annotations

import asyncio
import json
import re

import httpx2 as httpx
import pytest

from lis_bridge import outbox
from lis_bridge.console.pages.tube import lab_of
from lis_bridge.console.queries.sheet import sheet
from lis_bridge.tubes import views

from ..browser.conftest import line
from .serving import Running
from .test_now import OTHER, TUBE, act, file, lines, row


async def token(client: httpx.AsyncClient) -> dict[str, str]:
    return {"x-csrf-token": (await client.get("/api/v1/session")).json()["token"]}


def shown(page: str) -> list[str]:
    """The tests on the page, in its order, with their row's class."""
    return [f"{test}:{tone.split()[0]}" for tone, test in re.findall(r'<tr class="([a-z ]+)" id="r\d+".*?<b>([^<]+)</b>', page)]


def owed(running: Running) -> list[tuple[str, int]]:
    with running.service.store.read() as tx:
        return [(line.tube, line.results) for line in reversed(outbox.lines(tx))]


async def test_results_stand_by_panel_in_the_catalogue_s_order_with_flags_and_previous_values(running: Running) -> None:
    file(running, row("K", "4.1"))
    rows = (
        row("K", "6.82"),
        row("ALT", "20", low="9", high="50"),
        row("NA", "140", low="137", high="147"),
        row("AST", "90", low="15", high="40"),
    )
    file(running, *rows, specimen=OTHER)
    async with running.logged_in() as client:
        page = (await client.get(f"/tubes/{OTHER}")).text
    assert shown(page) == ["ALT:n", "AST:h", "K:c", "NA:n"]
    assert "+66%" in page
    assert "Liver function" in page
    assert "15–40" in page


async def test_previous_values_are_of_the_same_patient_only(running: Running) -> None:
    file(running, row("K", "4.1"), name="周一鸣")
    file(running, row("K", "4.2"), specimen=OTHER, name="林远山")
    with running.service.store.read() as tx:
        found = sheet(tx, OTHER, lab_of(running.console.site))
    assert found is not None
    assert [one.previous for one in found.results] == [None]


async def test_a_number_leads_to_the_very_bytes_it_came_from(running: Running) -> None:
    async with line(running, tubes=1) as work:
        await work()
    async with running.logged_in("zhou") as client:
        await until_processed(running)
        (key,) = {one["key"] for one in (await client.get("/api/v1/tubes")).json()["rows"]}
        results = [one for panel in (await client.get(f"/api/v1/tubes/{key}")).json()["panels"] for one in panel["results"]]
        assert results
        for one in results:
            found = (await client.get(f"/api/v1/tubes/{key}/results/{one['number']}")).json()
            marked = "".join(piece["text"] for piece in found["wire"]["pieces"] if piece["marked"])
            if not found["derived"]:
                assert one["code"] in marked
                assert found["sent_value"] in marked
            assert found["driver"] == "mindray-bs"
        page = (await client.get(f"/tubes/{key}/results/{results[0]['number']}")).text
        assert "<mark>" in page
        whole = (await client.get(f"/tubes/{key}/results/{results[0]['number']}", params={"whole": "true"})).text
        assert "MSH|" in whole
        assert (await client.get(f"/tubes/{key}/results/9999")).status_code == 404
    subjects = {found.subject for found in lines(running, "viewed")}
    assert f"tube {key}" in subjects


async def until_processed(running: Running) -> None:
    async with asyncio.timeout(30):
        while not running.service.snapshot().processed:
            await asyncio.sleep(0.05)


async def test_a_hold_is_released_on_the_tube_s_page_and_only_there_where_it_is(running: Running) -> None:
    (hold,) = file(running, row("K", "4.1"), complete=False).opened
    file(running, row("K", "4.2"), specimen=OTHER)
    async with running.logged_in("jiang") as client:
        assert f'id="hold-{hold}"' in (await client.get(f"/tubes/{TUBE}")).text
        assert (await act(client, f"/tubes/{OTHER}/holds/{hold}/release")).status_code == 409
        after = await act(client, f"/tubes/{TUBE}/holds/{hold}/release")
        assert f'id="hold-{hold}"' not in after.text
        assert shown(after.text) == ["K:n"]
        assert (await act(client, f"/tubes/{TUBE}/holds/{hold}/release")).status_code == 409
    assert [(one.actor, one.subject) for one in lines(running, "hold released")] == [("jiang", f"hold {hold}")]


async def test_results_are_held_with_a_reason_and_in_the_person_s_words(running: Running) -> None:
    file(running, row("K", "6.82"), row("NA", "140"))
    async with running.logged_in("jiang") as client:
        form = {"reason": "under review", "why": "haemolysed", "number": "0"}
        after = (await act(client, f"/tubes/{TUBE}/hold", **form)).text
        assert "Held for review" in after
        assert "haemolysed" in after
        assert 'data-criticals="0"' in (await client.get("/now/work")).text
        assert (await act(client, f"/tubes/{TUBE}/hold", **form)).status_code == 409
        assert (await act(client, f"/tubes/{TUBE}/hold", reason="no order", why="x", number="1")).status_code == 409
        assert (await act(client, f"/tubes/{TUBE}/hold", reason="tired", why="x", number="1")).status_code == 422
    (written,) = lines(running, "results held")
    assert json.loads(written.detail) == {"reason": "under review", "why": "haemolysed", "codes": ["K"]}


async def test_a_specimen_is_corrected_after_both_patients_were_compared(running: Running) -> None:
    file(running, row("K", "4.1"), row("NA", "140"), name="林远山")
    file(running, row("CL", "101"), specimen=OTHER, name="周一鸣")
    async with running.logged_in("jiang") as client:
        page = (await client.get(f"/tubes/{TUBE}/move", params={"to": OTHER})).text
        assert "林远山" in page
        assert "周一鸣" in page
        form = {"to": OTHER, "seen": "1-1", "number": "0"}
        twice = await act(client, f"/tubes/{TUBE}/move", again=TUBE, **form)
        assert "typed differently" in twice.text
        stale = await act(client, f"/tubes/{TUBE}/move", again=OTHER, **{**form, "seen": "0-1"})
        assert "changed meanwhile" in stale.text
        moved = await act(client, f"/tubes/{TUBE}/move", again=OTHER, **form)
        assert (moved.status_code, moved.headers["hx-redirect"]) == (204, f"/tubes/{OTHER}")
        assert shown((await client.get(f"/tubes/{TUBE}")).text) == ["NA:n"]
        assert shown((await client.get(f"/tubes/{OTHER}")).text) == ["K:n", "CL:n"]
    assert owed(running) == [(TUBE, 1), (OTHER, 1)]
    (written,) = lines(running, "results moved")
    assert (written.subject, json.loads(written.detail)) == (f"tube {TUBE}", {"to": OTHER, "codes": ["K"]})
    compared = {found.subject for found in lines(running, "viewed") if "compared" in found.detail}
    assert compared == {f"tube {TUBE}", f"tube {OTHER}"}


async def test_held_results_go_to_their_specimen(running: Running) -> None:
    (hold,) = file(running, row("K", "4.1"), complete=False).opened
    async with running.logged_in("jiang") as client:
        form = {"to": OTHER, "again": OTHER, "seen": "1-0", "hold": str(hold)}
        assert (await act(client, f"/tubes/{TUBE}/move", **form)).status_code == 204
        assert shown((await client.get(f"/tubes/{OTHER}")).text) == ["K:n"]
    assert owed(running) == [(OTHER, 1)]


async def test_a_critical_value_is_called_from_the_tube(running: Running) -> None:
    file(running, row("K", "6.82"))
    async with running.logged_in("jiang") as client:
        assert 'data-call="1"' in (await client.get(f"/tubes/{TUBE}")).text
        after = await act(client, f"/tubes/{TUBE}/criticals/1/call", told="Dr Wu", read_back="true")
        assert "data-call" not in after.text
        page = (await client.get(f"/tubes/{TUBE}/results/0")).text
        assert "Dr Wu was told, jiang" in page
        assert "above the critical limit" in page


async def held_and_let_go(client: httpx.AsyncClient, running: Running) -> None:
    await act(client, f"/tubes/{TUBE}/hold", reason="under review", why="haemolysis?", number="0")
    with running.service.store.read() as tx:
        (hold,) = views.holds(tx)
    await act(client, f"/tubes/{TUBE}/holds/{hold.id}/release")


async def test_a_called_critical_value_that_is_held_and_let_go_again_is_not_to_be_called_twice(running: Running) -> None:
    file(running, row("K", "6.82"))
    async with running.logged_in("jiang") as client:
        await act(client, f"/tubes/{TUBE}/criticals/1/call", told="Dr Wu", read_back="true")
        await held_and_let_go(client, running)
        assert 'data-criticals="0"' in (await client.get("/now/work")).text
        assert "Dr Wu was told, jiang" in (await client.get(f"/tubes/{TUBE}/results/0")).text


async def test_a_critical_value_that_nobody_was_told_of_waits_again_once_it_is_let_go(running: Running) -> None:
    file(running, row("K", "6.82"))
    async with running.logged_in("jiang") as client:
        await held_and_let_go(client, running)
        assert 'data-criticals="1"' in (await client.get("/now/work")).text


async def test_the_same_critical_value_measured_anew_is_to_be_called_anew(running: Running) -> None:
    file(running, row("K", "6.82"))
    async with running.logged_in("jiang") as client:
        await act(client, f"/tubes/{TUBE}/criticals/1/call", told="Dr Wu", read_back="true")
        file(running, row("K", "4.10", "2026-03-17T09:50:00+08:00", run="2"))
        file(running, row("K", "6.82", "2026-03-17T10:00:00+08:00", run="3"))
        assert 'data-criticals="1"' in (await client.get("/now/work")).text


async def test_a_sheet_is_sent_again_only_when_the_tube_changed(running: Running) -> None:
    file(running, row("K", "4.1"))
    async with running.logged_in() as client:
        page = (await client.get(f"/tubes/{TUBE}")).text
        address = re.search(r'hx-get="([^"]+/sheet\?seen=[^"]+)"', page)
        assert address
        assert (await client.get(address[1])).status_code == 204
        file(running, row("NA", "140", "2026-03-17T09:50:00+08:00"))
        assert shown((await client.get(address[1])).text) == ["K:n", "NA:n"]


async def test_a_viewer_sees_and_decides_nothing(running: Running) -> None:
    (hold,) = file(running, row("K", "4.1"), complete=False).opened
    file(running, row("NA", "140", "2026-03-17T09:50:00+08:00"))
    async with running.logged_in("zhou") as client:
        page = (await client.get(f"/tubes/{TUBE}")).text
        assert "data-hold>" not in page
        assert "/release" not in page
        for path in (f"holds/{hold}/release", f"holds/{hold}/discard", "hold", "move", "criticals/1/call"):
            assert (await act(client, f"/tubes/{TUBE}/{path}", to=OTHER)).status_code in (403, 422), path
            answer = await client.post(f"/api/v1/tubes/{TUBE}/{path}", headers=await token(client), json={})
            assert answer.status_code in (403, 422), path
    assert lines(running, "hold released") == []


async def test_the_api_decides_as_the_page_does_and_describes_itself(running: Running) -> None:
    (hold,) = file(running, row("K", "4.1"), complete=False).opened
    async with running.logged_in("jiang") as client:
        after = await client.post(f"/api/v1/tubes/{TUBE}/holds/{hold}/release", headers=await token(client))
        assert [one["code"] for panel in after.json()["panels"] for one in panel["results"]] == ["K"]
        said = {"numbers": [0], "reason": "under review", "why": "clotted"}
        held = await client.post(f"/api/v1/tubes/{TUBE}/hold", headers=await token(client), json=said)
        assert [one["detail"] for one in held.json()["holds"]] == ["clotted"]
        without = await client.post(f"/api/v1/tubes/{TUBE}/hold", json=said)
        assert without.status_code == 403
        described = (await client.get("/api/v1/openapi.json")).json()
        assert {"TubeSheet", "Result", "Provenance", "Page_Row_"} <= set(described["components"]["schemas"])
        assert (await client.get("/api/v1/tubes/nobody")).status_code == 404


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><img src=x onerror=1>'])
async def test_what_a_patient_is_called_is_text(name: str, running: Running) -> None:
    file(running, row("K", "4.1"), name=name)
    async with running.logged_in() as client:
        for path in (f"/tubes/{TUBE}", "/tubes", f"/tubes/{TUBE}/results/0"):
            assert name not in (await client.get(path)).text
