"""The analyzers, their lines and recordings as JSON: the same as the pages, with the same roles and the same audit entries."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from lis_bridge.console.api.models import model_of
from lis_bridge.console.pages.analyzers import device_of, line_of, note_line, noted
from lis_bridge.console.pages.captures import take_away
from lis_bridge.console.queries.device import Device
from lis_bridge.console.queries.line import Shown
from lis_bridge.console.visitor import Engineer, SiteOf, Viewer
from lis_bridge.runtime.captures import Captured
from lis_bridge.runtime.testing import Tested

router = APIRouter(tags=["analyzers"])


class Made(msgspec.Struct, frozen=True):
    """A recording by its name; ``ended`` says why it ended by itself, where it did."""

    name: str
    bytes: int
    ended: str


@router.get("/analyzers/{id}", response_model=model_of(Device))
async def analyzer(site: SiteOf, user: Viewer, id: str) -> Any:
    """One analyzer with counters, faults, driver and settings."""
    return msgspec.to_builtins(await device_of(site, id))


@router.get("/analyzers/{id}/line", response_model=list[model_of(Shown)])  # type: ignore[misc]
async def line(request: Request, site: SiteOf, user: Engineer, id: str) -> Any:
    """What passed on its line last, in both directions."""
    await note_line(request, id)
    return msgspec.to_builtins(line_of(site, id))


@router.post("/analyzers/{id}/stop", response_model=model_of(Device))
async def stop(request: Request, site: SiteOf, user: Engineer, id: str) -> Any:
    """Hear no more, after the transmission in hand."""
    await site.switches.stop(id, user.name, noted(request, "link stopped", id))
    return msgspec.to_builtins(await device_of(site, id))


@router.post("/analyzers/{id}/start", response_model=model_of(Device))
async def start(request: Request, site: SiteOf, user: Engineer, id: str) -> Any:
    """Hear again."""
    await site.switches.start(id, noted(request, "link started", id))
    return msgspec.to_builtins(await device_of(site, id))


@router.post("/analyzers/{id}/reconnect", response_model=model_of(Device))
async def reconnect(request: Request, site: SiteOf, user: Engineer, id: str) -> Any:
    """Give the link back and take it up anew."""
    await site.switches.reconnect(id, user.name, noted(request, "link taken up anew", id))
    return msgspec.to_builtins(await device_of(site, id))


@router.post("/analyzers/{id}/test", response_model=list[model_of(Tested)])  # type: ignore[misc]
async def test(request: Request, site: SiteOf, user: Engineer, id: str) -> Any:
    """Try what can be tried without disturbing it."""
    await noted(request, "link tested", id)()
    return msgspec.to_builtins(await site.switches.test(id))


@router.post("/analyzers/{id}/record", response_model=model_of(Made))
async def record(request: Request, site: SiteOf, user: Engineer, id: str) -> Any:
    """Begin a recording of both sides of the line."""
    keeper = await site.switches.record(id, user.name, site.local(), noted(request, "recording begun", id))
    return msgspec.to_builtins(Made(keeper.name, keeper.bytes, keeper.ended))


@router.post("/analyzers/{id}/end-recording", response_model=model_of(Made))
async def end_recording(request: Request, site: SiteOf, user: Engineer, id: str) -> Any:
    """End it."""
    keeper = await site.switches.end_recording(id, noted(request, "recording ended", id))
    return msgspec.to_builtins(Made(keeper.name, keeper.bytes, keeper.ended))


@router.get("/captures", response_model=list[model_of(Captured)])  # type: ignore[misc]
async def captures(site: SiteOf, user: Engineer) -> Any:
    """The recordings on the disk, the newest first; ``/captures/NAME`` gives one."""
    return msgspec.to_builtins(await site.apart(site.switches.captures.listed))


@router.delete("/captures/{name}", status_code=204)
async def delete(request: Request, site: SiteOf, user: Engineer, name: str) -> Response:
    """Take one off the disk."""
    await take_away(request, site, name)
    return Response(status_code=204)
