"""Users and tokens, over real HTTP: an engineer makes, changes and locks out; a script acts with a token and no further than it may."""

from __future__ import annotations

import re

import httpx2 as httpx
import pytest

from .serving import PASSWORD, Running, log_in
from .test_now import act, file, lines, row


async def test_only_an_engineer_sees_and_changes_users(running: Running) -> None:
    for name in ("jiang", "zhou"):
        async with running.logged_in(name) as client:
            assert (await client.get("/users")).status_code == 403
            assert 'href="/users"' not in (await client.get("/")).text
            assert (await act(client, "/users", name="wu", password=PASSWORD, role="engineer")).status_code == 403
            assert (await act(client, "/users/lin/disable")).status_code == 403
            assert (await client.get("/api/v1/users")).status_code == 403


async def test_a_user_is_made_and_may_log_in(running: Running) -> None:
    async with running.logged_in("lin") as client:
        done = await act(client, "/users", name="Wu", password=PASSWORD, role="technician", shown_as="吴越")
        assert "吴越" in done.text
        assert "wu may log in now" in done.text
    async with running.visitor() as client:
        assert (await log_in(client, "wu")).status_code == 303
    assert next((line.actor, line.via, line.subject) for line in lines(running, "user added")) == ("lin", "console", "user wu")


@pytest.mark.parametrize(
    "form",
    [
        {"name": "jiang", "password": PASSWORD, "role": "viewer"},
        {"name": "no name", "password": PASSWORD, "role": "viewer"},
        {"name": "wu", "password": "short", "role": "viewer"},
        {"name": "wu", "password": PASSWORD, "role": "chief"},
    ],
)
async def test_a_user_that_cannot_be_is_refused_with_a_reason(form: dict[str, str], running: Running) -> None:
    async with running.logged_in("lin") as client:
        done = await act(client, "/users", **form)
    assert (done.status_code, done.headers["hx-retarget"]) == (409, "#said")


async def test_a_role_counts_with_the_next_page(running: Running) -> None:
    file(running, row("K", "4.1"), complete=False)
    async with running.logged_in("jiang") as technician, running.logged_in("lin") as engineer:
        assert "/release" in (await technician.get("/quarantine")).text
        await act(engineer, "/users/jiang/role", role="viewer")
        assert "/release" not in (await technician.get("/quarantine")).text


async def test_a_new_password_is_shown_once_and_ends_the_sessions(running: Running) -> None:
    async with running.logged_in("jiang") as technician, running.logged_in("lin") as engineer:
        found = re.search(r"<code>([\w-]{16})</code>", (await act(engineer, "/users/jiang/password")).text)
        assert found is not None
        assert found[1] not in (await engineer.get("/users")).text
        assert (await technician.get("/")).status_code == 303
    async with running.visitor() as client:
        assert (await log_in(client, "jiang", found[1])).status_code == 303


async def test_a_user_is_locked_out_at_once_and_let_in_again(running: Running) -> None:
    async with running.logged_in("jiang") as technician, running.logged_in("lin") as engineer:
        assert "Locked out" in (await act(engineer, "/users/jiang/disable")).text
        assert (await technician.get("/")).status_code == 303
        assert "Locked out" not in (await act(engineer, "/users/jiang/disable", undo="true")).text
        assert (await log_in(technician, "jiang")).status_code == 303


async def test_the_last_engineer_stays_one(running: Running) -> None:
    async with running.logged_in("lin") as client:
        done = await act(client, "/users/lin/disable")
        assert (done.status_code, "make another engineer first" in done.text) == (409, True)


async def _token(running: Running, name: str, role: str) -> str:
    from datetime import UTC, datetime

    from lis_bridge.console.accounts import tokens
    from lis_bridge.console.accounts.users import Note

    note = Note("tests", datetime.now(UTC))
    return await running.service.writer.call_async(lambda tx: tokens.add(tx, name, "export", role, note))


def _shown(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def test_a_token_is_made_on_the_page_shown_once_and_its_hash_kept(running: Running) -> None:
    async with running.logged_in("lin") as client:
        made = await act(client, "/users/lin/tokens", what="night export", role="viewer")
        token = re.search(r"lisb_[\w-]{43}", made.text)
        assert token is not None
        assert token[0] not in (await client.get("/users")).text
    with running.service.store.read() as tx:
        assert token[0] not in str(tx.exec_driver_sql("SELECT * FROM api_token").all())
    async with running.visitor() as script:
        assert (await script.get("/api/v1/figures", headers=_shown(token[0]))).status_code == 200


async def test_a_script_acts_in_its_user_s_name_without_a_form_token(running: Running) -> None:
    (hold,) = file(running, row("K", "4.1"), complete=False).opened
    token = await _token(running, "jiang", "technician")
    async with running.visitor() as script:
        done = await script.post(f"/api/v1/quarantine/holds/{hold}/release", headers=_shown(token))
        assert done.status_code == 204
    (line,) = lines(running, "hold released")
    assert (line.actor, line.via, line.address) == ("jiang", "API", "127.0.0.1")


async def test_a_token_may_do_no_more_than_its_role_and_no_more_than_its_user(running: Running) -> None:
    (hold,) = file(running, row("K", "4.1"), complete=False).opened
    looks, decides = await _token(running, "jiang", "viewer"), await _token(running, "jiang", "technician")
    release = f"/api/v1/quarantine/holds/{hold}/release"
    async with running.visitor() as script, running.logged_in("lin") as engineer:
        assert (await script.post(release, headers=_shown(looks))).status_code == 403
        assert (await script.get("/api/v1/users", headers=_shown(decides))).status_code == 403
        await act(engineer, "/users/jiang/role", role="viewer")
        assert (await script.post(release, headers=_shown(decides))).status_code == 403
        made = await act(engineer, "/users/jiang/tokens", what="x", role="engineer")
        assert made.status_code == 409


async def test_a_token_ends_when_it_is_revoked_and_with_its_user(running: Running) -> None:
    token, other = await _token(running, "jiang", "viewer"), await _token(running, "zhou", "viewer")
    async with running.visitor() as script, running.logged_in("lin") as engineer:
        assert "Revoked" in (await act(engineer, "/users/tokens/1/revoke")).text
        assert (await script.get("/api/v1/figures", headers=_shown(token))).status_code == 401
        assert (await act(engineer, "/users/tokens/1/revoke")).status_code == 409
        await act(engineer, "/users/zhou/disable")
        assert (await script.get("/api/v1/figures", headers=_shown(other))).status_code == 401


async def test_a_token_opens_the_api_and_no_page(running: Running) -> None:
    token = await _token(running, "lin", "engineer")
    async with running.visitor() as script:
        assert (await script.get("/users", headers=_shown(token))).status_code == 303
        assert (await script.post("/users", headers=_shown(token), data={"name": "wu"})).status_code == 303


async def test_a_session_still_needs_its_form_token_for_the_api(running: Running) -> None:
    (hold,) = file(running, row("K", "4.1"), complete=False).opened
    async with running.logged_in("jiang") as client:
        done: httpx.Response = await client.post(f"/api/v1/quarantine/holds/{hold}/release")
    assert done.status_code == 403


async def test_users_over_the_api(running: Running) -> None:
    token = await _token(running, "lin", "engineer")
    async with running.visitor() as script:
        headers = _shown(token)
        made = await script.post("/api/v1/users", headers=headers, json={"name": "wu", "password": PASSWORD})
        assert (made.status_code, made.json()["role"]) == (201, "technician")
        assert (await script.patch("/api/v1/users/wu", headers=headers, json={"disabled": True})).status_code == 204
        found = {one["name"]: one["disabled"] for one in (await script.get("/api/v1/users", headers=headers)).json()}
        assert found == {"jiang": False, "lin": False, "wu": True, "zhou": False}
        own = await script.post("/api/v1/users/zhou/tokens", headers=headers, json={"name": "count"})
        assert own.json()["token"].startswith("lisb_")
        assert (await script.delete("/api/v1/tokens/2", headers=headers)).status_code == 204
        listed = (await script.get("/api/v1/tokens", headers=headers)).json()
        assert [(one["user"], one["revoked_at"] is None) for one in listed] == [("lin", True), ("zhou", False)]
