"""Onboarding: from a capture to a checked draft of a driver. For engineers: captures hold patients' data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Form, Request, UploadFile
from starlette.responses import RedirectResponse, Response

from lis_bridge.console.onboarding.drafts import LARGEST, Draft, checked_id
from lis_bridge.console.onboarding.sheet import Sheet, sheet
from lis_bridge.console.pages.analyzers import recordings_of
from lis_bridge.console.pages.deciding import top_of
from lis_bridge.console.site import Site
from lis_bridge.console.visitor import Engineer, SiteOf, note_of, note_view, page
from lis_bridge.core.faults import UsageError
from lis_bridge.settings.nearest import did_you_mean
from lis_bridge.transport.recording import wire

router = APIRouter(prefix="/onboarding")
Id = Annotated[str, Form(max_length=60)]
Line = Annotated[str, Form(max_length=200)]
Yes = Annotated[bool, Form()]


@router.get("")
async def onboarding(request: Request, site: SiteOf, user: Engineer) -> Response:
    """The drafts, and how a new one begins."""
    drafts = await site.apart(site.drafts.listed)
    return page(request, "pages/onboarding.html", drafts=drafts, top=top_of(site), **await recordings_of(site))


@router.post("")
async def upload(request: Request, site: SiteOf, user: Engineer, files: list[UploadFile], driver: Id) -> Response:
    """Begin with captures from elsewhere."""
    return _to((await begin_uploaded(request, site, driver, files)).key)


@router.post("/from/{name}")
async def recorded(request: Request, site: SiteOf, user: Engineer, name: str, driver: Id) -> Response:
    """Begin with a recording of a running link."""
    return _to((await begin_recorded(request, site, driver, name)).key)


@router.get("/{key}")
async def draft(request: Request, site: SiteOf, user: Engineer, key: str) -> Response:
    """The draft: bytes, records, proposal."""
    found, seen = await looked_at(request, site, key)
    return page(request, "pages/draft.html", draft=found, sheet=seen, top=top_of(site), into=str(site.bench.into))


@router.post("/{key}/code")
async def code(
    request: Request, site: SiteOf, user: Engineer, key: str, row: Line, test: Line = "", unit: Line = "", ignored: Yes = False
) -> Response:
    """Say what a code means, or that it is no result."""
    found = await decide(request, site, key, row, test, unit, ignored)
    return page(request, "parts/mapping.html", draft=found, sheet=await sheet_of(site, found))


@router.post("/{key}/name")
async def name(
    request: Request, site: SiteOf, user: Engineer, key: str, driver: Id, name: Line = "", manufacturer: Line = ""
) -> Response:
    """Say what the driver is called."""
    checked_id(driver)
    await change(request, site, key, {"driver": driver, "name": name.strip(), "manufacturer": manufacturer.strip()})
    return _to(key)


@router.post("/{key}/check")
async def check(request: Request, site: SiteOf, user: Engineer, key: str) -> Response:
    """Run the checks of ``lis-bridge driver check``."""
    found = await site.apart(lambda: site.drafts.get(key))
    tier, findings = await site.apart(lambda: site.bench.check(found, site.drafts.captures(found)))
    return page(request, "parts/checked.html", draft=found, tier=tier, findings=findings)


@router.post("/{key}/anonymise")
async def anonymise(request: Request, site: SiteOf, user: Engineer, key: str) -> Response:
    """Take the persons out of the captures; the originals are gone with it."""
    await anonymised(request, site, key)
    return _to(key)


@router.post("/{key}/save")
async def save(request: Request, site: SiteOf, user: Engineer, key: str) -> Response:
    """Write the driver's folder."""
    found = await saved(request, site, key)
    return page(request, "parts/saved.html", draft=found)


@router.get("/{key}/download")
async def download(request: Request, site: SiteOf, user: Engineer, key: str) -> Response:
    """The draft as one file, as ``lis-bridge driver pack`` makes it."""
    found = await site.apart(lambda: site.drafts.get(key))
    raw = await site.apart(lambda: site.bench.packed(found, site.drafts.captures(found)))
    await note_view(request, f"draft {found.driver}", key=key)
    headers = {"content-disposition": f'attachment; filename="{found.driver}-1.zip"'}
    return Response(raw, media_type="application/zip", headers=headers)


@router.post("/{key}/discard")
async def discard(request: Request, site: SiteOf, user: Engineer, key: str) -> Response:
    """Take the draft and its captures off the disk; what was saved stays."""
    await discarded(request, site, key)
    return RedirectResponse("/onboarding", 303)


async def begin_uploaded(request: Request, site: Site, driver: str, files: list[UploadFile]) -> Draft:
    """A draft from uploaded captures or recordings. Raises UsageError."""
    captures: dict[str, bytes] = {}
    for number, file in enumerate(files, start=1):
        if file.size is None or file.size > LARGEST * 3:  # a recording writes each byte more than twice
            hint = "Ten files of 8 MB at the most: a few tubes say enough"
            raise UsageError("the captures are too large", where=driver, hint=hint)
        captures[f"{number}. {file.filename or 'capture'}"] = _wire(await file.read(), file.filename or "")
    return await _begin(request, site, driver, captures)


def _wire(raw: bytes, name: str) -> bytes:
    try:
        return wire(raw)
    except (msgspec.MsgspecError, ValueError) as wrong:
        hint = "Upload the file as lis-bridge capture wrote it, or the bytes alone"
        raise UsageError("this recording cannot be read", where=name, hint=hint) from wrong


async def begin_recorded(request: Request, site: Site, driver: str, name: str) -> Draft:
    """A draft from a recording of a running link. Raises UsageError."""
    raw = await site.apart(lambda: wire(site.switches.captures.file(name).read_bytes()))
    return await _begin(request, site, driver, {name: raw})


async def looked_at(request: Request, site: Site, key: str) -> tuple[Draft, Sheet]:
    """A draft with its sheet, written down once a session. Raises UsageError."""
    found = await site.apart(lambda: site.drafts.get(key))
    shown = site.shown_to(request.scope["state"]["session"].token)
    if f"draft {key}" not in shown:
        await note_view(request, f"draft {found.driver}", key=key)
        shown.add(f"draft {key}")
    return found, await sheet_of(site, found)


async def sheet_of(site: Site, draft: Draft) -> Sheet:
    """What is shown of a draft."""
    return await site.apart(lambda: sheet(draft, site.drafts.captures(draft), site.bench))


async def decide(request: Request, site: Site, key: str, row: str, test: str, unit: str, ignored: bool) -> Draft:
    """A person's word on one code; an empty test takes it back. Raises UsageError for a test that is not in the catalogue."""
    meant = test_of(site, test) if test.strip() and not ignored else ""

    def made(draft: Draft) -> dict[str, Any]:
        if row not in site.bench.rows(draft, site.drafts.captures(draft)):
            raise UsageError("there is no such code in the captures", where=row, hint="Load the page again")
        chosen, units = ({**one} for one in (draft.chosen, draft.units))
        chosen.pop(row, None)
        units.pop(row, None)
        if meant:
            chosen[row] = meant
        if unit.strip():
            units[row] = unit.strip()
        others = [one for one in draft.ignored if one != row]
        return {"chosen": chosen, "units": units, "ignored": [*others, row] if ignored else others}

    return await changed(request, site, key, made)


async def change(request: Request, site: Site, key: str, values: Mapping[str, Any]) -> Draft:
    """The draft with other values, on the disk."""
    return await changed(request, site, key, lambda draft: dict(values))


async def changed(request: Request, site: Site, key: str, made: Callable[[Draft], dict[str, Any]]) -> Draft:
    """The draft with what ``made`` makes of it, in the name of who asks."""
    async with site.drafting:
        draft = await site.apart(lambda: site.drafts.get(key))
        values = await site.apart(lambda: made(draft))
        fresh = msgspec.structs.replace(draft, by=note_of(request).by, **values)
        await site.apart(lambda: site.drafts.keep(fresh))
    return fresh


async def anonymised(request: Request, site: Site, key: str) -> Draft:
    """The draft with captures about nobody. Raises BridgeError where they would be read differently."""
    note = note_of(request)
    async with site.drafting:
        draft = await site.apart(lambda: site.drafts.get(key))
        raws, left = await site.apart(lambda: site.bench.anonymised(draft, site.drafts.captures(draft)))
        await site.write(lambda tx: note.append(tx, "capture anonymised", f"draft {draft.driver}", key=key))
        fresh = msgspec.structs.replace(draft, anonymised=True, left=left)
        await site.apart(lambda: site.drafts.keep(fresh, raws))
    return fresh


async def saved(request: Request, site: Site, key: str) -> Draft:
    """The draft, whose driver's folder stands now. Raises UsageError where there is one of that id already."""
    note = note_of(request)
    async with site.drafting:
        draft = await site.apart(lambda: site.drafts.get(key))
        if draft.driver in site.bench.library.ids():
            raise UsageError("there is a driver of this id already", where=draft.driver, hint="Give the draft another id")
        folder = await site.apart(lambda: site.bench.save(draft, site.drafts.captures(draft)))
        await site.write(lambda tx: note.append(tx, "driver draft saved", f"driver {draft.driver}", folder=str(folder)))
        fresh = msgspec.structs.replace(draft, saved_in=str(folder))
        await site.apart(lambda: site.drafts.keep(fresh))
    return fresh


async def discarded(request: Request, site: Site, key: str) -> None:
    """The draft is gone, which is written down."""
    note = note_of(request)
    async with site.drafting:
        draft = await site.apart(lambda: site.drafts.get(key))
        await site.write(lambda tx: note.append(tx, "draft discarded", f"draft {draft.driver}", key=key))
        await site.apart(lambda: site.drafts.discard(key))


def test_of(site: Site, text: str) -> str:
    """The catalogue's code for what was typed or chosen: code, or name in one of the languages. Raises UsageError."""
    said = text.strip()
    tests = site.bench.tests.tests
    for meant in (lambda test: test.code == said, lambda test: said in (test.name_zh, test.name_en)):
        found = [test.code for test in tests if meant(test)]
        if len(found) == 1:
            return found[0]
    near = did_you_mean(said, [test.code for test in tests])
    raise UsageError("there is no such test in the catalogue", where=said, hint=near if near else "Choose one from the list")


async def _begin(request: Request, site: Site, driver: str, captures: Mapping[str, bytes]) -> Draft:
    note, now = note_of(request), site.clock.now()
    async with site.drafting:
        draft = await site.apart(lambda: site.drafts.begin(driver.strip(), captures, note.by, now))
    await site.write(lambda tx: note.append(tx, "draft begun", f"draft {draft.driver}", key=draft.key))
    return draft


def _to(key: str) -> Response:
    return RedirectResponse(f"/onboarding/{key}", 303)
