"""The JSON API: the pages' own read models under /api/v1, described at /api/v1/openapi.json."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter

from lis_bridge.console.api import administration, deliveries, onboarding, quarantine
from lis_bridge.console.api import analyzers as devices
from lis_bridge.console.pages.now import tiles_of
from lis_bridge.console.queries.figures import figures
from lis_bridge.console.visitor import SiteOf, Viewer

router = APIRouter(prefix="/api/v1", tags=["now"])
ROUTERS = (router, quarantine.router, deliveries.router, administration.router)


@router.get("/analyzers")
async def analyzers(site: SiteOf, user: Viewer) -> Any:
    """The analyzers with state, last message and today's count."""
    return msgspec.to_builtins(await site.read(lambda tx: tiles_of(tx, site)))


@router.get("/figures")
async def figures_(site: SiteOf, user: Viewer) -> Any:
    """Today in figures."""
    return msgspec.to_builtins(await site.read(lambda tx: figures(tx, site.local())))


router.include_router(devices.router)
router.include_router(onboarding.router)
