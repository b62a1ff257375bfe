"""Pages and files of lists."""

from __future__ import annotations

import csv
import io

import pytest

from lis_bridge.console.csv import download
from lis_bridge.console.queries.paging import Page, page_of

from .serving import Running


def test_a_page_knows_whether_another_follows() -> None:
    assert page_of([9, 8, 7], 2, int) == Page([9, 8], 8)
    assert page_of([9, 8], 2, int) == Page([9, 8], None)
    assert page_of([], 2, int) == Page([], None)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("-1.5", "-1.5"),
        ("+2", "+2"),
        ("=1+1", "'=1+1"),
        ("-2+cmd|' /C calc'!A0", "'-2+cmd|' /C calc'!A0"),
        ("@SUM(1)", "'@SUM(1)"),
        ('a "b", c', 'a "b", c'),
        (None, ""),
        ("林远山", "林远山"),
    ],
)
async def test_a_file_holds_every_page_and_no_formula(value: object, cell: str, running: Running) -> None:
    pages = {None: Page([3, 2], 2), 2: Page([1], None)}
    sent = download(running.console.site, "list", ("id", "text"), lambda tx, before: pages[before], lambda row: (row, value))
    text = b"".join([part async for part in sent.body_iterator]).decode("utf-8-sig")  # type: ignore[misc]
    assert list(csv.reader(io.StringIO(text))) == [["id", "text"], ["3", cell], ["2", cell], ["1", cell]]
