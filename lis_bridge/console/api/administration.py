"""Users, tokens, settings, drivers and health as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from lis_bridge.catalogue.tests import Test
from lis_bridge.console.accounts import tokens, users
from lis_bridge.console.accounts.users import Role
from lis_bridge.console.api.lists import plain
from lis_bridge.console.api.models import model_of
from lis_bridge.console.pages.settings import health_of, versions
from lis_bridge.console.queries.settings import sections
from lis_bridge.console.visitor import Engineer, SiteOf, Viewer, note_of

router = APIRouter()


class NewUser(BaseModel):
    """A person; ``shown_as`` is how others see the name."""

    name: str
    password: str
    role: Role = "technician"
    shown_as: str = ""


class Change(BaseModel):
    """What is to change of a user; what is left out stays."""

    role: Role | None = None
    disabled: bool | None = None
    password: str | None = None


class NewToken(BaseModel):
    """What a script is to do, and in which role."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    role: Role = "viewer"


class Once(BaseModel):
    """A token, shown this once."""

    token: str


class Table(BaseModel):
    """A table of the configuration; ``default`` names the keys that the file does not set."""

    name: str
    title: str
    values: dict[str, str]
    default: list[str]


class Settings(BaseModel):
    """The configuration as the service reads it, and what the bridge is made of."""

    tables: list[Table]
    versions: dict[str, str]


class Checked(BaseModel):
    """One thing that the doctor looked at."""

    check: str
    state: str
    what: str
    remedy: str


@router.get("/users", response_model=list[model_of(users.User)], tags=["users"])  # type: ignore[misc]
async def every(site: SiteOf, user: Engineer) -> Any:
    """Everybody who may use the console."""
    return plain(await site.read(users.every))


@router.post("/users", response_model=model_of(users.User), status_code=201, tags=["users"])
async def add(request: Request, site: SiteOf, user: Engineer, one: NewUser) -> Any:
    """Make a user."""
    note = note_of(request)
    return plain(await site.write(lambda tx: users.add(tx, one.name, one.password, one.role, note, shown_as=one.shown_as)))


@router.patch("/users/{name}", status_code=204, tags=["users"])
async def change(request: Request, site: SiteOf, user: Engineer, name: str, to: Change) -> None:
    """Change role or password, lock a user out or let him in again."""
    note = note_of(request)

    def work(tx: Any) -> None:
        if to.role is not None:
            users.set_role(tx, name, to.role, note)
        if to.password is not None:
            users.set_password(tx, name, to.password, note)
        if to.disabled is not None:
            users.set_disabled(tx, name, to.disabled, note)

    await site.write(work)


@router.get("/tokens", response_model=list[model_of(tokens.Token)], tags=["users"])  # type: ignore[misc]
async def tokens_(site: SiteOf, user: Engineer) -> Any:
    """Every token that was made, without the token itself."""
    return plain(await site.read(tokens.every))


@router.post("/users/{name}/tokens", status_code=201, tags=["users"])
async def token(request: Request, site: SiteOf, user: Engineer, name: str, one: NewToken) -> Once:
    """Make a token for a script that acts as this user."""
    note = note_of(request)
    return Once(token=await site.write(lambda tx: tokens.add(tx, name, one.name, one.role, note)))


@router.delete("/tokens/{token}", status_code=204, tags=["users"])
async def revoke(request: Request, site: SiteOf, user: Engineer, token: int) -> None:
    """End a token at once."""
    note = note_of(request)
    await site.write(lambda tx: tokens.revoke(tx, token, note))


@router.get("/settings", tags=["settings"])
async def settings(site: SiteOf, user: Viewer) -> Settings:
    """The configuration; a password in an address is never shown."""
    tables = [
        Table(name=one.name, title=one.title, values=one.values, default=sorted(one.default)) for one in sections(site.config)
    ]
    return Settings(tables=tables, versions=versions())


@router.get("/tests", tags=["settings"])
async def tests(site: SiteOf, user: Viewer, q: Annotated[str, Query(min_length=1, max_length=100)]) -> list[Test]:
    """Tests of the catalogue by name, code, panel or LOINC."""
    return list(site.compiled.tests.find(q))


@router.get("/drivers", tags=["settings"])
async def drivers(site: SiteOf, user: Viewer) -> list[dict[str, Any]]:
    """The site's drivers with their evidence tier, which is computed."""
    return await site.apart(site.tiers.every)


@router.get("/health", tags=["settings"])
async def health(site: SiteOf, user: Viewer) -> list[Checked]:
    """What ``lis-bridge doctor`` finds."""
    return [Checked(**asdict(line)) for line in await site.apart(lambda: health_of(site))]
