"""Which addresses are asked: every page and fragment that the console has, with names out of the database in the places of its routes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, text

from lis_bridge.console.api import router as api
from lis_bridge.console.pages import ROUTERS

NOT_PAGES = ("/login", "/live", "/setup/{token}")
"""The door is asked on the way in; a stream has no end."""
SAMPLES = {
    "key": "SELECT key FROM tube ORDER BY id DESC LIMIT 1 OFFSET 300",
    "analyzer": "SELECT analyzer FROM journal ORDER BY id DESC LIMIT 1",
    "entry": "SELECT id FROM journal WHERE state = 'quarantined' ORDER BY id DESC LIMIT 1",
    "hold": "SELECT id FROM hold WHERE state = 'open' ORDER BY id DESC LIMIT 1",
    "delivery": "SELECT id FROM delivery WHERE state = 'dead' ORDER BY id DESC LIMIT 1",
    "critical": "SELECT id FROM critical WHERE state = 'open' ORDER BY id DESC LIMIT 1",
}
"""What stands in a route's braces; an example of each from the database."""
SEARCHES: Mapping[str, tuple[str, ...]] = {
    "/tubes": ("q={key}", "q=2603100000", "q=林", "analyzer=line-1", "state=held"),
}
"""Pages that are asked with these words, too."""
NEXT = re.compile(r'href="([^"]*[?&](?:amp;)?before=)(\d+)([^"]*)"')


def samples(tx: Connection) -> dict[str, str]:
    """An example of everything that a route names."""
    return {name: str(tx.execute(text(query)).scalar()) for name, query in SAMPLES.items()}


def addresses(known: Mapping[str, str]) -> Iterator[str]:
    """Every GET address; one whose braces nobody can fill keeps them."""
    for route in (route for router in (*ROUTERS, api) for route in router.routes):
        path = str(getattr(route, "path", ""))
        if "GET" in getattr(route, "methods", ()) and path not in NOT_PAGES:
            yield _filled(path, known)
            yield from (f"{_filled(path, known)}?{_filled(words, known)}" for words in SEARCHES.get(path, ()))


def later_pages(page: str) -> Iterator[str]:
    """The list's next page, and the one in the middle of the table."""
    found: Any = NEXT.search(page)
    if found is not None:
        begins, before, ends = (part.replace("&amp;", "&") for part in found.groups())
        yield f"{begins}{before}{ends}"
        yield f"{begins}{int(before) // 2}{ends}"


def _filled(template: str, known: Mapping[str, str]) -> str:
    return re.sub(r"{(\w+)(?::\w+)?}", lambda found: known.get(found[1], found[0]), template)
