"""Settings, over real HTTP: the configuration as it is in force and without secrets, catalogue, drivers, health; and the API's document."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lis_bridge import settings
from lis_bridge.console.queries.settings import masked, sections

from .serving import Running
from .test_now import act, lines
from .wire import heard, oru


async def test_the_page_shows_what_the_service_reads(running: Running) -> None:
    async with running.logged_in("zhou") as client:
        page = (await client.get("/settings")).text
    assert "[[analyzer]]" in page
    assert running.service.config.analyzers[0].link in page
    assert "mindray-bs" in page
    assert re.search(r"<dt>Python</dt><dd class=\"mono\">3\.", page)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql+psycopg://lis:geheim@db/bridge", "postgresql+psycopg://lis:•••@db/bridge"),
        ("mllp://10.0.0.5:2575", "mllp://10.0.0.5:2575"),
        ("tcp-connect://h:1?password=geheim&x=1", "tcp-connect://h:1?password=•••&x=1"),
        ("sqlite:///data/bridge.db", "sqlite:///data/bridge.db"),
        ("no address", "no address"),
    ],
)
def test_a_password_in_an_address_is_never_shown(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_every_key_of_the_file_is_there_and_defaults_are_told_apart(tmp_path: Path) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text(
        '[site]\nid = "x"\n[storage]\nurl = "postgresql+psycopg://u:geheim@h/d"\n'
        '[[analyzer]]\nid = "a"\ndriver = "mindray-bs"\nlink = "tcp-listen://127.0.0.1:1"\n[analyzer.codes]\n"K2" = "K"\n'
    )
    found = {(one.name, one.title): one for one in sections(settings.load(file))}
    analyzer = found["[[analyzer]]", "a"]
    assert analyzer.values["codes.K2"] == "K"
    assert "driver" not in analyzer.default
    assert "decimal" in analyzer.default
    assert "geheim" not in str(found)


async def test_catalogue_is_searched_and_shows_limits_and_loinc(running: Running) -> None:
    async with running.logged_in("zhou") as client:
        found = (await client.get("/settings/tests", params={"q": "血钾"})).text
        found += (await client.get("/settings/tests", params={"q": "potassium"})).text
        assert "2823-3" in found
        assert "The catalogue has nothing like this" in (await client.get("/settings/tests", params={"q": "no such thing"})).text
        api = (await client.get("/api/v1/tests", params={"q": "2823-3"})).json()
    assert [test["code"] for test in api] == ["K"]


async def test_drivers_of_the_site_are_shown_with_their_computed_tier(running: Running) -> None:
    async with running.logged_in("zhou") as client:
        page = (await client.get("/settings/drivers")).text
        (one,) = (await client.get("/api/v1/drivers")).json()
    assert "mindray-bs" in page
    assert one["tier"] in ("documented", "bench", "site")


async def test_health_is_what_the_doctor_finds(running: Running) -> None:
    async with running.logged_in("zhou") as client:
        page = (await client.get("/settings/health")).text
        lines_ = (await client.get("/api/v1/health")).json()
    assert {"python", "clock", "disk space", "database", "service", "lis", "line-1"} <= {line["check"] for line in lines_}
    assert "GiB free" in page


async def test_what_was_mapped_is_shown_and_taken_back(running: Running) -> None:
    async with running.logged_in("jiang") as client:
        await act(client, "/quarantine/map", analyzer="line-1", kind="code", said="NEW-1", means="CysC")
        assert "NEW-1" in (await client.get("/settings")).text
        assert "NEW-1" not in (await act(client, "/settings/mappings/remove", analyzer="line-1", kind="code", said="NEW-1")).text
    assert [line.actor for line in lines(running, "code mapping removed")] == ["jiang"]


async def test_mapping_over_the_api_files_what_waited(running: Running) -> None:
    await heard(running, oru("20260317000012", ("NEW-1", "0.92", "mg/L")))
    async with running.logged_in("jiang") as client:
        session = await client.get("/")
        token = re.search(r'X-CSRF-Token&#34;: &#34;|"X-CSRF-Token": "([0-9a-f]{64})"', session.text)
        assert token is not None
        headers = {"x-csrf-token": token[1]}
        (waits,) = (await client.get("/api/v1/quarantine/unmapped")).json()
        assert (waits["code"], waits["messages"]) == ("NEW-1", 1)
        asked = {"analyzer": "line-1", "code": "NEW-1", "q": "cystatin"}
        first = (await client.get("/api/v1/quarantine/candidates", params=asked)).json()[0]
        assert (first["test"], first["unit"], first["inside"]) == ("CysC", "fits", 1)
        one = {"analyzer": "line-1", "said": "NEW-1", "means": "CysC"}
        assert (await client.post("/api/v1/mappings", headers=headers, json=one)).json() == {"replayed": 1}
        (made,) = (await client.get("/api/v1/mappings")).json()
        assert (made["said"], made["means"], made["by"]) == ("NEW-1", "CysC", "jiang")
        gone = await client.delete("/api/v1/mappings", headers=headers, params={"analyzer": "line-1", "said": "NEW-1"})
        assert gone.status_code == 204


async def test_the_api_s_document_describes_what_it_answers(running: Running) -> None:
    async with running.logged_in("zhou") as client:
        found = (await client.get("/api/v1/openapi.json")).json()
    for path in ("/quarantine/holds", "/deliveries", "/deliveries/{delivery}", "/audit", "/users", "/mappings", "/settings"):
        answer = found["paths"][f"/api/v1{path}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert answer, path
        assert answer != {}, path
