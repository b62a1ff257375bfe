"""A person at the door: the first start, the login, the language."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from ..console.serving import PASSWORD, Running
from ..console.test_now import file, row
from .conftest import PHONE, WIDE, Open, log_in, violations


async def test_the_first_engineer_comes_by_the_link_and_is_in(fresh: Running, screen: Open) -> None:
    page = await screen(fresh.console.site.setup.file.read_text().strip())
    assert await violations(page) == []
    await page.fill("[name=name]", "lin")
    await page.fill("[name=shown_as]", "林若岚")
    await page.fill("[name=password]", PASSWORD)
    await page.fill("[name=again]", PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.locator(".topbar")).to_contain_text("林若岚")
    await page.click("[aria-label=退出]")
    await log_in(page, "lin")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
async def test_the_door_is_for_everybody(size: tuple[int, int], dark: bool, site: Running, screen: Open) -> None:
    page = await screen(f"{site.url}/login", size=size, dark=dark)
    assert await violations(page) == []


async def test_the_login_speaks_both_languages_and_remembers(site: Running, screen: Open) -> None:
    page = await screen(f"{site.url}/login")
    await expect(page.locator("h2")).to_have_text("登录")
    await page.click("button[name=to]")
    await expect(page.locator("h2")).to_have_text("Log in")
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("lang", "en")


async def test_light_and_dark_are_remembered_on_this_machine(site: Running, screen: Open) -> None:
    page = await screen(f"{site.url}/login")
    await page.click("[data-theme-toggle]")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")


async def test_the_locked_door_rings_for_a_critical_value_and_names_nobody(site: Running, screen: Open) -> None:
    page = await screen(f"{site.url}/login")
    await expect(page.locator("#waiting")).to_have_attribute("data-criticals", "0")
    await page.click("h1")  # a browser makes no sound before somebody touched the page
    file(site, row("K", "6.82"))
    await expect(page.locator("#waiting")).to_contain_text("有 1 条危急值待报告", timeout=15_000)
    await expect(page).to_have_title("(1) 登录 · lis-bridge")
    await expect(page.locator("html")).to_have_attribute("data-rang", "1")
    assert await violations(page) == []
    for told in ("K", "6.82", "林远山", "20260317000012", "line-1", "生化"):
        assert told not in await page.locator("#waiting").inner_html()
