"""Deliveries and the audit log as JSON: the pages' own read models, roles and audit entries."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, Field

from lis_bridge import audit, outbox
from lis_bridge.console.api.lists import Limit, pages_of, plain
from lis_bridge.console.api.models import model_of
from lis_bridge.console.pages.audit import WantedOf as WantedEntries
from lis_bridge.console.pages.deciding import decide
from lis_bridge.console.pages.deliveries import WantedOf as WantedDeliveries
from lis_bridge.console.pages.deliveries import charset_of
from lis_bridge.console.queries.audit import Verification, entries
from lis_bridge.console.queries.deliveries import deliveries
from lis_bridge.console.visitor import SiteOf, Technician, Viewer, note_shown, note_view
from lis_bridge.outbox import Line

router = APIRouter()


class Whole(BaseModel):
    """A delivery; ``message`` is its HL7 text, null while results are still gathered."""

    delivery: model_of(Line)  # type: ignore[valid-type]
    message: str | None


class Reason(BaseModel):
    """Why the LIS is never to get it."""

    why: Annotated[str, Field(min_length=1, max_length=200)]


class Verified(BaseModel):
    """Whether the chain is whole; ``id`` and ``digest`` are its head, else ``id`` and ``what`` say where it breaks."""

    whole: bool
    id: int
    digest: str | None = None
    what: str | None = None


@router.get("/deliveries", response_model=pages_of(Line), tags=["deliveries"])
async def list_(
    request: Request,
    site: SiteOf,
    user: Viewer,
    wanted: WantedDeliveries,
    before: int | None = None,
    limit: Limit = 50,
) -> Any:
    """Deliveries; ``since`` and ``until`` are days in the laboratory's zone."""
    found = await site.read(lambda tx: deliveries(tx, wanted, site.config.site.timezone, before=before, limit=limit))
    await note_shown(request, "deliveries", {line.tube for line in found.rows})
    return plain(found)


@router.get("/deliveries/{delivery}", tags=["deliveries"])
async def one(request: Request, site: SiteOf, user: Viewer, delivery: int) -> Whole:
    """One delivery with its message."""
    found = await site.read(lambda tx: outbox.get(tx, delivery))
    if found is None:
        raise HTTPException(404)
    await note_view(request, f"tube {found.line.tube}", delivery=delivery)
    text = None if found.message is None else found.message.decode(charset_of(site, found.line), "replace")
    return Whole(delivery=plain(found.line), message=text)


@router.post("/deliveries/{delivery}/resend", status_code=204, tags=["deliveries"])
async def resend(request: Request, site: SiteOf, user: Technician, delivery: int) -> None:
    """Send a dead delivery again: the same message under the same control id."""
    await decide(request, site, lambda decisions, tx: decisions.resend(delivery))


@router.post("/deliveries/{delivery}/dismiss", status_code=204, tags=["deliveries"])
async def dismiss(request: Request, site: SiteOf, user: Technician, delivery: int, said: Reason) -> None:
    """Give a dead delivery up; what waits behind it goes on."""
    await decide(request, site, lambda decisions, tx: decisions.dismiss(delivery, said.why))


@router.get("/audit", response_model=pages_of(audit.Line), tags=["audit"])
async def log(
    site: SiteOf,
    user: Viewer,
    wanted: WantedEntries,
    before: int | None = None,
    limit: Limit = 50,
) -> Any:
    """The audit log."""
    return plain(await site.read(lambda tx: entries(tx, wanted, site.config.site.timezone, before=before, limit=limit)))


@router.get("/audit/verified", tags=["audit"])
async def verified(site: SiteOf, user: Viewer) -> Verified:
    """Follow the whole chain and answer when that is done: some seconds for a million entries."""
    check = Verification(site.clock.now(), 0)
    await site.apart(lambda: check.run(site.store.read))
    if isinstance(check.found, audit.Head):
        return Verified(whole=True, id=check.found.id, digest=check.found.digest)
    assert check.found is not None
    return Verified(whole=False, id=check.found.id, what=check.found.what)
