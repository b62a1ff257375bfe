"""The wire's bytes are shown in the charset in which the driver reads them, and no cut goes through a character."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from lis_bridge import journal
from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.plan import Plan
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.console.queries import provenance
from lis_bridge.core import resources
from lis_bridge.journal import Entry

from .serving import Running

NAME = "林远山"
AT = datetime(2026, 3, 17, 1, 45, tzinfo=UTC)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return Library.load(resources.drivers()).plan("mindray-bs", TestCatalogue.load(), zone=ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize("charset", ["utf-8", "gb18030"])
@pytest.mark.parametrize("shift", range(4))
def test_a_cut_before_the_span_goes_through_no_character(charset: str, shift: int, plan: Plan) -> None:
    before = ("x" * shift + NAME * 200).encode(charset)
    raw = before + b"|6.82|" + (NAME * 200).encode(charset)
    entry = journal.filed(1, Entry("line-1", "", AT, "mllp", True, raw))
    found = provenance._bytes(entry, (len(before) + 1, len(before) + 5), plan, whole=False)
    shown = "".join(piece.text for piece in found.pieces)
    assert set(shown) <= set(NAME + "x|6.82")
    assert "6.82" in [piece.text for piece in found.pieces if piece.marked]


@pytest.mark.parametrize("charset", ["utf-8", "gb18030"])
async def test_a_message_that_waits_is_shown_in_its_charset(charset: str, running: Running) -> None:
    def work(tx):  # type: ignore[no-untyped-def]
        entry = journal.append(tx, Entry("line-1", "", AT, "mllp", True, f"noise {NAME}\r".encode(charset)))
        journal.quarantine(tx, entry, "no dialect")
        return entry

    entry = await running.service.writer.call_async(work)
    async with running.logged_in("zhou") as client:
        page = (await client.get(f"/quarantine/messages/{entry}")).text
    assert f"noise {NAME}" in page
