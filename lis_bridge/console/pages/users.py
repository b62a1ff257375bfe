"""Users, roles and the tokens of scripts; an engineer's page."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from lis_bridge.console.accounts import tokens, users
from lis_bridge.console.accounts.users import ROLES
from lis_bridge.console.pages.deciding import Line, whole
from lis_bridge.console.site import Site
from lis_bridge.console.visitor import Engineer, SiteOf, note_of, page

router = APIRouter(prefix="/users")
Secret = Annotated[str, Form(max_length=400)]


@router.get("")
async def users_page(request: Request, site: SiteOf, user: Engineer) -> Response:
    """Everybody who may use the console, and every token."""
    return whole(request, "pages/users.html", **await _listed(site))


@router.post("")
async def add(
    request: Request, site: SiteOf, user: Engineer, name: Line, password: Secret, role: Line, shown_as: Secret = ""
) -> Response:
    """Make a user."""
    note = note_of(request)
    made = await site.write(lambda tx: users.add(tx, name, password, role, note, shown_as=shown_as))
    return await _answer(request, site, made=made.name)


@router.post("/{name}/role")
async def role(request: Request, site: SiteOf, user: Engineer, name: str, role: Line) -> Response:
    """Give another role."""
    note = note_of(request)
    await site.write(lambda tx: users.set_role(tx, name, role, note))
    return await _answer(request, site)


@router.post("/{name}/password")
async def password(request: Request, site: SiteOf, user: Engineer, name: str) -> Response:
    """Make another password and show it once; the user's sessions end."""
    note, made = note_of(request), secrets.token_urlsafe(12)
    await site.write(lambda tx: users.set_password(tx, name, made, note))
    return await _answer(request, site, once=(name, made))


@router.post("/{name}/disable")
async def disable(request: Request, site: SiteOf, user: Engineer, name: str, undo: Annotated[bool, Form()] = False) -> Response:
    """Lock a user out at once, or let him in again."""
    note = note_of(request)
    await site.write(lambda tx: users.set_disabled(tx, name, not undo, note))
    return await _answer(request, site)


@router.post("/{name}/tokens")
async def token(request: Request, site: SiteOf, user: Engineer, name: str, what: Line, role: Line) -> Response:
    """Make a token for a script and show it once."""
    note = note_of(request)
    made = await site.write(lambda tx: tokens.add(tx, name, what, role, note))
    return await _answer(request, site, once=(what, made))


@router.post("/tokens/{token}/revoke")
async def revoke(request: Request, site: SiteOf, user: Engineer, token: int) -> Response:
    """End a token."""
    note = note_of(request)
    await site.write(lambda tx: tokens.revoke(tx, token, note))
    return await _answer(request, site)


async def _answer(request: Request, site: Site, **told: Any) -> Response:
    return page(request, "parts/users.html", **{**await _listed(site), **told})


async def _listed(site: Site) -> dict[str, Any]:
    found = await site.read(lambda tx: {"users": users.every(tx), "tokens": tokens.every(tx)})
    return {**found, "roles": ROLES, "once": None, "made": None}
