"""The audit log: who saw which patient and who did what, and whether the log is whole."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import Response

from lis_bridge import audit
from lis_bridge.console.csv import download
from lis_bridge.console.pages.deciding import whole
from lis_bridge.console.queries.audit import Verification, Wanted, entries
from lis_bridge.console.queries.paging import EXPORTED, ROWS
from lis_bridge.console.site import Site
from lis_bridge.console.visitor import Before, Day, SiteOf, Text, Viewer, filters_of, note_of, note_view, page

router = APIRouter()


def wanted_of(actor: Text = None, action: Text = None, subject: Text = None, since: Day = None, until: Day = None) -> Wanted:
    """What the address says."""
    return Wanted(actor, action, subject, since, until)


WantedOf = Annotated[Wanted, Depends(wanted_of)]


@router.get("/audit")
async def audit_page(
    request: Request,
    site: SiteOf,
    user: Viewer,
    wanted: WantedOf,
    before: Before = None,
) -> Response:
    """The entries, the newest first."""
    found = await site.read(lambda tx: entries(tx, wanted, site.config.site.timezone, before=before, limit=ROWS))
    values: dict[str, Any] = {"found": found, "wanted": wanted, "filters": filters_of(wanted), "before": before}
    return whole(request, "pages/audit.html", **values, check=site.verification)


@router.get("/audit.csv")
async def audit_csv(request: Request, site: SiteOf, user: Viewer, wanted: WantedOf) -> Response:
    """The whole list as a file, with the digests by which the chain can be followed elsewhere."""
    zone = site.config.site.timezone
    await note_view(request, "audit", file="csv", filters=filters_of(wanted))
    head = audit.Line.__struct_fields__

    def ask(tx: Connection, before: int | None) -> Any:
        return entries(tx, wanted, zone, before=before, limit=EXPORTED)

    return download(site, "audit", head, ask, lambda line: [getattr(line, name) for name in head])


@router.get("/audit/verify")
async def verification(request: Request, site: SiteOf, user: Viewer) -> Response:
    """How far the check is, or what it found."""
    return page(request, "parts/verification.html", check=site.verification)


@router.post("/audit/verify")
async def verify(request: Request, site: SiteOf, user: Viewer) -> Response:
    """Begin to follow the chain from the first entry to the last; one check at a time."""
    if site.verification is None or site.verification.found is not None:
        await begin(site)
        note = note_of(request)
        await site.write(lambda tx: note.append(tx, "audit log verified", "audit"))
    return page(request, "parts/verification.html", check=site.verification)


async def begin(site: Site) -> Verification:
    """A check that runs in a thread; pages ask how far it is."""
    total = await site.read(audit.newest)
    check = site.verification = Verification(site.clock.now(), total)
    site.background(asyncio.create_task(site.apart(lambda: check.run(site.store.read)), name="audit verification"))
    return check
