"""The door over real HTTP: locked at first, login always, brakes, tokens, headers."""

from __future__ import annotations

import hashlib
import re
import stat
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.routing import Mount

from lis_bridge import audit
from lis_bridge.console.accounts import sessions, users
from lis_bridge.console.app import build
from lis_bridge.console.gate import HEADERS, SESSION
from lis_bridge.console.rendering import STATIC
from lis_bridge.console.server import Console
from lis_bridge.core.faults import LinkError

from .serving import PASSWORD, Running, configured, csrf_of, log_in, serving


def link_of(running: Running) -> str:
    return running.console.site.setup.file.read_text().strip()


def actions(running: Running) -> list[str]:
    with running.service.store.read() as tx:
        return [line.action for line in reversed(audit.lines(tx, limit=500))]


async def test_without_an_engineer_the_console_is_locked_and_the_link_is_its_owner_s(fresh: Running) -> None:
    async with fresh.visitor() as client:
        for path in ("/", "/login", "/api/v1/figures", "/live"):
            assert (await client.get(path)).status_code == 503, path
    file = fresh.console.site.setup.file
    assert file.parent == Path(fresh.service.config.path).parent
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_the_set_up_link_makes_the_first_engineer_once(fresh: Running) -> None:
    link = link_of(fresh)
    async with fresh.visitor() as client:
        form = {"name": "Lin", "password": PASSWORD, "again": PASSWORD, "shown_as": "林若岚"}
        token = csrf_of((await client.get(link)).text)
        made = await client.post(link, data={**form, "csrf": token})
        assert made.status_code == 303
        assert "林若岚" in (await client.get("/")).text
    assert not fresh.console.site.setup.file.exists()
    async with fresh.visitor() as other:
        assert (await other.get(link)).status_code == 404
        token = csrf_of((await other.get("/login")).text)
        assert (await other.post(link, data={**form, "csrf": token, "name": "wang"})).status_code == 404
    assert actions(fresh) == ["user added", "logged in"]


@pytest.mark.parametrize(
    "form",
    [
        {"name": "lin", "password": "short", "again": "short"},
        {"name": "lin", "password": PASSWORD, "again": PASSWORD + "x"},
        {"name": "; drop", "password": PASSWORD, "again": PASSWORD},
    ],
    ids=["short", "differs", "name"],
)
async def test_a_bad_set_up_form_says_so_and_leaves_the_link_as_it_was(form: dict[str, str], fresh: Running) -> None:
    link = link_of(fresh)
    async with fresh.visitor() as client:
        token = csrf_of((await client.get(link)).text)
        answer = await client.post(link, data={**form, "csrf": token})
        assert answer.status_code in (409, 422)
        assert (await client.get(link)).status_code == 200


async def test_a_wrong_link_opens_nothing(fresh: Running) -> None:
    async with fresh.visitor() as client:
        assert (await client.get("/setup/" + "x" * 43)).status_code == 404


async def test_an_engineer_of_the_command_line_unlocks_the_running_console(fresh: Running) -> None:
    await fresh.add("lin", "engineer")
    async with fresh.visitor() as client:
        assert (await client.get("/login")).status_code == 200
    assert not fresh.console.site.setup.file.exists()


async def test_without_a_session_there_is_the_login_page_and_nothing_else(running: Running) -> None:
    """Every route there is: whoever adds one need not think of it."""
    paths = {(path, method) for path, methods in walk(build(running.console.site)) for method in methods}
    assert len(paths) > 15
    async with running.visitor() as client:
        for path, method in sorted(paths):
            if path.startswith(("/login", "/setup", "/language", "/waiting")):
                continue
            answer = await client.request(method, re.sub(r"{\w+}", "1", path))
            assert answer.status_code in (303, 401), (method, path)
            assert "patient" not in answer.text


async def test_every_form_needs_the_token_of_its_session(running: Running) -> None:
    paths = {path for path, methods in walk(build(running.console.site)) if "POST" in methods}
    assert len(paths) > 40
    assert "/api/v1/mappings" in paths
    async with running.logged_in() as client, running.visitor() as other:
        theirs = csrf_of((await other.get("/login")).text)
        for path in sorted(paths):
            for headers in ({}, {"x-csrf-token": "0" * 64}, {"x-csrf-token": theirs}):
                answer = await client.post(re.sub(r"{\w+}", "1", path), headers=headers)
                assert answer.status_code == 403, path


def walk(app):  # type: ignore[no-untyped-def]
    """Paths and methods of all routes, also of routers that other routers include."""
    found = []
    routes = [("", route) for route in getattr(app, "_app", app).routes]
    while routes:
        prefix, route = routes.pop()
        if isinstance(route, Mount):
            continue
        if getattr(route, "methods", None):
            found.append((prefix + route.path, route.methods))
        elif included := getattr(route, "original_router", None):
            routes += [(prefix + route.include_context.prefix, inner) for inner in included.routes]
    return found


@pytest.mark.parametrize(
    "headers", [{"origin": "http://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}], ids=str
)
async def test_a_form_from_elsewhere_is_refused_whatever_it_carries(headers: dict[str, str], running: Running) -> None:
    async with running.visitor() as client:
        token = csrf_of((await client.get("/login")).text)
        form = {"csrf": token, "name": "lin", "password": PASSWORD}
        assert (await client.post("/login", data=form, headers=headers)).status_code == 403


async def test_the_browser_keeps_a_token_the_database_its_hash(running: Running) -> None:
    async with running.logged_in() as client:
        token = client.cookies[SESSION]
    with running.service.store.read() as tx:
        rows = tx.exec_driver_sql("SELECT * FROM session").all()
    assert len(rows) == 1
    assert token not in str(rows)


async def test_the_session_s_cookie_is_invisible_to_scripts_and_other_sites(running: Running) -> None:
    async with running.visitor() as client:
        said = (await log_in(client, "lin")).headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {part.strip() for part in said.split(";")}


async def test_logging_out_ends_the_session_for_whoever_kept_the_cookie(running: Running) -> None:
    async with running.logged_in() as client:
        token = client.cookies[SESSION]
        csrf = csrf_of((await client.get("/")).text)
        assert (await client.post("/logout", data={"csrf": csrf})).status_code == 303
        client.cookies.set(SESSION, token)
        assert (await client.get("/")).status_code == 303
    assert actions(running)[-1] == "logged out"


async def test_a_user_who_is_locked_out_is_out_at_once(running: Running) -> None:
    async with running.logged_in("jiang") as client:
        assert (await client.get("/")).status_code == 200
        note = users.Note("lin", datetime.now(UTC))
        await running.service.writer.call_async(lambda tx: users.set_disabled(tx, "jiang", True, note))
        assert (await client.get("/")).status_code == 303
        assert (await log_in(client, "jiang")).status_code == 401


async def test_wrong_passwords_are_braked_by_user_and_address(running: Running) -> None:
    async with running.visitor() as client:
        assert [(await log_in(client, "jiang", "wrong")).status_code for _ in range(6)] == [401] * 5 + [429]
        assert (await log_in(client, "jiang")).status_code == 429  # also with the right one
        assert (await log_in(client, "lin")).status_code == 303  # nobody else is kept out
    assert actions(running).count("login refused") == 5


async def test_a_name_that_is_not_there_is_answered_as_a_wrong_password_is(running: Running) -> None:
    async with running.visitor() as client:
        there, not_there = [await log_in(client, name, "wrong") for name in ("jiang", "nobody")]
    assert there.status_code == not_there.status_code == 401
    assert there.text.replace("jiang", "") == not_there.text.replace("nobody", "")


async def test_a_name_nobody_has_is_not_written_down(running: Running) -> None:
    """It may be a password that was typed into the wrong field."""
    async with running.visitor() as client:
        await log_in(client, "hunter2hunter2", "x")
    with running.service.store.read() as tx:
        assert "hunter2" not in str(audit.lines(tx))


@pytest.mark.parametrize("next", ["//evil.example/", "https://evil.example/", "/\\evil.example"])
async def test_a_link_does_not_lead_elsewhere_after_the_login(next: str, running: Running) -> None:
    async with running.visitor() as client:
        token = csrf_of((await client.get("/login")).text)
        answer = await client.post("/login", data={"csrf": token, "name": "lin", "password": PASSWORD, "next": next})
    assert answer.headers["location"] == "/"


async def test_every_answer_keeps_browsers_from_running_or_framing_what_is_not_ours(running: Running) -> None:
    async with running.logged_in() as client:
        for path in ("/", "/login", "/no-such-page", "/api/v1/figures", "/static/console.css", "/now/work"):
            answer = await client.get(path)
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS, path
            assert answer.headers["cache-control"].startswith("public" if path.startswith("/static") else "no-store"), path
    assert "unsafe" not in HEADERS["content-security-policy"]


async def test_idle_sessions_end_and_live_pages_do_not_keep_them(tmp_path: Path) -> None:
    async with serving(configured(tmp_path, idle_minutes=5)) as running:
        await running.add("lin", "engineer")
        async with running.logged_in() as client:
            token = client.cookies[SESSION]
            store = running.service.store
            early = datetime.now(UTC) - timedelta(minutes=4)
            await running.service.writer.call_async(lambda tx: sessions.touch(tx, token, early))
            assert (await client.get("/now/work", headers={"X-Live": "1"})).status_code == 200
            with store.read() as tx:
                assert str(early.isoformat(timespec="seconds")) in str(tx.exec_driver_sql("SELECT seen_at FROM session").all())
            old = datetime.now(UTC) - timedelta(minutes=6)
            await running.service.writer.call_async(lambda tx: sessions.touch(tx, token, old))
            assert (await client.get("/")).status_code == 303


async def test_a_viewer_looks_and_decides_nothing(running: Running) -> None:
    async with running.logged_in("zhou") as client:
        csrf = csrf_of((await client.get("/")).text)
        for path in ("/holds/1/release", "/holds/1/discard", "/deliveries/1/resend", "/criticals/1/call"):
            answer = await client.post(path, headers={"x-csrf-token": csrf}, data={"told": "Dr Wu"})
            assert answer.status_code == 403, path


async def test_a_port_that_is_taken_is_a_link_error_with_the_remedy(running: Running, tmp_path: Path) -> None:
    with pytest.raises(LinkError, match="cannot listen") as refused:
        await Console(running.service).start()
    assert "[console] listen" in refused.value.where


async def test_static_files_are_ours_and_whole(running: Running) -> None:
    told = re.findall(
        r"^\| `(\S+)` \| \S+ \| [\d.]+ \| .* \| `([0-9a-f]{64})` \|$", (STATIC / "vendor/VENDOR.md").read_text(), re.M
    )
    assert {name: hashlib.sha256((STATIC / "vendor" / name).read_bytes()).hexdigest() for name, _ in told} == dict(told)
    code = {file.name for file in (STATIC / "vendor").iterdir() if file.suffix in (".js", ".css")}
    assert code == {name for name, _ in told}
