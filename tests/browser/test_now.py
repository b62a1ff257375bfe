"""A technician before Now: it fills up by itself, and what repeats is done with keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from ..console.serving import Running
from ..console.test_now import OTHER, file, row
from .conftest import PHONE, WIDE, line, violations

Now = Callable[..., Awaitable[Page]]


async def test_now_fills_up_while_the_line_works_and_nobody_loads_it_again(now: Now, site: Running) -> None:
    page = await now()
    await expect(page.locator("#tubes")).to_contain_text("No tube yet")
    await page.evaluate("window.sameDocument = true")
    async with line(site, tubes=3) as work:
        await work()
    await expect(page.locator("#tubes .tube")).to_have_count(3)
    await expect(page.locator("#tile-line-1")).to_contain_text("Running")
    await expect(page.locator("#tubes .tube .is-ok").first).to_contain_text("Delivered")
    await expect(page.locator("#figures dd").first).to_have_text("3")
    assert await page.evaluate("window.sameDocument")


async def test_a_critical_value_rings_once_counts_in_the_title_and_is_called(now: Now, site: Running) -> None:
    page = await now()
    file(site, row("K", "6.82"))
    await site.console_told("work", "counts")
    await expect(page).to_have_title("(1) Now · lis-bridge")
    await expect(page.locator("html")).to_have_attribute("data-rang", "1")
    assert await violations(page) == []
    await page.keyboard.press("Enter")
    dialog = page.locator("#call")
    await expect(dialog).to_contain_text("K 6.82")
    assert await violations(page) == []
    await dialog.locator("[name=told]").fill("Dr Wu")
    await dialog.locator("[name=read_back]").check()
    await page.keyboard.press("Enter")
    await expect(page.locator("#work")).to_contain_text("Nothing to do now")
    await expect(dialog).to_be_hidden()
    await expect(page).to_have_title("Now · lis-bridge")


async def test_holds_are_chosen_and_released_with_keys(now: Now, site: Running) -> None:
    file(site, row("K", "4.1"), complete=False)
    file(site, row("K", "4.3"), specimen=OTHER, complete=False)
    page = await now()
    await expect(page.locator(".item.open")).to_have_id("hold-1")
    await page.keyboard.press("ArrowDown")
    await expect(page.locator(".item.open")).to_have_id("hold-2")
    await page.keyboard.press("r")
    await expect(page.locator(".item.open")).to_have_id("hold-1")
    await expect(page.locator(".item")).to_have_count(1)
    await page.keyboard.press("/")
    await page.keyboard.type("r")  # typing into the search decides nothing
    await expect(page.locator("#q")).to_have_value("r")
    await expect(page.locator(".item")).to_have_count(1)


async def test_the_chosen_item_stays_chosen_and_focused_while_the_list_changes(now: Now, site: Running) -> None:
    file(site, row("K", "4.1"), complete=False)
    file(site, row("K", "4.3"), specimen=OTHER, complete=False)
    page = await now()
    await page.keyboard.press("ArrowDown")
    file(site, row("K", "6.9", "2026-03-17T10:00:00+08:00"), specimen="20260317000099")
    await site.console_told("work")
    await expect(page.locator(".item")).to_have_count(3)
    await expect(page.locator(".item.open")).to_have_id("hold-2")
    await expect(page.locator("#hold-2")).to_be_focused()


async def test_a_page_whose_stream_is_gone_says_which_moment_it_shows(now: Now, site: Running) -> None:
    page = await now(watched=False)  # the browser complains, rightly
    await expect(page.locator("#stale")).to_be_hidden()
    await site.console.stop()
    await expect(page.locator("#stale")).to_be_visible(timeout=30_000)
    await expect(page.locator("#stale")).to_contain_text("The screen stopped at")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
async def test_now_is_for_everybody(size: tuple[int, int], dark: bool, now: Now, site: Running) -> None:
    file(site, row("K", "6.82"), row("NA", "140"))
    file(site, row("K", "4.3"), specimen=OTHER, complete=False)
    page = await now(size=size, dark=dark)
    assert await violations(page) == []
    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= size[0]


async def test_the_language_changes_every_word_and_no_data(now: Now, site: Running) -> None:
    file(site, row("K", "6.82"))
    page = await now()
    await page.click("button[name=to]")
    await expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    await expect(page.locator("#work h2")).to_have_text("现在要做")
    await expect(page.locator("#tubes")).to_contain_text("林远山")


async def test_h_leads_to_the_tube_s_own_hold_of_that_value(now: Now, site: Running) -> None:
    file(site, row("NA", "140"), row("K", "6.82"))
    page = await now()
    await page.keyboard.press("h")
    await expect(page.locator("#hold")).to_be_visible()
    await expect(page.locator("[data-hold-what]")).to_contain_text("K 6.82")
