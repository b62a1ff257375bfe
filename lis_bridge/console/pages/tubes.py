"""Tubes: found by a scanner's input, by what was typed, by day, analyzer and state; as a list and as a file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from lis_bridge.console.csv import download
from lis_bridge.console.pages.deciding import top_of
from lis_bridge.console.queries import tubes
from lis_bridge.console.queries.paging import EXPORTED
from lis_bridge.console.queries.recent import Row
from lis_bridge.console.queries.tubes import Filters, Wanted
from lis_bridge.console.site import Site
from lis_bridge.console.visitor import SiteOf, Viewer, note_view, page

router = APIRouter()
HEAD = ("tube", "specimen", "patient id", "patient", "STAT", "results", "held", "state", "first result", "last change")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the form or the address says."""

    q: Annotated[str, Query(max_length=100)] = ""
    analyzer: Annotated[str, Query(max_length=100)] = ""
    state: Wanted = ""
    since: date | Literal[""] = ""
    until: date | Literal[""] = ""
    inside: bool = False

    def filters(self, site: Site) -> Filters:
        """The same for the query, days as moments in the laboratory's zone."""
        return Filters(
            self.q.strip(), self.analyzer, self.state, _midnight(site, self.since), _midnight(site, self.until), self.inside
        )

    @property
    def address(self) -> dict[str, object]:
        """What of it an address must say."""
        told = {
            "q": self.q.strip(),
            "analyzer": self.analyzer,
            "state": self.state,
            "since": self.since,
            "until": self.until,
            "inside": self.inside and "true",
        }
        return {name: value for name, value in told.items() if value}


AskedOf = Annotated[Asked, Depends()]


@router.get("/tubes")
async def tubes_page(request: Request, site: SiteOf, user: Viewer, asked: AskedOf, before: int | None = None) -> Response:
    """The list; what names one tube exactly opens it at once."""
    text = asked.q.strip()
    if text and list(asked.address) == ["q"] and before is None:
        key = await site.read(lambda tx: tubes.exact(tx, text))
        if key is not None:
            return RedirectResponse(f"/tubes/{quote(key, safe='')}", 303)
    filters = asked.filters(site)
    found = await site.read(lambda tx: tubes.find(tx, filters, before))
    if found.page.rows:
        await note_view(request, "tubes", tubes=[row.key for row in found.page.rows])
    return page(
        request,
        "pages/tubes.html",
        found=found,
        asked=asked,
        before=before,
        analyzers=site.config.analyzers,
        look=tubes.LOOK,
        top=top_of(site),
    )


@router.get("/tubes.csv")
async def tubes_file(request: Request, site: SiteOf, user: Viewer, asked: AskedOf) -> Response:
    """Everything that is looked for, as a file."""
    filters = asked.filters(site)
    await note_view(request, "tubes", exported={name: str(value) for name, value in asked.address.items()})
    return download(
        site, "tubes", HEAD, lambda tx, before: tubes.find(tx, filters, before, EXPORTED).page, lambda row: _cells(site, row)
    )


def _cells(site: Site, row: Row) -> tuple[object, ...]:
    moments = (site.local(moment).isoformat(sep=" ", timespec="seconds")[:19] for moment in (row.created_at, row.updated_at))
    stat = "STAT" if row.stat else ""
    return (row.key, row.specimen, row.patient_id, row.patient, stat, row.results, row.held, row.state, *moments)


def _midnight(site: Site, day: date | Literal[""]) -> datetime | None:
    return datetime.combine(day, time(), site.config.site.timezone) if day else None
