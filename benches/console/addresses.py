"""Which addresses are asked: every page and fragment that the console has, with names out of the database in the places of its routes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, text

from lis_bridge.console.pages import ROUTERS

NOT_PAGES = ("/login", "/live", "/setup/{token}")
"""The door is asked on the way in; a stream has no end."""
SAMPLES = {
    "key": "SELECT key FROM tube ORDER BY id DESC LIMIT 1 OFFSET 300",
    "other": "SELECT key FROM tube ORDER BY id DESC LIMIT 1 OFFSET 301",
    "number": "SELECT 0",
    "id": "SELECT analyzer FROM journal ORDER BY id DESC LIMIT 1",
    "hold": "SELECT id FROM hold WHERE state = 'open' AND tube_id IS NOT NULL ORDER BY id DESC LIMIT 1",
    "entry": "SELECT id FROM journal WHERE state = 'quarantined' ORDER BY id DESC LIMIT 1",
    "delivery": "SELECT id FROM delivery WHERE state = 'dead' ORDER BY id DESC LIMIT 1",
    "REASON": "SELECT reason FROM journal WHERE state = 'quarantined' LIMIT 1",
    "QUARANTINED": "SELECT analyzer FROM journal WHERE state = 'quarantined' LIMIT 1",
}
"""What stands in the braces of routes and of ``ASKED``: an example of each from the database."""
ASKED: Mapping[str, tuple[str, ...]] = {
    "/tubes": (
        "",
        "?q=26031000",
        "?q=000123&inside=true",
        "?q=林",
        "?analyzer=line-1",
        "?state=held",
        "?state=waiting",
        "?state=measuring",
        "?state=delivered",
        "?state=dismissed",
    ),
    "/tubes/{key}/move": ("?to={other}",),
    "/quarantine/messages": ("?analyzer={QUARANTINED}&reason={REASON}",),
    "/quarantine/map": ("?analyzer=line-1&kind=code&code=NEW-1",),
    "/quarantine/map/tests": ("?analyzer=line-1&kind=code&code=NEW-1&q=钾",),
    "/deliveries": ("", "?state=dead", "?state=delivered", "?destination=elsewhere", "?destination=elsewhere&state=delivered"),
    "/audit": ("", "?actor=jiang", "?action=viewed"),
}
"""With which words a page is asked; without any where it stands not here."""
API = "/api/v1"
API_ASKED: Mapping[str, str] = {
    "/quarantine/candidates": "?analyzer=line-1&kind=code&code=NEW-1",
    "/quarantine/holds/{hold}/beside": "?to={other}",
    "/quarantine/messages": "?analyzer={QUARANTINED}&reason={REASON}",
    "/tests": "?q=钾",
}
NOT_FILLED = (
    "/tubes/{key}/pictures/{id}",
    "/captures/{name}",
    "/captures/{name}/wire",
    "/onboarding/{key}",
    "/onboarding/{key}/download",
)
"""Routes of what the fill has none of: pictures, recordings, drafts."""
WHOLE = (".csv", "/audit/verify", "/audit/verified")
"""Ends of what goes through a whole table on purpose: asked once, and not held to the time of a page."""
SAFE = "/?=&%~"
NEXT = re.compile(r'href="([^"]*[?&](?:amp;)?before=)(\d+)([^"]*)"')


def samples(tx: Connection) -> dict[str, str]:
    """An example of everything that a route names."""
    return {name: quote(str(tx.execute(text(query)).scalar()), safe="") for name, query in SAMPLES.items()}


def addresses(known: Mapping[str, str], described: Mapping[str, Any]) -> Iterator[str]:
    """Every GET address of the pages, and of the API as its document (``openapi.json``) has them."""
    for path in _paths([route for router in ROUTERS for route in router.routes]):
        if path not in NOT_PAGES + NOT_FILLED:
            for words in ASKED.get(path, ("",)):
                yield quote(_filled(path + words, known), safe=SAFE)
    for whole, methods in described["paths"].items():
        path = whole.removeprefix(API)
        if "get" in methods and path not in NOT_FILLED:
            yield quote(_filled(whole + API_ASKED.get(path, ""), known), safe=SAFE)


def is_whole(address: str) -> bool:
    """Whether it goes through a whole table."""
    return address.endswith(WHOLE)


def _paths(routes: Sequence[Any]) -> Iterator[str]:
    for route in routes:
        if "GET" in (getattr(route, "methods", None) or ()):
            yield str(route.path)
        yield from _paths(getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", ()))


def later_pages(page: str) -> Iterator[str]:
    """The list's next page, and the one in the middle of the table."""
    found: Any = NEXT.search(page)
    if found is not None:
        begins, before, ends = (part.replace("&amp;", "&") for part in found.groups())
        yield f"{begins}{before}{ends}"
        yield f"{begins}{int(before) // 2}{ends}"


def _filled(template: str, known: Mapping[str, str]) -> str:
    """What nobody knows keeps its braces, and is seen to fail."""
    return re.sub(r"{(\w+)}", lambda found: known.get(found[1], found[0]), template)
