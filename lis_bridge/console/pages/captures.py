"""Recordings of running links: taken away and deleted. They hold patients' data; every look is written down."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response

from lis_bridge.console.pages.analyzers import recordings_of
from lis_bridge.console.site import Site
from lis_bridge.console.visitor import Engineer, SiteOf, note_of, note_view, page
from lis_bridge.core.faults import UsageError
from lis_bridge.transport.recording import wire

router = APIRouter(prefix="/captures")


@router.get("/{name}")
async def download(request: Request, site: SiteOf, user: Engineer, name: str) -> Response:
    """The recording as it was written."""
    file = await site.apart(lambda: site.switches.captures.file(name))
    await note_view(request, f"recording {name}")
    return FileResponse(file, filename=name, media_type="application/octet-stream")


@router.get("/{name}/wire")
async def download_wire(request: Request, site: SiteOf, user: Engineer, name: str) -> Response:
    """The analyzer's own bytes."""
    raw = await site.apart(lambda: wire(site.switches.captures.file(name).read_bytes()))
    await note_view(request, f"recording {name}")
    disposition = f'attachment; filename="{name.removesuffix(".jsonl")}.bin"'
    return Response(raw, media_type="application/octet-stream", headers={"content-disposition": disposition})


@router.post("/{name}/delete")
async def delete(request: Request, site: SiteOf, user: Engineer, name: str, of: str = "") -> Response:
    """Take it off the disk; the list that was looked at, of one analyzer or all, is shown as it now is."""
    await take_away(request, site, name)
    return page(request, "parts/recordings.html", analyzer=of, **await recordings_of(site, of or None))


async def take_away(request: Request, site: Site, name: str) -> None:
    """Delete and write down. Raises UsageError for a name that is none, and while it is being made."""
    if name in site.switches.in_the_making():
        raise UsageError("this recording is still being made", where=name, hint="End it first")
    captures, note = site.switches.captures, note_of(request)
    await site.apart(lambda: captures.file(name))
    await site.write(lambda tx: note.append(tx, "recording deleted", f"recording {name}"))
    await site.apart(lambda: captures.delete(name))
