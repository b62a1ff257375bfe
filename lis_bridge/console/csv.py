"""Lists as CSV files (RFC 4180), sent while they are read: a page of rows at a time, however many there are.

UTF-8 with a byte order mark, without which spreadsheets take Chinese for something else. A cell that a spreadsheet would run as a formula
gets an apostrophe before it; numbers stay numbers.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import TypeVar

from sqlalchemy import Connection
from starlette.responses import StreamingResponse

from lis_bridge.console.queries.paging import Page
from lis_bridge.console.site import Site

T = TypeVar("T")

_FORMULA = re.compile(r"[=@\t\r]|[+-](?!\d[\d.,eE+-]*\Z)")


def download(
    site: Site,
    name: str,
    head: Sequence[str],
    ask: Callable[[Connection, int | None], Page[T]],
    cells: Callable[[T], Iterable[object]],
) -> StreamingResponse:
    """A file ``name``.csv of every page that ``ask`` gives (the page before an id), each in a snapshot of its own and written where it is read."""

    def part(tx: Connection, before: int | None) -> tuple[bytes, int | None]:
        found = ask(tx, before)
        return _lines(map(cells, found.rows)), found.before

    async def parts() -> AsyncIterator[bytes]:
        yield "\ufeff".encode() + _lines([head])
        more, before = True, None
        while more:
            lines, before = await site.read(lambda tx, before=before: part(tx, before))  # type: ignore[misc]
            yield lines
            more = before is not None

    stamp = f"{site.local():%Y%m%d-%H%M}"
    headers = {"content-disposition": f'attachment; filename="{name}-{stamp}.csv"'}
    return StreamingResponse(parts(), media_type="text/csv; charset=utf-8", headers=headers)


def _lines(rows: Iterable[Iterable[object]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue().encode()


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if _FORMULA.match(text) else text
