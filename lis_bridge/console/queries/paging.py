"""Keyset paging: a page costs what it shows, whatever the table holds; no list counts its rows.

A query takes ``before`` (the last id of the page before, None for the first page) and a limit, newest first, and reads one row more than the
page shows, so that the page knows whether another follows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")

ROWS = 50
"""Rows of a page on the screen."""
EXPORTED = 1000
"""Rows that an export reads at a time."""


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Rows, newest first; ``before`` asks for the next page, None where this is the last one."""

    rows: Sequence[T]
    before: int | None = None


def page_of(found: Sequence[T], limit: int, id_of: Callable[[T], int]) -> Page[T]:
    """The page of what a query found with ``limit + 1``."""
    rows = found[:limit]
    return Page(rows, id_of(rows[-1]) if len(found) > limit else None)
