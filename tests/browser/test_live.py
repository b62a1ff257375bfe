"""A list that renews itself under somebody's hands: nothing that changed is missed, and no decision is lost by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from playwright.async_api import Page, Request, Route, expect

from lis_bridge.console import live
from lis_bridge.pipeline.deciding import Decisions

from ..console.serving import Running
from ..console.test_now import OTHER, file, row

Now = Callable[..., Awaitable[Page]]
LISTENS = """() => {
    window.heard = new Promise((is) => document.addEventListener("htmx:sseMessage", (e) => { if (e.target.id === "work") is(); }));
}"""

RELEASES = """() => {
    const press = () => document.dispatchEvent(new KeyboardEvent("keydown", { key: "r", bubbles: true }));
    new MutationObserver((_, self) => { self.disconnect(); press(); }).observe(document.querySelector("main"), { childList: true });
}"""
"""Somebody presses R in the very moment in which the list is drawn anew."""


@pytest.fixture(autouse=True)
def nothing_is_renewed_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "RENEW_SECONDS", 1e9)


@asynccontextmanager
async def slow(page: Page, path: str) -> AsyncIterator[asyncio.Event]:
    """The first answer from this path is on its way until the block ends; the event says that the service gave it."""
    given, arrives = asyncio.Event(), asyncio.Event()

    async def holds(route: Route, request: Request) -> None:
        if given.is_set():
            await route.continue_()
            return
        answer = await route.fetch()
        given.set()
        await arrives.wait()
        await route.fulfill(response=answer)

    await page.route(path, holds)
    try:
        yield given
    finally:
        arrives.set()


async def told(page: Page, site: Running) -> None:
    """The page has heard that the work list changed."""
    await page.evaluate(LISTENS)
    await site.console_told("work")
    async with asyncio.timeout(20):
        await page.evaluate("window.heard")


async def test_what_changes_while_the_list_is_fetched_is_shown_too(now: Now, site: Running) -> None:
    page = await now()
    async with slow(page, "**/now/work") as given:
        file(site, row("K", "4.1"), complete=False)
        await told(page, site)
        await asyncio.wait_for(given.wait(), 20)
        file(site, row("K", "4.3"), specimen=OTHER, complete=False)
        await told(page, site)
    await expect(page.locator(".item")).to_have_count(2)


async def test_what_changed_while_the_page_was_on_its_way_is_shown_too(now: Now, site: Running) -> None:
    page = await now()
    async with slow(page, f"{site.url}/") as given:
        coming = asyncio.create_task(page.goto(f"{site.url}/"))
        await asyncio.wait_for(given.wait(), 20)
        file(site, row("K", "4.1"), complete=False)
        await site.console_told("work")
    await coming
    await expect(page.locator(".item")).to_have_id("hold-1")


async def test_a_decision_is_shown_though_the_list_changes_meanwhile(now: Now, site: Running) -> None:
    file(site, row("K", "4.1"), complete=False)
    page = await now()
    async with slow(page, "**/holds/1/release") as given:
        await page.keyboard.press("r")
        await asyncio.wait_for(given.wait(), 20)
        file(site, row("K", "4.3"), specimen=OTHER, complete=False)
        await told(page, site)
    await expect(page.locator(".item.open")).to_have_id("hold-2")
    await expect(page.locator(".item")).to_have_count(1)


async def test_a_list_that_was_read_before_a_decision_does_not_take_its_answer_s_place(now: Now, site: Running) -> None:
    file(site, row("K", "4.1"), complete=False)
    page = await now()
    async with slow(page, "**/now/work") as given:
        await told(page, site)
        await asyncio.wait_for(given.wait(), 20)
        await page.keyboard.press("r")
        await expect(page.locator("#work")).to_contain_text("Nothing to do now")
    await expect(page.locator("#work")).to_contain_text("Nothing to do now")
    file(site, row("K", "4.3"), specimen=OTHER, complete=False)
    await told(page, site)
    await expect(page.locator(".item")).to_have_id("hold-2")


async def test_the_call_s_form_closes_though_the_list_changes_meanwhile(now: Now, site: Running) -> None:
    file(site, row("K", "6.82"))
    page = await now()
    await page.keyboard.press("Enter")
    dialog = page.locator("#call")
    await dialog.locator("[name=told]").fill("Dr Wu")
    await dialog.locator("[name=read_back]").check()
    async with slow(page, "**/criticals/1/call") as given:
        await page.keyboard.press("Enter")
        await asyncio.wait_for(given.wait(), 20)
        file(site, row("K", "4.3"), specimen=OTHER, complete=False)
        await told(page, site)
    await expect(dialog).to_be_hidden()
    await expect(page.locator(".item")).to_have_id("hold-1")


async def test_a_form_that_was_opened_meanwhile_stays_open(now: Now, site: Running) -> None:
    file(site, row("K", "6.82"))
    file(site, row("K", "4.3"), specimen=OTHER, complete=False)
    page = await now()
    await page.keyboard.press("ArrowDown")
    async with slow(page, "**/holds/1/release") as given:
        await page.keyboard.press("r")
        await asyncio.wait_for(given.wait(), 20)
        await page.keyboard.press("ArrowUp")
        await page.keyboard.press("Enter")
        await expect(page.locator("#call")).to_be_visible()
    await expect(page.locator("#hold-1")).to_have_count(0)
    await expect(page.locator("#call")).to_be_visible()


async def test_a_button_that_is_pressed_stays_until_it_is_let_go(now: Now, site: Running) -> None:
    file(site, row("K", "4.1"), complete=False)
    page = await now()
    await page.locator("#hold-1 [data-key=r]").hover()
    await page.mouse.down()
    file(site, row("K", "4.3"), specimen=OTHER, complete=False)
    await told(page, site)
    await page.mouse.up()
    await expect(page.locator("#hold-1")).to_have_count(0)
    await expect(page.locator(".item")).to_have_id("hold-2")


async def test_where_somebody_else_decided_about_the_chosen_item_no_key_hits_its_neighbour(now: Now, site: Running) -> None:
    file(site, row("K", "4.1"), complete=False)
    file(site, row("K", "4.3"), specimen=OTHER, complete=False)
    page = await now()
    await page.keyboard.press("ArrowDown")
    await expect(page.locator(".item.open")).to_have_id("hold-2")
    await site.service.writer.call_async(lambda tx: Decisions(tx, (), "Wu", datetime.now(UTC)).release(2))
    await told(page, site)
    await expect(page.locator("#hold-2")).to_have_count(0)
    await expect(page.locator(".item.open")).to_have_count(0)
    await page.keyboard.press("r")
    await page.keyboard.press("ArrowDown")
    await expect(page.locator(".item.open")).to_have_id("hold-1")
    await page.keyboard.press("r")
    await expect(page.locator("#work")).to_contain_text("Nothing to do now")


async def test_a_button_is_live_as_soon_as_it_is_drawn_anew(now: Now, site: Running) -> None:
    file(site, row("K", "4.1"), complete=False)
    file(site, row("K", "4.3"), specimen=OTHER, complete=False)
    page = await now()
    await page.keyboard.press("ArrowDown")
    await page.evaluate(RELEASES)
    await told(page, site)
    await expect(page.locator("#hold-2")).to_have_count(0)
    await expect(page.locator(".item.open")).to_have_id("hold-1")
