"""An engineer brings a capture of an analyzer that nobody knows, says what its codes are, and saves a draft that the command line agrees with."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from ..console.serving import Running
from ..console.unknown import capture, checked_by_command
from ..console.unknown import workshop as making
from .conftest import PHONE, WIDE, Open, log_in, violations

ID = "tianhe-x5"


@pytest.fixture
async def workshop(tmp_path: Path) -> AsyncIterator[Running]:
    """A site with a folder for its own drivers, and an engineer."""
    async with making(tmp_path, lin="engineer") as running:
        yield running


@pytest.fixture
async def bench(workshop: Running, screen: Open) -> Callable[..., Awaitable[Page]]:
    """Opens the onboarding page, and brings the capture."""

    async def open_(**options: object) -> Page:
        page = await screen(f"{workshop.url}/login", **options)
        await log_in(page, "lin")
        await page.goto(f"{workshop.url}/onboarding")
        assert await violations(page) == []
        await page.locator("[name=driver]").first.fill(ID)
        await page.locator("[name=files]").set_input_files(
            {"name": "unknown.bin", "mimeType": "application/octet-stream", "buffer": capture()}
        )
        await page.get_by_role("button", name="Propose a driver").first.click()
        await expect(page.locator("#mapping")).to_be_visible()
        return page

    return open_


async def test_an_unknown_device_is_uploaded_mapped_checked_and_saved(
    bench: Callable[..., Awaitable[Page]], tmp_path: Path
) -> None:
    page = await bench()
    await expect(page.locator(".title")).to_contain_text("no driver claims these bytes")
    await expect(page.locator(".wire").first).to_contain_text("ENQ")
    row = page.locator('tr[data-code="XMN"]')
    await expect(row).to_contain_text("Unknown")
    await row.locator("[name=unit]").fill("%")
    await row.locator("[name=test]").fill("MID%")
    await page.keyboard.press("Enter")
    await expect(page.locator('tr[data-code="XMN"]')).to_contain_text("Decided")
    await page.locator('tr[data-code="WBC"]').get_by_role("button", name="Confirm").click()
    await expect(page.locator('tr[data-code="WBC"]')).to_contain_text("confirmed by lin")
    await page.locator('tr[data-code="PLT"]').get_by_role("button", name="Ignore").click()
    await expect(page.locator('tr[data-code="PLT"]')).to_contain_text("no result")
    await page.locator('tr[data-code="PLT"]').get_by_role("button", name="Undo").click()
    await expect(page.locator('tr[data-code="PLT"]')).to_contain_text("Guessed")
    await page.click("#b-anonymise")
    await expect(page.locator("#b-anonymise")).to_have_count(0)
    await page.click("#b-check")
    await expect(page.locator("#checked")).to_contain_text("findings")
    shown = await page.locator("#checked li").count()
    await page.click("#b-save")
    await expect(page.locator("#saved")).to_contain_text(str(tmp_path / "drivers" / ID))
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download").click()
    assert (await download.value).suggested_filename == f"{ID}-1.zip"
    told = checked_by_command(ID, tmp_path / "drivers")
    assert len(told["findings"]) == shown > 0
    assert {one["check"] for one in told["findings"]} == {
        await item.inner_text() for item in await page.locator("#checked li b").all()
    }
    await page.goto(re.sub(r"/onboarding/.*", "/onboarding", page.url))
    await expect(page.locator("table")).to_contain_text("saved")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
async def test_the_bench_can_be_used_by_everybody(
    bench: Callable[..., Awaitable[Page]], size: tuple[int, int], dark: bool
) -> None:
    page = await bench(size=size, dark=dark)
    await page.click("#b-check")
    await expect(page.locator("#checked")).to_contain_text("findings")
    await page.locator("details summary").first.click()
    assert await violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
