"""A technician before a tube: found by a scanner, read with the keyboard, judged, corrected, printed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from lis_bridge import settings
from lis_bridge.core import resources
from lis_bridge.simulate.bridge import free_port

from ..console.serving import Running, serving
from ..console.test_now import OTHER, TUBE, file, row
from .conftest import PHONE, WIDE, Open, line, log_in, violations

Now = Callable[..., Awaitable[Page]]


async def scanned(page: Page, barcode: str) -> None:
    """A scanner types and ends with Enter, wherever the focus was."""
    await page.keyboard.press("/")
    await page.keyboard.type(barcode)
    async with page.expect_navigation(wait_until="load"):  # before, keys reach nobody
        await page.keyboard.press("Enter")
    await page.wait_for_selector("#sheet")


async def test_a_scanned_tube_is_open_and_a_number_shows_its_bytes_with_keys_alone(now: Now, site: Running) -> None:
    page = await now()
    async with line(site, tubes=1) as work:
        await work()
    tube = page.locator("#tubes .tube")
    barcode = (await tube.locator(".id").inner_text()).split()[0]
    await scanned(page, barcode)
    await expect(page.locator(".code")).to_contain_text(barcode)
    await expect(page.locator("#results [aria-label=Delivered]").first).to_be_attached()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    chosen = page.locator("tr[aria-selected=true]")
    await expect(chosen).to_have_count(1)
    value = await chosen.locator(".v").inner_text()
    await page.keyboard.press("Enter")
    await expect(page.locator("#prov .wire mark").first).to_contain_text(value)
    await expect(page.locator("#prov")).to_contain_text("The LIS took it")
    await page.click("#prov button:has-text('Whole message')")
    await expect(page.locator("#prov .wire").first).to_contain_text("MSH|")


async def test_only_what_is_abnormal_is_shown_and_stays_so_while_the_tube_fills_up(now: Now, site: Running) -> None:
    file(site, row("K", "6.82"), row("NA", "140"))
    page = await now()
    await scanned(page, TUBE)
    await page.keyboard.press("a")
    await expect(page.locator("#results tr[data-number]:visible")).to_have_count(1)
    await page.click("#results tr.c .name")
    await expect(page.locator("#prov")).to_contain_text("above the critical limit")
    file(site, row("CL", "140", low="99", high="110"), row("MG", "0.9"))
    await site.console_told("tubes")
    await expect(page.locator("#results tr[data-number]")).to_have_count(4)
    await expect(page.locator("#results tr[data-number]:visible")).to_have_count(2)
    await expect(page.locator("tr[aria-selected=true]")).to_contain_text("K")


async def test_a_hold_is_released_with_its_key_and_results_are_held_with_theirs(now: Now, site: Running) -> None:
    file(site, row("K", "4.1"), row("NA", "140"), complete=False)
    page = await now()
    await scanned(page, TUBE)
    await expect(page.locator(".held")).to_contain_text("Transmission cut off")
    await page.keyboard.press("r")
    await expect(page.locator(".held")).to_have_count(0)
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("h")
    dialog = page.locator("#hold")
    await expect(dialog).to_contain_text("K 4.1")
    assert await violations(page) == []
    await dialog.locator("[data-hold-scope]").select_option("tube")
    await dialog.locator("[name=why]").fill("haemolysed")
    await page.keyboard.press("Enter")
    await expect(dialog).to_be_hidden()
    await expect(page.locator(".held")).to_contain_text("haemolysed")
    await expect(page.locator(".held")).to_contain_text("2 results")


async def test_a_wrong_specimen_is_corrected_with_two_confirmations(now: Now, site: Running) -> None:
    file(site, row("K", "4.1"), name="林远山")
    file(site, row("CL", "101"), specimen=OTHER, name="周一鸣")
    page = await now()
    await scanned(page, TUBE)
    await page.click("[data-move]")
    await page.fill("#move [name=to]", OTHER)
    await page.keyboard.press("Enter")
    await expect(page.locator(".two")).to_contain_text("林远山")
    await expect(page.locator(".two")).to_contain_text("周一鸣")
    assert await violations(page) == []
    await page.check(".confirm [type=checkbox]")
    await page.fill("[name=again]", OTHER)
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#sheet")
    await expect(page.locator(".code")).to_contain_text(OTHER)
    await expect(page.locator("#results tr[data-number]")).to_have_count(2)


async def test_a_critical_value_is_called_from_the_tube(now: Now, site: Running) -> None:
    file(site, row("K", "6.82"))
    page = await now()
    await scanned(page, TUBE)
    await page.click("[data-call]")
    await page.fill("#call [name=told]", "Dr Wu")
    await page.check("#call [name=read_back]")
    await page.keyboard.press("Enter")
    await expect(page.locator("#call")).to_be_hidden()
    await expect(page.locator("[data-call]")).to_have_count(0)


async def test_on_paper_there_are_results_and_nothing_to_press(now: Now, site: Running) -> None:
    file(site, row("K", "6.82"), row("NA", "140"))
    page = await now()
    await scanned(page, TUBE)
    await page.emulate_media(media="print")
    for gone in (".topbar", ".rail", "#prov", ".toolbar", ".sample .end"):
        await expect(page.locator(gone)).to_be_hidden()
    await expect(page.locator("#results")).to_contain_text("6.82")
    await expect(page.locator(".print-only")).to_contain_text("working copy, not a report")


async def test_what_was_typed_is_found_by_its_beginning(now: Now, site: Running) -> None:
    file(site, row("K", "4.1"), name="林远山")
    file(site, row("CL", "101"), specimen=OTHER, name="周一鸣")
    page = await now()
    await page.fill("#q", "周")
    await page.keyboard.press("Enter")
    await expect(page.locator(".lt tbody tr")).to_have_count(1)
    await page.click(".lt tbody a")
    await expect(page.locator(".code")).to_contain_text(OTHER)


async def test_curves_are_drawn_without_breaking_the_policy(tmp_path: Path, screen: Open, browser: Browser) -> None:
    port = free_port()
    file_ = tmp_path / "bridge.toml"
    file_.write_text(
        '[site]\nid = "xinhe"\n[storage]\nurl = "sqlite:///bridge.db"\n[specimen]\ndate_window_hours = 0\n'
        f'[[analyzer]]\nid = "flow-1"\ndriver = "zonci-zl"\nlink = "tcp-listen://127.0.0.1:{port}"\n'
        f'[console]\nlisten = "127.0.0.1:{free_port()}"\n',
        encoding="utf-8",
    )
    async with serving(settings.load(file_)) as running:
        await running.add("lin", "engineer")
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write((resources.drivers()[0] / "zonci-zl" / "captures" / "zonci-zl--01.txt").read_bytes())
        await writer.drain()
        page = await screen(f"{running.url}/login")
        await log_in(page, "lin")
        await page.click("#tubes .tube >> nth=0")
        await expect(page.locator(".draw canvas").first).to_be_visible()
        assert await violations(page) == []
        writer.close()
        await page.goto("about:blank")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
async def test_tubes_are_for_everybody(size: tuple[int, int], dark: bool, now: Now, site: Running) -> None:
    file(site, row("K", "5.1"), specimen=OTHER)
    file(site, row("K", "6.82"), row("NA", "120", low="137", high="147"), row("ALT", "20", low="9", high="50"))
    file(site, row("MG", "0.9"), complete=False)
    page = await now(size=size, dark=dark)
    await page.goto(f"{site.url}/tubes/{TUBE}")
    await page.click("#results tr.c .v a")
    await page.wait_for_selector("#prov .chain")
    assert await violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
    await page.goto(f"{site.url}/tubes")
    assert await violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
