"""Mapping an unknown code or unit in place: what was said, which test it may be, and what will happen."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Query, Request
from sqlalchemy import Connection
from starlette.responses import Response

from lis_bridge import mappings
from lis_bridge.console.accounts.users import User
from lis_bridge.console.pages.deciding import Line, decide, whole
from lis_bridge.console.pages.quarantine import listed
from lis_bridge.console.queries import mapping as query
from lis_bridge.console.queries.judged import judge
from lis_bridge.console.queries.mapping import Kind, Said
from lis_bridge.console.site import Site
from lis_bridge.console.visitor import Engineer, SiteOf, Technician, Viewer, page
from lis_bridge.mappings import Mapping
from lis_bridge.pipeline import remapping
from lis_bridge.runtime.foreseen import Foreseen, foresee

router = APIRouter(prefix="/quarantine/map")
Text = Annotated[str, Query(max_length=200)]
Analyzer = Annotated[str, Query(max_length=100)]


@router.get("")
async def map_page(request: Request, site: SiteOf, user: Viewer, analyzer: Analyzer, kind: Kind, code: Text) -> Response:
    """The list with this code open in its place."""
    values = await listed(request, site)
    return whole(request, "pages/quarantine.html", **{**values, "opened": await opened(site, analyzer, kind, code, None)})


@router.get("/tests")
async def search(
    request: Request, site: SiteOf, user: Viewer, analyzer: Analyzer, kind: Kind, code: Text, q: Text = ""
) -> Response:
    """The catalogue's tests that a text finds, with what speaks for and against each."""
    return page(request, "parts/candidates.html", opened=await opened(site, analyzer, kind, code, q))


@router.get("/trial")
async def trial(
    request: Request, site: SiteOf, user: Technician, analyzer: Analyzer, kind: Kind, code: Text, said: Text, means: Text
) -> Response:
    """What the mapping would change, before it is made."""
    found = await foreseen(site, analyzer, kind, code, said, means)
    rows = [(one, judge(one.observation, site.compiled.tests.test(one.observation.test or ""), one.sex)) for one in found.rows]
    return page(request, "parts/foreseen.html", found=found, rows=rows, means=means)


async def foreseen(site: Site, analyzer: str, kind: Kind, code: str, said: str, means: str) -> Foreseen:
    """What would become of the first entries that wait. Raises 404, UsageError for what would be no mapping."""
    if analyzer not in site.compiled.plans:
        raise HTTPException(404)
    remapping.check(kind, said, means, site.compiled.tests)

    def ask(tx: Connection) -> tuple[Sequence[Mapping], Sequence[int]]:
        return mappings.every(tx), remapping.held(tx, analyzer, kind, code)

    made, entries = await site.read(ask)
    config = mappings.applied(site.config, (*made, Mapping(analyzer, kind, said, means, "", "")))
    work = partial(foresee, config, site.compiled, site.store, site.clock, analyzer, code, entries)
    async with site.trying:
        return await site.apart(work)


@router.post("")
async def map_(
    request: Request, site: SiteOf, user: Technician, analyzer: Line, kind: Annotated[Kind, Form()], said: Line, means: Line
) -> Response:
    """Map it, and have what waited for it processed again."""
    if analyzer not in site.compiled.plans:
        raise HTTPException(422, "something in this form is missing or wrong")
    tests = site.compiled.tests
    replayed = await decide(request, site, lambda decisions, tx: decisions.map(analyzer, kind, said, means, tests))
    values = await listed(request, site)
    mapped = {"analyzer": analyzer, "said": said, "means": means, "replayed": replayed}
    answer = page(request, "parts/quarantine.html", **values, mapped=mapped)
    answer.headers["HX-Push-Url"] = "/quarantine"
    return answer


@router.post("/ignore")
async def ignore(request: Request, site: SiteOf, user: Engineer, analyzer: Line, said: Line) -> Response:
    """Say that a code is knowingly not reported, and have what waited for it processed again."""
    replayed = await ignored(request, site, analyzer, said)
    values = await listed(request, site)
    answer = page(request, "parts/quarantine.html", **values, ignored={"analyzer": analyzer, "said": said, "replayed": replayed})
    answer.headers["HX-Push-Url"] = "/quarantine"
    return answer


async def ignored(request: Request, site: Site, analyzer: str, said: str) -> int:
    """How many entries are processed again. Raises 422 for no such analyzer, UsageError for a code that means a test."""
    if analyzer not in site.compiled.plans:
        raise HTTPException(422, "something in this form is missing or wrong")
    return int(await decide(request, site, lambda decisions, tx: decisions.ignore(analyzer, said, codes_of(tx, site, analyzer))))


async def take_back(request: Request, site: Site, user: User, analyzer: str, kind: mappings.Kind, said: str) -> None:
    """Take a mapping back; that a code is ignored, only an engineer. Raises 403, UsageError where there is none."""
    if kind == "ignored" and not user.may("engineer"):
        raise HTTPException(403, "your role does not allow this")
    await decide(request, site, lambda decisions, tx: decisions.unmap(analyzer, kind, said))


async def opened(site: Site, analyzer: str, kind: Kind, code: str, text: str | None) -> dict[str, Any]:
    """What the open row shows; ``text`` searches the catalogue, None: what the code itself suggests. Raises 404."""
    plan = site.compiled.plans.get(analyzer)
    if plan is None:
        raise HTTPException(404)
    tests = site.compiled.tests

    def ask(tx: Connection) -> tuple[Said, Sequence[frozenset[str]], dict[str, str]]:
        found = query.said(tx, plan, analyzer, kind, code)
        return found, query.reported_in(tx, found.tubes), codes_of(tx, site, analyzer)

    found, reported, codes = await site.read(ask)
    searched = query.guess(found, tests) if text is None else text
    listed = query.candidates(found, searched, tests, codes, reported) if kind == "code" else []
    choices = query.choices(found, tests) if kind == "unit" else []
    return {
        "said": found,
        "q": searched,
        "candidates": listed,
        "choices": choices,
        "driver": plan.driver,
        "revision": plan.revision,
    }


def codes_of(tx: Connection, site: Site, analyzer: str) -> dict[str, str]:
    """What each code of an analyzer means now: the driver's word, the configuration's over it, and over both what was mapped."""
    in_force = mappings.applied(site.config, mappings.every(tx))
    own = next((one.codes for one in in_force.analyzers if one.id == analyzer), {})
    return {**site.compiled.plans[analyzer].manifest.codes, **own}
