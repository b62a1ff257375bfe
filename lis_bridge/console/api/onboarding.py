"""Drivers in the making as JSON: the same as the onboarding page, for engineers."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Form, Request, Response, UploadFile

from lis_bridge.console.api.lists import plain
from lis_bridge.console.api.models import model_of
from lis_bridge.console.onboarding.drafts import Draft
from lis_bridge.console.onboarding.sheet import Sheet
from lis_bridge.console.pages import onboarding as pages
from lis_bridge.console.visitor import Engineer, SiteOf

router = APIRouter(prefix="/onboarding", tags=["onboarding"])
Line = Annotated[str, Form(max_length=200)]
Yes = Annotated[bool, Form()]


class FindingSeen(msgspec.Struct, frozen=True):
    """What a check found: where, which key or code, what is wrong, and the remedy."""

    check: str
    where: str
    key: str
    what: str
    hint: str


class Verdict(msgspec.Struct, frozen=True):
    """What the checks say; ``tier`` as ``lis-bridge driver check`` computes it."""

    tier: str
    findings: list[FindingSeen]


@router.get("", response_model=list[model_of(Draft)])  # type: ignore[misc]
async def drafts(site: SiteOf, user: Engineer) -> Any:
    """The drafts, the newest first."""
    return plain(await site.apart(site.drafts.listed))


@router.post("", response_model=model_of(Draft), status_code=201)
async def upload(request: Request, site: SiteOf, user: Engineer, files: list[UploadFile], driver: Line) -> Any:
    """Begin with captures or recordings, as multipart form data."""
    return plain(await pages.begin_uploaded(request, site, driver, files))


@router.post("/from/{name}", response_model=model_of(Draft), status_code=201)
async def recorded(request: Request, site: SiteOf, user: Engineer, name: str, driver: Line) -> Any:
    """Begin with a recording of a running link."""
    return plain(await pages.begin_recorded(request, site, driver, name))


@router.get("/{key}", response_model=model_of(Sheet))
async def draft(request: Request, site: SiteOf, user: Engineer, key: str) -> Any:
    """Captures, candidates and the proposal with its certainty, row by row."""
    return plain((await pages.looked_at(request, site, key))[1])


@router.post("/{key}/code", response_model=model_of(Sheet))
async def code(
    request: Request, site: SiteOf, user: Engineer, key: str, row: Line, test: Line = "", unit: Line = "", ignored: Yes = False
) -> Any:
    """Say what a code (``row`` of the sheet) means, or that it is no result."""
    return plain(await pages.sheet_of(site, await pages.decide(request, site, key, row, test, unit, ignored)))


@router.post("/{key}/check", response_model=model_of(Verdict))
async def check(site: SiteOf, user: Engineer, key: str) -> Any:
    """Run the checks of ``lis-bridge driver check``."""
    found = await site.apart(lambda: site.drafts.get(key))
    tier, findings = await site.apart(lambda: site.bench.check(found, site.drafts.captures(found)))
    return {"tier": tier, "findings": plain(findings)}


@router.post("/{key}/anonymise", response_model=model_of(Draft))
async def anonymise(request: Request, site: SiteOf, user: Engineer, key: str) -> Any:
    """Take the persons out of the captures; ``left`` says what a person should look at."""
    return plain(await pages.anonymised(request, site, key))


@router.post("/{key}/save", response_model=model_of(Draft))
async def save(request: Request, site: SiteOf, user: Engineer, key: str) -> Any:
    """Write the driver's folder."""
    return plain(await pages.saved(request, site, key))


@router.delete("/{key}", status_code=204)
async def discard(request: Request, site: SiteOf, user: Engineer, key: str) -> Response:
    """Take the draft and its captures off the disk; what was saved stays."""
    await pages.discarded(request, site, key)
    return Response(status_code=204)
