"""Logging in and out, the first engineer, and the language."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from lis_bridge.console.accounts import passwords, sessions, users
from lis_bridge.console.accounts.users import Note, User
from lis_bridge.console.gate import LANGUAGE, SESSION, cookie
from lis_bridge.console.site import Site
from lis_bridge.console.visitor import SiteOf, address_of, note_of, page, user_of
from lis_bridge.console.words import N_, Language, language_of
from lis_bridge.core.faults import UsageError

router = APIRouter()
Text = Annotated[str, Form(max_length=400)]
YEAR = 31536000
WRONG = N_("User name or password is wrong")
TOO_MANY = N_("Too many wrong passwords. Wait, then try again")


@router.get("/login")
async def login_page(request: Request, next: str = "") -> Response:
    """The form."""
    if request.scope["state"]["session"] is not None:
        return RedirectResponse("/", 303)
    return page(request, "pages/login.html", error="", wait=0, next=_inside(next), name="")


@router.post("/login")
async def login(request: Request, site: SiteOf, name: Text, password: Text, next: Text = "") -> Response:
    """Check, brake, begin a session. Right and wrong take the same time."""
    name, address = name.strip().lower(), address_of(request)
    wait = site.throttle.wait(name, address, site.clock.monotonic())
    if wait > 0:
        return _again(request, name, next, TOO_MANY, 429, wait)
    site.throttle.failed(name, address, site.clock.monotonic())
    stored = await site.read(lambda tx: users.password_of(tx, name))
    if not await site.apart(lambda: passwords.matches(stored, password)):
        await _note(site, name, address, "login refused")
        return _again(request, name, next, WRONG, 401, 0)
    site.throttle.passed(name, address)
    return await _enter(request, site, name, next)


@router.post("/logout")
async def logout(request: Request, site: SiteOf) -> Response:
    """End the session."""
    note, token = note_of(request), request.scope["state"]["secret"]

    def work(tx):  # type: ignore[no-untyped-def]
        sessions.end(tx, token)
        note.append(tx, "logged out", f"user {note.by}")

    await site.write(work)
    return _leave(request)


@router.get("/setup/{token}")
async def setup_page(request: Request, site: SiteOf, token: str) -> Response:
    """The form that makes the first engineer. 404 for a link that is wrong or was used."""
    _check_link(site, token)
    return page(request, "pages/setup.html", error="", hint="", token=token, name="", shown_as="")


@router.post("/setup/{token}")
async def setup(
    request: Request, site: SiteOf, token: str, name: Text, password: Text, again: Text, shown_as: Text = ""
) -> Response:
    """Make the first engineer, once, and let him in."""
    _check_link(site, token)
    values = {"token": token, "name": name, "shown_as": shown_as}
    if password != again:
        return page(request, "pages/setup.html", status=422, error=N_("The two passwords differ"), hint="", **values)
    note = Note(users.checked(name) if name.strip() else "", site.clock.now(), "console", address_of(request))
    language = request.scope["state"]["language"]
    try:
        made = await site.write(lambda tx: _first(tx, name, password, note, shown_as, language))
    except UsageError as error:
        return page(request, "pages/setup.html", status=422, error=error.what, hint=error.hint, **values)
    site.locked = False
    await site.apart(site.setup.remove)
    return await _enter(request, site, made.name, "")


@router.post("/language")
async def language(request: Request, site: SiteOf, to: Text, next: Text = "") -> Response:
    """Another language, for this browser and for the user."""
    chosen, session = language_of(to), request.scope["state"]["session"]
    if session is not None:
        await site.write(lambda tx: users.set_language(tx, session.user.id, chosen))
    answer = RedirectResponse(_inside(next) or "/", 303)
    answer.headers.append("set-cookie", cookie(request, LANGUAGE, chosen, lasts=YEAR))
    return answer


@router.post("/here")
async def here(request: Request) -> Response:
    """Somebody is there: the gate has written it down."""
    user_of(request)
    return Response(status_code=204)


def _first(tx, name: str, password: str, note: Note, shown_as: str, language: Language) -> User:  # type: ignore[no-untyped-def]
    if users.has_engineer(tx):
        raise UsageError("there is an engineer already", where="setup", hint="log in")
    return users.add(tx, name, password, "engineer", note, shown_as=shown_as, language=language)


def _check_link(site: Site, token: str) -> None:
    if not site.locked or not site.setup.is_right(token):
        raise HTTPException(404)


async def _enter(request: Request, site: Site, name: str, next: str) -> Response:
    now, address = site.clock.now(), address_of(request)

    def work(tx):  # type: ignore[no-untyped-def]
        user = users.by_name(tx, name)
        if user is None or user.disabled:
            raise HTTPException(401)
        Note(user.name, now, "console", address).append(tx, "logged in", f"user {user.name}")
        return sessions.begin(tx, user.id, now)

    answer = RedirectResponse(_inside(next) or "/", 303)
    answer.headers.append("set-cookie", cookie(request, SESSION, await site.write(work)))
    return answer


def _leave(request: Request) -> Response:
    answer = RedirectResponse("/login", 303)
    answer.headers.append("set-cookie", cookie(request, SESSION, "", lasts=0))
    return answer


async def _note(site: Site, name: str, address: str, action: str) -> None:
    """A name that is no name might be a password typed into the wrong field: it is not kept."""
    known = await site.read(lambda tx: users.by_name(tx, name))
    note = Note(name if known else "", site.clock.now(), "console", address)
    await site.write(lambda tx: note.append(tx, action, f"user {name}" if known else "unknown user"))


def _again(request: Request, name: str, next: str, error: str, status: int, wait: float) -> Response:
    return page(
        request, "pages/login.html", status=status, error=error, wait=int(wait) + 1 if wait else 0, next=_inside(next), name=name
    )


def _inside(next: str) -> str:
    """A path of ours, or nothing: a link must not lead elsewhere after the login."""
    return next if next.startswith("/") and not next.startswith(("//", "/\\")) else ""
