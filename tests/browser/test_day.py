"""The technician's day before the running demo: analyzers, bridge and LIS over real links, and one person at one screen."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from playwright.async_api import Locator, Page, expect

from lis_bridge.simulate.afternoon import Pace
from lis_bridge.simulate.demo import Demo
from lis_bridge.simulate.scenario import UNKNOWN_CODE

from .conftest import Open, at_work, log_in
from .guests import at_the_demo
from .test_quarantine import heard_by

PACE = Pace(tube=6.0, first_absence=20.0, away=6.0, absences=20.0)
PATIENCE = 60_000


async def watches_a_tube_fill_up(page: Page) -> None:
    """The number at the first tube grows by itself."""
    await page.evaluate("window.sameDocument = true")
    first = await page.locator("#tubes .tube").first.get_attribute("id")
    new = page.locator("#tubes .tube").first
    await expect(new).not_to_have_attribute("id", first or "", timeout=PATIENCE)
    filling = page.locator(f"#{await new.get_attribute('id')} .got b")
    before = int(await filling.inner_text())
    await expect(filling).not_to_have_text(str(before), timeout=PATIENCE)
    assert int(await filling.inner_text()) > before
    assert await page.evaluate("window.sameDocument")


async def finds_it_by_the_scanner(page: Page) -> None:
    """The scanner types the barcode, fast, and Enter: its page opens."""
    barcode = (await page.locator("#tubes .tube .id").first.inner_text()).split()[0]
    await page.keyboard.press("/")
    await page.keyboard.type(barcode)
    await page.keyboard.press("Enter")
    await expect(page.locator("#sheet")).to_have_attribute("data-key", barcode)
    await expect(page.locator("#results tr[data-number]").first).to_be_visible()
    await page.locator(".rail a").first.click()
    await at_work(page)


async def releases_a_hold(page: Page) -> None:
    """Results that came once more under another id: chosen with a click, released with R."""
    hold = page.locator(".item[id^=hold-]", has=page.locator("[data-key=r]")).first
    await expect(hold).to_be_visible(timeout=PATIENCE)
    chosen = await _choose(page, hold)
    await page.keyboard.press("r")
    await expect(page.locator(f"#{chosen}")).to_have_count(0)


async def registers_a_call(page: Page) -> None:
    """Who was told, and that it was read back; the number in the title falls."""
    await expect(page).to_have_title(re.compile(r"^\(\d+\) Now"), timeout=PATIENCE)
    chosen = await _choose(page, page.locator(".item.is-crit").first)
    await page.keyboard.press("Enter")
    dialog = page.locator("#call")
    await dialog.locator("[name=told]").fill("Dr Wu")
    await dialog.locator("[name=ward]").fill("Neurology")
    await dialog.locator("[name=read_back]").check()
    await page.keyboard.press("Enter")
    await expect(dialog).to_be_hidden()
    await expect(page.locator(f"#{chosen}")).to_have_count(0)


async def maps_an_unknown_code(page: Page, demo: Demo) -> None:
    """A code that nobody knows waits in the quarantine: found in the catalogue by its Chinese name, mapped in place, and the LIS hears of it."""
    await page.locator('nav a[href="/quarantine"]').click()
    waits = page.locator("#quarantine tr[data-row]", has_text=UNKNOWN_CODE).first
    await expect(waits).to_be_visible(timeout=PATIENCE)
    await waits.locator("[data-open]").click()
    form = page.locator("#map")
    await expect(form.locator(".wire mark").first).to_have_text(UNKNOWN_CODE)
    await form.locator("#cq").fill("轻链比值")
    first = form.locator(".cand").first
    await expect(first).to_contain_text("KAP/LAM")
    await first.locator("input").check()
    await form.locator("button.primary").click()
    await expect(page.locator("#mapped")).to_contain_text("means KAP/LAM")
    async with asyncio.timeout(PATIENCE / 1000):
        while ("KAP/LAM", "1.23") not in {told[1:] for told in heard_by(demo)}:
            await asyncio.sleep(0.05)
    await page.locator(".rail a").first.click()
    await at_work(page)


async def sees_the_lis_come_back(page: Page) -> None:
    """It goes away, what it is owed waits, and nobody has to do anything."""
    await expect(page.locator("#top")).to_contain_text("LIS away", timeout=PATIENCE)
    await expect(page.locator("#top")).to_contain_text("LIS connected", timeout=PATIENCE)
    await expect(page.locator("#top")).to_contain_text("nothing waiting", timeout=PATIENCE)


async def _choose(page: Page, item: Locator) -> str:
    id = str(await item.get_attribute("id"))
    await page.locator(f"#{id} .item-line").click()
    await expect(page.locator(".item.open")).to_have_id(id)
    return id


async def test_a_technician_s_day(screen: Open, tmp_path: Path) -> None:
    async def does(url: str, demo: Demo) -> None:
        page = await screen(f"{url}/login")
        await log_in(page, "jiang")
        await watches_a_tube_fill_up(page)
        await finds_it_by_the_scanner(page)
        await releases_a_hold(page)
        await registers_a_call(page)
        await maps_an_unknown_code(page, demo)
        await sees_the_lis_come_back(page)
        await page.close()

    await at_the_demo(tmp_path, 2, PACE, does)
