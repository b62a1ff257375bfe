"""The pictures of docs/console.md, taken of the running demo in both languages; ``make pictures`` writes them anew."""

from __future__ import annotations

import io
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Page, expect

from lis_bridge.console.words import LANGUAGES, TAGS, Language
from lis_bridge.simulate.afternoon import Pace
from lis_bridge.simulate.demo import Demo

from ..console.unknown import capture
from .conftest import WIDE, Open, log_in
from .guests import at_the_demo

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "console"
COLOURS = 128
LARGEST = 150_000
"""Bytes: a reader on a slow line sees the whole page."""
PACE = Pace(tube=4.0, first_absence=600.0)
PATIENCE = 60_000


async def _login(page: Page, url: str) -> None:
    await page.goto(f"{url}/login")
    await expect(page.locator("#waiting p")).to_be_visible()


async def _now(page: Page, url: str) -> None:
    await page.goto(url)
    await expect(page.locator(".item.is-crit").first).to_be_visible()


async def _analyzer(page: Page, url: str) -> None:
    await page.goto(f"{url}/analyzers/line-1")
    await expect(page.locator("main")).to_contain_text("生化免疫流水线")


async def _quarantine(page: Page, url: str) -> None:
    """A code that nobody knows, with what it may mean."""
    await page.goto(f"{url}/quarantine")
    await page.locator('a[href*="/quarantine/map?"]').first.click()
    await page.fill("#cq", "Mg")
    await expect(page.locator("#cands input").first).to_be_visible()


async def _deliveries(page: Page, url: str) -> None:
    await page.goto(f"{url}/deliveries")
    await expect(page.locator("#deliveries tbody tr").nth(8)).to_be_visible()


async def _audit(page: Page, url: str) -> None:
    await page.goto(f"{url}/audit")
    await expect(page.locator("tbody tr").nth(8)).to_be_visible()


async def _draft(page: Page, url: str) -> None:
    """Of an analyzer that nobody knows; brought once."""
    await page.goto(f"{url}/onboarding")
    drafts = page.locator("a[href^='/onboarding/']")
    if await drafts.count():
        await drafts.first.click()
    else:
        await page.locator("[name=driver]").first.fill("tianhe-x5")
        await page.locator("[name=files]").set_input_files(
            {"name": "unknown.bin", "mimeType": "application/octet-stream", "buffer": capture()}
        )
        await page.locator("form[action='/onboarding'] button").click()
    await expect(page.locator("#mapping tbody tr").first).to_be_visible()


async def _onboarding(page: Page, url: str) -> None:
    await page.goto(f"{url}/onboarding")
    await expect(page.locator("main")).to_be_visible()


async def _tube(page: Page, url: str) -> None:
    """The one with the critical value: its row is chosen, its bytes are shown."""
    await page.goto(url)
    await page.locator(".item.is-crit a[data-key=o]").first.click()
    await page.locator("#results tr.c td a").first.click()
    await expect(page.locator("#prov mark").first).to_be_visible()


INSIDE: dict[str, Callable[[Page, str], Awaitable[None]]] = {
    "now": _now,
    "tube": _tube,
    "quarantine": _quarantine,
    "deliveries": _deliveries,
    "audit": _audit,
    "analyzer": _analyzer,
    "draft": _draft,
    "onboarding": _onboarding,
}
"""How to come to what a picture shows, after the login."""
DARK = ("now",)
"""What is shown in the dark too."""
NAMES = [f"{name}.{language}.png" for name in ("login", *INSIDE, *(f"{name}-dark" for name in DARK)) for language in LANGUAGES]


async def test_every_picture_of_the_documents_can_be_taken(screen: Open, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    taken: dict[str, bytes] = {}

    async def does(url: str, demo: Demo) -> None:
        page = await screen(f"{url}/login")
        await log_in(page, "lin")
        for kind in ("is-crit", "is-quar", "is-warn"):
            await expect(page.locator(f".item.{kind}").first).to_be_visible(timeout=PATIENCE)
        for language in LANGUAGES:
            await _speak(page, url, language)
            for name, go in INSIDE.items():
                await go(page, url)
                taken[f"{name}.{language}.png"] = await _picture(page, language)
                if name in DARK:
                    taken[f"{name}-dark.{language}.png"] = await _in_the_dark(page, language)
        await page.click(".topbar .user form[action='/logout'] button")
        for language in LANGUAGES:
            await _speak(page, url, language)
            await _login(page, url)
            taken[f"login.{language}.png"] = await _picture(page, language)
        await page.close()

    await at_the_demo(tmp_path, 12, PACE, does)
    assert sorted(taken) == sorted(NAMES)
    assert {name: len(picture) for name, picture in taken.items() if len(picture) > LARGEST} == {}
    if pytestconfig.getoption("pictures"):
        FOLDER.mkdir(exist_ok=True)
        for name, picture in taken.items():
            (FOLDER / name).write_bytes(picture)


def test_every_picture_that_the_documents_name_is_there_and_no_other() -> None:
    named = re.findall(r"\(console/([\w.-]+\.png)\)", (DOCS / "console.md").read_text(encoding="utf-8"))
    assert sorted(named) == sorted(NAMES)
    assert sorted(file.name for file in FOLDER.iterdir()) == sorted(NAMES)
    for name in NAMES:
        with Image.open(FOLDER / name) as picture:
            assert picture.size == WIDE, name


async def _speak(page: Page, url: str, language: Language) -> None:
    if await page.locator("html").get_attribute("lang") != TAGS[language]:
        await page.click("button[name=to]")
    await expect(page.locator("html")).to_have_attribute("lang", TAGS[language])


async def _in_the_dark(page: Page, language: Language) -> bytes:
    await page.emulate_media(color_scheme="dark")
    taken = await _picture(page, language)
    await page.emulate_media(color_scheme="light")
    return taken


async def _picture(page: Page, language: Language) -> bytes:
    """The screen as a PNG of few colours, none of them far from its own; nothing on it may be cut off."""
    assert await page.evaluate("document.documentElement.scrollWidth") <= WIDE[0]
    shot = Image.open(io.BytesIO(await page.screenshot(animations="disabled")))
    small = io.BytesIO()
    shot.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE).save(
        small, "PNG", optimize=True
    )
    return small.getvalue()
