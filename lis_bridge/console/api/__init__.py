"""The JSON API: the pages' own read models under /api/v1, described at /api/v1/openapi.json."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from fastapi import APIRouter, Request

from lis_bridge.console.accounts import sessions
from lis_bridge.console.api import administration, deliveries, onboarding, quarantine, tubes
from lis_bridge.console.api import analyzers as devices
from lis_bridge.console.pages.now import tiles_of
from lis_bridge.console.queries.figures import figures
from lis_bridge.console.visitor import SiteOf, Viewer

router = APIRouter(prefix="/api/v1", tags=["now"])


@dataclass(frozen=True, slots=True)
class Me:
    """Who asks; ``token`` goes into the header ``X-CSRF-Token`` of every request that changes something."""

    name: str
    role: str
    token: str


@router.get("/session")
async def session(request: Request, user: Viewer) -> Me:
    """The session's user and its token."""
    return Me(user.name, user.role, sessions.csrf(request.scope["state"]["secret"]))


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
router.include_router(tubes.router)
router.include_router(quarantine.router)
router.include_router(deliveries.router)
router.include_router(administration.router)
