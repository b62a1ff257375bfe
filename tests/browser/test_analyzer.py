"""An engineer before an analyzer's page: the line as it speaks, the switches of its link, a recording."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from ..console.serving import Running
from .conftest import PHONE, WIDE, line, violations

Now = Callable[..., Awaitable[Page]]


async def test_the_line_fills_up_while_the_analyzer_speaks_and_can_be_paused(now: Now, site: Running) -> None:
    page = await now("lin")
    await page.click("#tile-line-1")
    await expect(page.locator("h1")).to_have_text("生化 1 号")
    await expect(page.locator("#line")).to_contain_text("Nothing was said since the service started")
    await page.evaluate("window.sameDocument = true")
    async with line(site, tubes=2) as work:
        await work()
        await expect(page.locator("#line .in").first).to_contain_text("VTMSH|")
        await expect(page.locator("#line .out").first).to_contain_text("MSA|AA")
        await expect(page.locator("#device-state")).to_contain_text("Running")
        await expect(page.locator("#device-side dd").first).not_to_have_text("0")
        await page.keyboard.press("p")
        await expect(page.locator("[data-pause]")).to_have_attribute("aria-pressed", "true")
        before = await page.locator("#line li").count()
    async with line(site, tubes=1, seed=2) as work:
        await work()
        await expect(page.locator("#device-side")).to_contain_text("Messages")
        assert await page.locator("#line li").count() == before
        await page.keyboard.press("p")
        await expect(page.locator("#line li").nth(before)).to_be_visible()
    await page.keyboard.press("x")
    await expect(page.locator("#line .as-hex").last).to_be_visible()
    await expect(page.locator("#line .as-text").last).to_be_hidden()
    assert await page.evaluate("window.sameDocument")


async def test_an_engineer_stops_starts_tests_and_records_a_link(now: Now, site: Running) -> None:
    page = await now("lin")
    await page.goto(f"{site.url}/analyzers/line-1")
    await page.click("#b-test")
    await expect(page.locator("#tested")).to_contain_text("nobody is connected now")
    await page.click("#b-record")
    await expect(page.locator("#recordings")).to_contain_text("being made")
    async with line(site, tubes=1) as work:
        await work()
    await page.click("#b-record")
    await expect(page.locator("#recordings")).not_to_contain_text("being made")
    async with page.expect_download() as download:
        await page.click("#recordings a[download]")
    assert (await download.value).suggested_filename.startswith("line-1--")
    page.once("dialog", lambda dialog: dialog.accept())
    await page.click("#recordings .danger")
    await expect(page.locator("#recordings")).to_contain_text("None yet")

    await page.click("#b-switch")
    await expect(page.locator("#stop")).to_be_visible()
    assert await violations(page) == []
    await page.keyboard.press("Escape")
    await expect(page.locator("#device-state")).not_to_contain_text("Stopped")
    await page.click("#b-switch")
    await page.locator("#stop button[type=submit]").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#stop")).to_be_hidden()
    await expect(page.locator("#device-state")).to_contain_text("Stopped")
    await expect(page.locator("#device-state")).to_contain_text("by lin at")
    await page.click("#b-switch")
    await expect(page.locator("#device-state")).not_to_contain_text("Stopped")
    await page.click("#b-reconnect")
    await expect(page.locator("#b-switch")).to_have_text("Stop…")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
async def test_the_pages_can_be_used_by_everybody(now: Now, site: Running, size: tuple[int, int], dark: bool) -> None:
    async with line(site, tubes=2) as work:
        await work()
    page = await now("lin", size=size, dark=dark)
    for path in ("/analyzers", "/analyzers/line-1"):
        await page.goto(f"{site.url}{path}")
        await expect(page.locator("h1").first).to_be_visible()
        assert await violations(page) == [], path
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
