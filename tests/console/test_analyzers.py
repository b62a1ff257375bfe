"""The analyzers' pages over real HTTP: what they show, what an engineer does with a link while messages are in flight, what is written down."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx2 as httpx
import pytest
from sqlalchemy import func, select

from lis_bridge import audit
from lis_bridge.simulate.analyzer import Analyzer
from lis_bridge.simulate.sample import Sample
from lis_bridge.simulate.scenario import Station, morning, station
from lis_bridge.storage.schema.tubes import tube
from lis_bridge.transport import open_link

from .serving import Running, configured, csrf_of, peopled, serving

PAGES = ("/analyzers", "/analyzers/line-1", "/analyzers/line-1/side", "/analyzers/line-1/state", "/analyzers/~all")


async def act(client: httpx.AsyncClient, path: str, **form: str) -> httpx.Response:
    token = csrf_of((await client.get("/")).text)
    return await client.post(path, headers={"x-csrf-token": token, "hx-request": "true"}, data=form, timeout=30)


def acts(running: Running) -> list[tuple[str, str, str]]:
    """Who did what to what, the oldest first."""
    with running.service.store.read() as tx:
        return [(line.actor, line.action, line.subject) for line in reversed(audit.lines(tx)) if line.actor in ("lin", "jiang")]


def station_of(running: Running) -> Station:
    return station("line-1", running.service.compiled.library.driver("mindray-bs").manifest, running.service.compiled.tests)


def analyzer_of(running: Running, samples: list[Sample]) -> Analyzer:
    link = running.service.config.analyzers[0].link.replace("tcp-listen", "tcp-connect")
    return Analyzer(open_link(link), station_of(running).composer, samples)


def work_of(running: Running, tubes: int) -> list[Sample]:
    now = datetime.now(ZoneInfo("Asia/Shanghai"))
    return list(morning([station_of(running)], tubes, now, 1).samples["line-1"])


async def filed(running: Running, entries: int) -> None:
    """Until so many messages are processed."""
    async with asyncio.timeout(30):
        while running.service.snapshot().processed < entries:
            await asyncio.sleep(0.02)


async def test_everybody_sees_state_counters_settings_and_driver(running: Running) -> None:
    await analyzer_of(running, work_of(running, 2)).run()
    async with running.logged_in("zhou") as client:
        page = (await client.get("/analyzers/line-1")).text
        assert "生化 1 号" in page
        assert "mindray-bs" in page
        assert "revision" in page
        assert running.service.config.analyzers[0].link in page
        assert re.search(r"<dt>Messages</dt><dd>[1-9]", page)
        assert "hx-post" not in re.sub(r"<header class=\"topbar\">.*?</header>", "", page, flags=re.DOTALL)
        assert 'id="line"' not in page
        for path in PAGES:
            assert (await client.get(path)).status_code == 200, path
        assert (await client.get("/analyzers/none")).status_code == 404
        assert (await client.get("/analyzers/line-1/line")).status_code == 403
        said = (await client.get("/api/v1/analyzers/line-1")).json()
        assert (said["driver"]["id"], said["state"]) == ("mindray-bs", "running")
        assert said["counters"]["messages"] > 0


async def test_numbers_that_are_dated_by_their_reception_are_said_with_the_settings(tmp_path: Path) -> None:
    config = configured(tmp_path)
    dated = config.analyzers[0].model_copy(update={"number_date": "reception"})
    async with (
        serving(peopled(config.model_copy(update={"analyzers": (dated,)}))) as running,
        running.logged_in("zhou") as client,
    ):
        assert "<dt>Numbers without a date</dt><dd>of the day of reception</dd>" in (await client.get("/analyzers/line-1")).text
        assert (await client.get("/api/v1/analyzers/line-1")).json()["site"]["number_date"] == "reception"


@pytest.mark.parametrize("name", ["zhou", "jiang"])
async def test_only_engineers_touch_a_link(running: Running, name: str) -> None:
    async with running.logged_in(name) as client:
        for verb in ("stop", "start", "reconnect", "test", "record", "end-recording"):
            assert (await act(client, f"/analyzers/line-1/{verb}")).status_code == 403, verb
        assert (await client.get("/captures/line-1--20260318-080000.jsonl")).status_code == 403
        assert (await act(client, "/captures/line-1--20260318-080000.jsonl/delete")).status_code == 403
    assert running.service.snapshot().analyzers[0].state != "stopped"


async def test_the_line_is_shown_byte_for_byte_and_the_look_is_written_down_once(running: Running) -> None:
    reader, writer = await asyncio.open_connection(*_address(running))
    writer.write(b"\x0bMSH|^~\\&|BS|Mindray|||20260318081744||ORU^R01|11|P|2.3.1||||0||UNICODE\rPID|1||||<b>\xe6\x9e\x97\r\x1c\r")
    await reader.read(4096)
    async with running.logged_in() as client:
        page = (await client.get("/analyzers/line-1/line")).text
        await client.get("/analyzers/line-1")
        await client.get("/analyzers/line-1/line")
        assert '<span class="ctl">VT</span>MSH|^~\\&amp;|BS' in page
        assert '&lt;b&gt;<span class="ctl">xE6</span><span class="ctl">x9E</span>' in page
        assert '<span class="ctl">FS</span><span class="ctl">CR</span>' in page
        assert "0b 4d 53 48" in page
        assert 'class="out"' in page
        line = (await client.get("/api/v1/analyzers/line-1/line")).json()
        assert [one["by"] for one in line][:2] == ["analyzer", "bridge"]
        assert line[1]["after_ms"] is not None
    assert [subject for _, action, subject in acts(running) if action == "viewed"].count("line line-1") == 1
    writer.close()


async def test_a_stop_and_a_new_connection_with_messages_in_flight_lose_and_double_nothing(running: Running) -> None:
    samples = work_of(running, 30)
    whole = sum(len(one.results) for one in samples if one.kind == "patient")
    assert whole > 100
    working = asyncio.create_task(analyzer_of(running, samples).run())
    async with running.logged_in() as client:
        for _ in range(3):
            await asyncio.sleep(0.1)
            assert (await act(client, "/analyzers/line-1/reconnect")).status_code == 200
        page = (await act(client, "/analyzers/line-1/stop")).text
        assert "Stopped" in page
        assert "by lin at" in page
        taken = running.service.snapshot().analyzers[0].messages
        await asyncio.sleep(0.5)
        assert running.service.snapshot().analyzers[0].messages == taken
        assert "A person stopped this link" in (await client.get("/now/work")).text
        assert "Stop…" in (await act(client, "/analyzers/line-1/start")).text
        async with asyncio.timeout(60):
            await working
    await filed(running, len(samples))
    with running.service.store.read() as tx:
        tubes, results = tx.execute(select(func.count(), func.sum(tube.c.results + tube.c.held))).one()
    kept = {(one.id, result.code, result.run, result.rerun) for one in samples if one.kind == "patient" for result in one.results}
    assert tubes == 30
    assert results == len({(id, code) for id, code, *_ in kept})
    done = [action for _, action, subject in acts(running) if subject == "analyzer line-1"]
    assert done == ["link taken up anew"] * 3 + ["link stopped", "link started"]


async def test_a_stop_is_refused_twice_and_written_down_once(running: Running) -> None:
    async with running.logged_in() as client:
        assert (await act(client, "/analyzers/line-1/stop")).status_code == 200
        answer = await act(client, "/analyzers/line-1/stop")
        assert (answer.status_code, "this link is stopped already" in answer.text) == (409, True)
        assert (await act(client, "/analyzers/none/stop")).status_code == 409
    assert [action for _, action, _ in acts(running)].count("link stopped") == 1


async def test_a_test_says_what_was_tested_and_no_more(running: Running) -> None:
    host, port = _address(running)
    async with running.logged_in() as client:
        page = (await act(client, "/analyzers/line-1/test")).text
        assert f"this program listens on {host}:{port}" in page
        assert "nobody is connected now" in page
        assert "not a byte since the start" in page
        _, writer = await asyncio.open_connection(host, port)
        writer.write(b"\x0b")
        async with asyncio.timeout(5):
            while not running.service.snapshot().analyzers[0].bytes:
                await asyncio.sleep(0.01)
        page = (await act(client, "/analyzers/line-1/test")).text
        assert "connected now: 127.0.0.1" in page
        assert "1 bytes and 0 whole messages since the start" in page
        writer.close()
        await act(client, "/analyzers/line-1/stop")
        assert "the link is stopped; the port is free and could be opened" in (await act(client, "/analyzers/line-1/test")).text
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(host, port)


async def test_a_recording_is_made_listed_taken_away_and_deleted(running: Running) -> None:
    async with running.logged_in() as client:
        page = (await act(client, "/analyzers/line-1/record")).text
        assert "being made" in page
        name = _recorded(page)
        assert (await act(client, f"/captures/{name}/delete")).status_code == 409
        await analyzer_of(running, work_of(running, 1)).run()
        page = (await act(client, "/analyzers/line-1/end-recording")).text
        assert "being made" not in page
        said = (await client.get(f"/captures/{name}")).content
        assert json.loads(said.split(b"\n")[0])["answered_by"] == "lis-bridge"
        raw = (await client.get(f"/captures/{name}/wire")).content
        assert raw.startswith(b"\x0bMSH")
        listed = (await client.get("/api/v1/captures")).json()
        assert [one["name"] for one in listed] == [name]
        for bad in ("../bridge.db", "..%2Fbridge.db", "bridge.db", "line-1--20260318-080000.jsonl"):
            assert (await client.get(f"/captures/{bad}")).status_code in (404, 409), bad
        assert name not in (await act(client, f"/captures/{name}/delete?of=line-1")).text
        assert (await client.get(f"/captures/{name}")).status_code == 409
    about = [(action, subject) for _, action, subject in acts(running) if "recording" in action + subject]
    assert about == [
        ("recording begun", "analyzer line-1"),
        ("recording ended", "analyzer line-1"),
        ("viewed", f"recording {name}"),
        ("viewed", f"recording {name}"),
        ("recording deleted", f"recording {name}"),
    ]


async def test_the_api_does_the_same_as_the_pages(running: Running) -> None:
    async with running.logged_in() as client:
        headers = {"x-csrf-token": csrf_of((await client.get("/")).text)}
        for verb, state in (("stop", "stopped"), ("start", None), ("reconnect", None)):
            said = await client.post(f"/api/v1/analyzers/line-1/{verb}", headers=headers, timeout=30)
            assert said.status_code == 200
            assert state is None or said.json()["state"] == state
        said = await client.post("/api/v1/analyzers/line-1/test", headers=headers)
        assert [one["outcome"] for one in said.json()] == ["yes", "no", "no"]
        name = (await client.post("/api/v1/analyzers/line-1/record", headers=headers)).json()["name"]
        assert (await client.post("/api/v1/analyzers/line-1/end-recording", headers=headers)).json()["name"] == name
        assert (await client.delete(f"/api/v1/captures/{name}", headers=headers)).status_code == 204
        described = (await client.get("/api/v1/openapi.json")).json()
        device = described["paths"]["/api/v1/analyzers/{id}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert device == {"$ref": "#/components/schemas/Device"}
        assert "counters" in described["components"]["schemas"]["Device"]["properties"]


async def test_chinese_pages_say_everything_in_chinese(running: Running) -> None:
    async with running.logged_in() as client:
        await act(client, "/language", to="zh", next="/")
        page = (await client.get("/analyzers/line-1")).text
        for word in ("线路实况", "测试连接", "重新连接", "停止…", "录制", "启动以来", "驱动", "设置"):
            assert word in page, word
        assert "端口已打开" in (await act(client, "/analyzers/line-1/test")).text


def _address(running: Running) -> tuple[str, int]:
    host, _, port = running.service.config.analyzers[0].link.removeprefix("tcp-listen://").rpartition(":")
    return host, int(port)


def _recorded(page: str) -> str:
    found = re.search(r"line-1--\d{8}-\d{6}\.jsonl", page)
    assert found
    return found[0]
