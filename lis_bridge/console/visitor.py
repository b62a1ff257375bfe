"""Who asks, and how a page answers: dependencies and helpers that every router uses."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from fastapi import Depends, HTTPException, Request
from pydantic import BeforeValidator, Field, StringConstraints
from starlette.responses import HTMLResponse

from lis_bridge import audit
from lis_bridge.console.accounts import sessions
from lis_bridge.console.accounts.users import Note, Role, User
from lis_bridge.console.gate import bearer_of
from lis_bridge.console.site import Site

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
FIELD, HEADER = "csrf", "x-csrf-token"


def site_of(request: Request) -> Site:
    """The console that was asked."""
    site: Site = request.scope["state"]["site"]
    return site


def user_of(request: Request) -> User:
    """Who asks; the gate has let nobody else in."""
    session = request.scope["state"]["session"]
    if session is None:
        raise HTTPException(401)
    user: User = session.user
    return user


async def check_form(request: Request) -> None:
    """Every request that changes something carries the token of its session, as a header or as a field. Raises 403."""
    if request.method in SAFE or bearer_of(request):
        return
    sent = request.headers.get(HEADER) or str((await request.form()).get(FIELD, ""))
    if not hmac.compare_digest(sent.encode(), sessions.csrf(request.scope["state"]["secret"]).encode()):
        raise HTTPException(403, "the form is too old: load the page again")


def may(role: Role) -> Callable[[Request], User]:
    """A dependency: the user, whose role is this one or a higher one. Raises 403."""

    def check(request: Request) -> User:
        user = user_of(request)
        if not user.may(role):
            raise HTTPException(403, "your role does not allow this")
        return user

    return check


BLANK = BeforeValidator(lambda value: value or None)  # a field that was left empty is none
Text = Annotated[Annotated[str, StringConstraints(max_length=100)] | None, BLANK]
Day = Annotated[date | None, BLANK]
Before = Annotated[Annotated[int, Field(ge=1)] | None, BLANK]
"""What a list is narrowed to, in its address; ``Before`` is where the page before ended."""
SiteOf = Annotated[Site, Depends(site_of)]
Viewer = Annotated[User, Depends(may("viewer"))]
Technician = Annotated[User, Depends(may("technician"))]
Engineer = Annotated[User, Depends(may("engineer"))]


def filters_of(wanted: msgspec.Struct) -> dict[str, str]:
    """The address's query of what a list is narrowed to."""
    return {name: str(value) for name in wanted.__struct_fields__ if (value := getattr(wanted, name)) is not None}


def address_of(request: Request) -> str:
    """The network address of who asks."""
    return request.client.host if request.client else ""


def note_of(request: Request) -> Note:
    """In whose name a change is written down."""
    return Note(
        user_of(request).name, site_of(request).clock.now(), "API" if bearer_of(request) else "console", address_of(request)
    )


async def note_view(request: Request, subject: str, **detail: Any) -> None:
    """Write down that somebody saw a patient, before the page is answered."""
    note = note_of(request)
    entry = audit.Entry(
        at=note.at, actor=note.by, via=note.via, address=note.address, action="viewed", subject=subject, detail=detail
    )
    await site_of(request).write(lambda tx: audit.append(tx, entry))


async def note_shown(request: Request, subject: str, tubes: Iterable[str]) -> None:
    """Write down which patients' tubes a list has shown, each once a session."""
    known = site_of(request).shown_to(request.scope["state"]["session"].token)
    fresh = sorted(set(tubes) - known - {""})
    if fresh:
        await note_view(request, subject, tubes=fresh)
        known.update(fresh)


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page or a fragment in the visitor's language."""
    state = request.scope["state"]
    site: Site = state["site"]
    session = state["session"]
    now: datetime = site.clock.now()
    common = {
        "now": now,
        "site": site.config.site,
        "zone": site.config.site.timezone.key,
        "names": {one.id: one.name or one.id for one in site.config.analyzers},
        "user": session.user if session else None,
        "csrf": sessions.csrf(state["secret"]),
        "path": request.url.path,
        "told": state["told"],
    }
    return HTMLResponse(site.rendering(template, state["language"], {**common, **values}), status)
