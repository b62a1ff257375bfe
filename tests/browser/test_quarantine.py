"""A technician before the quarantine: a code that nobody knew is mapped in place, and the LIS gets what waited for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import hl7
import pytest
from playwright.async_api import Page, expect

from lis_bridge.simulate.demo import Demo
from lis_bridge.simulate.lis import Lis
from lis_bridge.transport import open_link

from ..console.serving import Running
from ..console.test_now import OTHER, file, row
from ..console.wire import heard, oru
from .conftest import PHONE, WIDE, violations

Now = Callable[..., Awaitable[Page]]


async def say(site: Running, raw: bytes) -> None:
    """Speak to the service as the analyzer does: over TCP, until it has acknowledged."""
    link = open_link(site.service.config.analyzers[0].link.replace("tcp-listen", "tcp-connect"))
    async for channel in link.connections():
        await channel.write(raw)
        assert b"MSA|AA" in await channel.read()
        channel.close()
        break
    await link.close()


async def test_an_unknown_code_is_mapped_and_the_lis_gets_what_waited(now: Now, site: Running, lis: Lis) -> None:
    page = await now()
    await page.click('nav a[href="/quarantine"]')
    await expect(page.locator("#quarantine")).to_contain_text("Nothing waits here")
    for number in (1, 2):
        await say(site, oru(f"2026031700000{number}", ("NEW-1", f"0.9{number}", "mg/L"), name=f"患者{number}"))
    await expect(page.locator("#quarantine")).to_contain_text("2 messages")  # by itself
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    form = page.locator("#map")
    await expect(form.locator(".wire mark").first).to_have_text("NEW-1")
    await form.locator("#cq").fill("胱抑素")
    first = form.locator(".cand").first
    await expect(first).to_contain_text("CysC")
    assert await violations(page) == []
    await first.locator("input").check()
    await expect(form.locator("#foreseen")).to_contain_text("As CysC; nothing is saved yet")
    await expect(form.locator("#foreseen")).to_contain_text("2 results would go out of 2 tubes")
    await expect(form.locator("#foreseen")).to_contain_text("CysC 0.91 mg/L")
    assert await violations(page) == []
    await form.locator("button.primary").click()
    await expect(page.locator("#mapped")).to_contain_text("NEW-1 of line-1 means CysC. 2 messages are processed again.")
    async with asyncio.timeout(30):
        while len(told := heard_by(lis)) < 2:
            await asyncio.sleep(0.05)
    assert sorted(told) == [("20260317000001", "CysC", "0.91"), ("20260317000002", "CysC", "0.92")]
    await expect(page.locator("#quarantine .qt")).to_have_count(0)
    assert page.url.endswith("/quarantine")


async def test_an_engineer_ignores_a_code_once_asked_and_the_lis_hears_nothing_of_it(now: Now, site: Running, lis: Lis) -> None:
    await say(site, oru("20260317000001", ("ALT", "42.1", "U/L"), ("NEW-1", "0.91", "mg/L")))
    page = await now("lin")
    await page.goto(f"{site.url}/quarantine/map?analyzer=line-1&kind=code&code=NEW-1")
    page.once("dialog", lambda dialog: dialog.accept())
    await page.get_by_role("button", name="Ignore this code").click()
    await expect(page.locator("#mapped")).to_contain_text("NEW-1 of line-1 is ignored")
    await expect(page.locator("#quarantine")).to_contain_text("Nothing waits here")
    await page.goto(f"{site.url}/settings")
    await expect(page.locator("#mappings")).to_contain_text("ignored: not reported")
    assert await violations(page) == []
    assert [one[1:] for one in heard_by(lis)] == [("ALT", "42.1")]


def heard_by(lis: Lis | Demo) -> list[tuple[str, str, str]]:
    """Specimen, test and value of every result that the LIS took."""
    found = []
    for one in lis.received:
        message = hl7.parse(one.text.replace("\n", "\r"))
        specimen = str(message.segment("OBR")[3])
        found += [(specimen, str(obx[3]).split("^")[0], str(obx[5])) for obx in message.segments("OBX")]
    return found


async def test_rows_are_chosen_opened_and_released_with_keys(now: Now, site: Running) -> None:
    file(site, row("K", "4.1"), complete=False)
    file(site, row("K", "4.3"), specimen=OTHER, name="江月", complete=False)
    page = await now()
    await page.goto(f"{site.url}/quarantine")
    await page.keyboard.press("ArrowDown")
    await expect(page.locator("#row-hold-2")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(page.locator("#row-hold-1")).to_be_focused()
    await page.keyboard.press("r")
    await expect(page.locator("#row-hold-1")).to_have_count(0)
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_contain_text("Transmission cut off")
    await page.keyboard.press("Escape")
    await expect(page.locator("#row-hold-2")).to_be_visible()


async def test_held_results_go_to_another_specimen_once_both_patients_were_seen(now: Now, site: Running) -> None:
    file(site, row("NA", "140"), specimen=OTHER, name="江月")
    file(site, row("K", "4.1"), complete=False)
    page = await now()
    await page.goto(f"{site.url}/quarantine/holds/1")
    await page.fill("input[name=to]", OTHER)
    await page.keyboard.press("Enter")
    await expect(page.locator(".pair")).to_contain_text("林远山")
    await expect(page.locator(".pair")).to_contain_text("江月")
    assert await violations(page) == []
    await page.fill("[name=again]", OTHER)
    await page.keyboard.press("Enter")
    await expect(page.locator("#quarantine")).to_contain_text("Nothing waits here")


PAGES = (
    "/quarantine", "/quarantine/map?analyzer=line-1&kind=code&code=NEW-1", "/quarantine/holds/1", "/quarantine/messages/3",
    "/deliveries", "/deliveries/1", "/audit", "/users", "/settings",
)  # fmt: skip


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
async def test_the_lists_are_for_everybody(size: tuple[int, int], dark: bool, now: Now, site: Running) -> None:
    file(site, row("K", "4.1"), complete=False)
    await heard(site, oru("20260317000044", ("NEW-1", "0.92", "mg/L"), ("ALT", "40", "U/L")))
    await heard(site, b"\x0bnothing\r\x1c\r")
    page = await now("lin", size=size, dark=dark)
    for path in PAGES:
        answer = await page.goto(site.url + path)
        assert answer is not None
        assert answer.status == 200, path
        if path == "/settings":
            await expect(page.locator("#health")).to_contain_text("GiB free")
            await page.fill("#tq", "potassium")
            await expect(page.locator("#tests")).to_contain_text("2823-3")
        assert await violations(page) == [], path
        assert await page.evaluate("document.documentElement.scrollWidth") <= size[0], path


async def test_the_audit_log_is_checked_while_somebody_watches(now: Now, site: Running) -> None:
    page = await now()
    await page.goto(f"{site.url}/audit")
    await page.locator("#verification button").click()
    await expect(page.locator("#verification")).to_contain_text("Whole")


async def test_a_refused_decision_is_said_where_the_person_looks(now: Now, site: Running) -> None:
    page = await now("lin", watched=False)  # the browser tells of the refusal, too
    await page.goto(f"{site.url}/users")
    await page.locator("tr", has_text="lin").locator("button.danger").click()
    await expect(page.locator("#said")).to_contain_text("make another engineer first")
