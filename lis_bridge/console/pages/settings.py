"""Settings: the configuration as the service reads it, what was mapped since, drivers, catalogue, versions and health."""

from __future__ import annotations

import platform
import sqlite3
from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import Response

from lis_bridge import mappings
from lis_bridge.console.pages.deciding import Line, whole
from lis_bridge.console.pages.mapping import take_back
from lis_bridge.console.queries.settings import sections
from lis_bridge.console.site import Site
from lis_bridge.console.visitor import SiteOf, Technician, Viewer, page
from lis_bridge.runtime import checkups

router = APIRouter(prefix="/settings")
LIBRARIES = ("lis-bridge", "fastapi", "SQLAlchemy", "hl7", "pyserial", "pydantic")
FOUND = 40
"""Tests that a search shows."""


@router.get("")
async def settings_page(request: Request, site: SiteOf, user: Viewer) -> Response:
    """Everything but what takes a while to find out: the page asks for that by itself."""
    return whole(
        request,
        "pages/settings.html",
        sections=sections(site.config),
        file=site.config.path,
        mapped=await site.read(mappings.every),
        versions=versions(),
        count=len(site.compiled.tests.tests),
        found=(),
        q="",
    )


@router.get("/tests")
async def catalogue(request: Request, site: SiteOf, user: Viewer, q: Annotated[str, Query(max_length=100)] = "") -> Response:
    """The catalogue's tests that a text finds."""
    found = site.compiled.tests.find(q)[:FOUND] if q.strip() else ()
    return page(request, "parts/tests.html", found=found, q=q)


@router.get("/drivers")
async def drivers(request: Request, site: SiteOf, user: Viewer) -> Response:
    """The site's drivers with their evidence tier, which is computed."""
    return page(request, "parts/drivers.html", drivers=await site.apart(site.tiers.every))


@router.get("/health")
async def health(request: Request, site: SiteOf, user: Viewer) -> Response:
    """What ``lis-bridge doctor`` finds of this machine and of this site."""
    return page(request, "parts/health.html", lines=await site.apart(lambda: health_of(site)))


@router.post("/mappings/remove")
async def unmap(
    request: Request, site: SiteOf, user: Technician, analyzer: Line, kind: Annotated[mappings.Kind, Form()], said: Line
) -> Response:
    """Take a mapping back, or that a code is ignored."""
    await take_back(request, site, user, analyzer, kind, said)
    return page(request, "parts/mappings.html", mapped=await site.read(mappings.every))


def versions() -> dict[str, str]:
    """What the bridge is made of, with versions."""
    return {**{name: version(name) for name in LIBRARIES}, "Python": platform.python_version(), "SQLite": sqlite3.sqlite_version}


def health_of(site: Site) -> list[checkups.Line]:
    """Every line of the doctor."""
    now = site.clock.now()
    return [*checkups.machine(now), *checkups.site(site.config, now)]
