"""Onboarding over real HTTP: upload, propose, decide, anonymise, check, save; the command line then says the same of the driver."""

from __future__ import annotations

import re
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2 as httpx
import pytest

from lis_bridge import audit

from .serving import Running, csrf_of
from .unknown import capture, checked_by_command
from .unknown import workshop as making

ID = "tianhe-x5"


@pytest.fixture
async def workshop(tmp_path: Path) -> AsyncIterator[Running]:
    """A site with a folder for its own drivers."""
    async with making(tmp_path, lin="engineer", jiang="technician") as running:
        yield running


async def token(client: httpx.AsyncClient) -> dict[str, str]:
    return {"x-csrf-token": csrf_of((await client.get("/")).text)}


async def begun(client: httpx.AsyncClient, raw: bytes, name: str = "unknown.bin", driver: str = ID) -> httpx.Response:
    return await client.post(
        "/onboarding", headers=await token(client), files={"files": (name, raw)}, data={"driver": driver}, timeout=60
    )


async def key_of(client: httpx.AsyncClient, raw: bytes) -> str:
    answer = await begun(client, raw)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].rpartition("/")[2]


def actions(running: Running) -> list[str]:
    with running.service.store.read() as tx:
        return [line.action for line in reversed(audit.lines(tx)) if line.actor == "lin"]


async def test_an_unknown_device_becomes_a_draft_that_the_command_line_agrees_with(workshop: Running, tmp_path: Path) -> None:
    async with workshop.logged_in() as client:
        key = await key_of(client, capture())
        page = (await client.get(f"/onboarding/{key}", timeout=60)).text
        assert "no driver claims these bytes" in page
        assert '<span class="ctl">ENQ</span>' in page
        rows = {row["code"]: row for row in (await client.get(f"/api/v1/onboarding/{key}")).json()["codes"]}
        assert rows["WBC"]["test"] == "WBC"
        assert (rows["XMN"]["mark"], rows["XMN"]["test"]) == ("unknown", "")
        headers = await token(client)
        for code, test, unit in (("QGR", "GRAN%", ""), ("XMN", "MID%", "%")):
            form = {"row": rows[code]["row"], "test": test, "unit": unit}
            answer = await client.post(f"/onboarding/{key}/code", headers={**headers, "hx-request": "true"}, data=form)
            assert answer.status_code == 200
            assert "chosen by lin" in answer.text
        said = await client.post(f"/onboarding/{key}/anonymise", headers=headers, timeout=60)
        assert said.status_code == 303
        assert "试一".encode("gb18030") not in (workshop.console.site.drafts.folder / key / "1.bin").read_bytes()
        verdict = (await client.post(f"/api/v1/onboarding/{key}/check", headers=headers, timeout=60)).json()
        assert "mapped" not in {one["check"] for one in verdict["findings"]}
        saved = await client.post(f"/onboarding/{key}/save", headers={**headers, "hx-request": "true"}, timeout=60)
        assert str(tmp_path / "drivers" / ID) in saved.text
    told = checked_by_command(ID, tmp_path / "drivers")
    mine = [(one["check"], one["key"], one["what"]) for one in verdict["findings"]]
    assert [(one["check"], one["key"], one["what"]) for one in told["findings"]] == mine
    assert told["tier"] == verdict["tier"] == "draft"
    manifest = (tmp_path / "drivers" / ID / "driver.toml").read_text(encoding="utf-8")
    assert '"XMN" = "MID%"   # guessed: chosen by lin' in manifest
    assert 'people = "invented"' in next((tmp_path / "drivers" / ID / "captures").glob("*.toml")).read_text(encoding="utf-8")
    assert [one for one in actions(workshop) if one != "logged in"][:3] == ["draft begun", "viewed", "capture anonymised"]
    assert "driver draft saved" in actions(workshop)


async def test_a_recording_of_a_running_link_is_taken_up(workshop: Running) -> None:
    async with workshop.logged_in() as client:
        headers = await token(client)
        name = (await client.post("/api/v1/analyzers/line-1/record", headers=headers)).json()["name"]
        await client.post("/api/v1/analyzers/line-1/end-recording", headers=headers)
        assert name in (await client.get("/onboarding")).text
        answer = await client.post(f"/onboarding/from/{name}", headers={**headers, "hx-request": "true"}, data={"driver": ID})
        assert (answer.status_code, "the capture is empty" in answer.text) == (409, True)


async def test_what_is_no_result_is_ignored_and_comes_back(workshop: Running) -> None:
    async with workshop.logged_in() as client:
        key = await key_of(client, capture())
        headers = await token(client)
        row = {"row": "XMN|"}
        seen = (
            await client.post(f"/api/v1/onboarding/{key}/code", headers=headers, data={**row, "ignored": "true"}, timeout=60)
        ).json()
        assert next(one for one in seen["codes"] if one["code"] == "XMN")["ignored"]
        assert next(one for one in seen["fields"] if one["key"] == "ignored[0].codes")["value"] == '["XMN"]'
        verdict = (await client.post(f"/api/v1/onboarding/{key}/check", headers=headers, timeout=60)).json()
        assert "XMN" not in {one["key"] for one in verdict["findings"] if one["check"] == "mapped"}
        seen = (await client.post(f"/api/v1/onboarding/{key}/code", headers=headers, data=row)).json()
        assert not next(one for one in seen["codes"] if one["code"] == "XMN")["ignored"]


async def test_a_test_is_named_by_its_code_or_its_name_and_a_wrong_one_is_refused(workshop: Running) -> None:
    async with workshop.logged_in() as client:
        key = await key_of(client, capture())
        headers = await token(client)
        name = workshop.service.compiled.tests.test("GRAN%").name_zh
        seen = (await client.post(f"/api/v1/onboarding/{key}/code", headers=headers, data={"row": "XMN|", "test": name})).json()
        assert next(one for one in seen["codes"] if one["code"] == "XMN")["test"] == "GRAN%"
        answer = await client.post(f"/api/v1/onboarding/{key}/code", headers=headers, data={"row": "XMN|", "test": "GRAM%"})
        assert answer.status_code == 409
        assert answer.json()["error"] == "there is no such test in the catalogue"
        assert "GRAN%" in answer.json()["hint"]
        answer = await client.post(f"/api/v1/onboarding/{key}/code", headers=headers, data={"row": "ZZ|", "test": "GRAN%"})
        assert answer.json()["error"] == "there is no such code in the captures"


async def test_bad_uploads_are_refused_with_a_remedy(workshop: Running) -> None:
    async with workshop.logged_in() as client:
        for raw, name, driver, what in (
            (b"", "a.bin", ID, "the capture is empty"),
            (b"x", "a.bin", "No Id", "this is no id of a driver"),
            (b'{"recording": 1}\n{"at": 5}\n', "a.jsonl", ID, "this recording cannot be read"),
            (b"x" * (25 * 1024 * 1024), "a.bin", ID, "the captures are too large"),
        ):
            answer = await begun(client, raw, name, driver)
            assert (answer.status_code, what in answer.text) == (409, True), what
        assert (
            await client.post("/onboarding", headers=await token(client), content=b"x" * (90 * 1024 * 1024), timeout=60)
        ).status_code == 413
        answer = await begun(client, b"\x00\xff" * 40)
        page = (await client.get(answer.headers["location"], timeout=60)).text
        assert "no framing or dialect is recognised" in page
    assert workshop.console.site.drafts.listed()[0].driver == ID


async def test_forms_of_others_are_small(workshop: Running) -> None:
    async with workshop.logged_in("jiang") as client:
        answer = await client.post("/onboarding", headers=await token(client), content=b"x" * (2 * 1024 * 1024))
        assert answer.status_code == 413
    async with workshop.visitor() as client:
        assert (await client.post("/login", content=b"x" * (2 * 1024 * 1024))).status_code == 413

        async def endless() -> AsyncIterator[bytes]:
            yield b"name=x"

        assert (await client.post("/login", content=endless())).status_code == 413


async def test_only_engineers_onboard(workshop: Running) -> None:
    async with workshop.logged_in() as client:
        key = await key_of(client, capture())
    async with workshop.logged_in("jiang") as client:
        for path in ("/onboarding", f"/onboarding/{key}", f"/onboarding/{key}/download", f"/api/v1/onboarding/{key}"):
            assert (await client.get(path)).status_code == 403, path
        assert 'href="/onboarding"' not in (await client.get("/")).text


async def test_drafts_lie_where_only_their_owner_reads_and_are_discarded_whole(workshop: Running) -> None:
    async with workshop.logged_in() as client:
        key = await key_of(client, capture())
        folder = workshop.console.site.drafts.folder / key
        assert [stat.S_IMODE(one.stat().st_mode) & 0o077 for one in (folder, *folder.iterdir())] == [0, 0, 0]
        packed = await client.get(f"/onboarding/{key}/download", timeout=60)
        assert packed.content.startswith(b"PK")
        assert re.search(rf'filename="{ID}-1.zip"', packed.headers["content-disposition"])
        for bad in ("../x", "0" * 12, "..%2F.."):
            assert (await client.get(f"/onboarding/{bad}")).status_code in (404, 409), bad
        assert (await client.post(f"/onboarding/{key}/discard", headers=await token(client))).status_code == 303
        assert not folder.exists()
        assert (await client.get(f"/onboarding/{key}")).status_code == 409


async def test_a_draft_never_takes_the_place_of_a_driver(workshop: Running) -> None:
    async with workshop.logged_in() as client:
        headers = await token(client)
        answer = await begun(client, capture(), driver="mindray-bs")
        key = answer.headers["location"].rpartition("/")[2]
        assert (await client.post(f"/api/v1/onboarding/{key}/save", headers=headers)).json()[
            "error"
        ] == "there is a driver of this id already"
        name = {"driver": ID, "name": "Tianhe X5", "manufacturer": "Tianhe 天和"}
        assert (await client.post(f"/onboarding/{key}/name", headers=headers, data=name)).status_code == 303
        assert (await client.post(f"/api/v1/onboarding/{key}/save", headers=headers, timeout=60)).status_code == 200
        manifest = (Path(workshop.console.site.bench.into) / ID / "driver.toml").read_text(encoding="utf-8")
        assert 'manufacturer = "Tianhe 天和"' in manifest
        answer = await client.post(f"/api/v1/onboarding/{key}/save", headers=headers, timeout=60)
        assert (answer.status_code, answer.json()["error"]) == (409, "the folder is there already")
