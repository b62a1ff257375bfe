"""Debian's chromium before a real service with a real console, and a simulated analyzer that speaks over TCP.

Every screen is watched: an error in its console, a breach of the content security policy or a request to elsewhere fails the test.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core import resources
from lis_bridge.simulate.analyzer import Analyzer
from lis_bridge.simulate.lis import Lis
from lis_bridge.simulate.scenario import Station, morning, station
from lis_bridge.transport import open_link

from ..console.serving import PASSWORD, Running, configured, peopled, serving

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
expect.set_options(timeout=20_000)  # as long as a page waits for anything else
WIDE, PHONE = (1366, 768), (390, 844)
VENDOR = Path(__file__).parent / "vendor"

Open = Callable[..., Awaitable[Page]]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    if shutil.which(CHROMIUM) is None:
        pytest.skip(f"no browser: {CHROMIUM} is not there (apt-get install chromium)")
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        await running.close()


@pytest.fixture
async def lis() -> AsyncIterator[Lis]:
    async with Lis() as listening:
        yield listening


@pytest.fixture
async def fresh(tmp_path: Path) -> AsyncIterator[Running]:
    """A site without any user."""
    async with serving(configured(tmp_path)) as running:
        yield running


@pytest.fixture
async def site(tmp_path: Path, lis: Lis) -> AsyncIterator[Running]:
    """A site whose LIS answers, with an engineer, a technician and a viewer."""
    config = peopled(configured(tmp_path))
    to_lis = config.destinations[0].model_copy(update={"link": f"mllp://{lis.address}"})
    async with serving(config.model_copy(update={"destinations": (to_lis,)})) as running:
        yield running


@pytest.fixture
async def screen(browser: Browser) -> AsyncIterator[Open]:
    """Opens a watched screen: ``await screen(url, size=WIDE, dark=False)``. Ask for the site first: it must end last."""
    said: list[str] = []
    hosts: set[str] = set()
    contexts = []

    async def open_(url: str, *, size: tuple[int, int] = WIDE, dark: bool = False, watched: bool = True) -> Page:
        width, height = size
        context = await browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", reduced_motion="reduce"
        )
        contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(20_000)
        if watched:
            page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
            page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
        hosts.add(urlsplit(url).netloc)
        await page.goto(url)
        return page

    yield open_
    for context in contexts:
        await context.close()
    assert said == []
    assert len(hosts) <= 1, hosts


@pytest.fixture
async def now(site: Running, screen: Open) -> Callable[..., Awaitable[Page]]:
    """Opens Now in a technician's hands."""

    async def open_(name: str = "jiang", **options: object) -> Page:
        page = await screen(f"{site.url}/login", **options)
        await log_in(page, name)
        return page

    return open_


async def log_in(page: Page, name: str, password: str = PASSWORD) -> None:
    """As a person does: type, Enter."""
    await page.fill("[name=name]", name)
    await page.fill("[name=password]", password)
    await page.keyboard.press("Enter")
    await at_work(page)


async def at_work(page: Page) -> None:
    """Now is there with its scripts: a key that is pressed before they ran is lost."""
    await page.wait_for_selector("#work")
    await page.wait_for_load_state("load")


@asynccontextmanager
async def line(running: Running, tubes: int, seed: int = 1) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """A simulated chemistry line beside the service; what it gives sends its morning's work."""
    link = open_link(running.service.config.analyzers[0].link.replace("tcp-listen", "tcp-connect"))
    one = _station()
    plan = morning([one], tubes, datetime.now(ZoneInfo("Asia/Shanghai")), seed)

    async def work() -> None:
        await Analyzer(link, one.composer, plan.samples[one.analyzer]).run()

    yield work
    await link.close()


def _station() -> Station:
    library, tests = Library.load(resources.drivers()), TestCatalogue.load()
    return station("line-1", library.driver("mindray-bs").manifest, tests)


async def violations(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.1 A and AA."""
    await page.evaluate((VENDOR / "axe.min.js").read_text(encoding="utf-8"))
    found = await page.evaluate(
        "async () => (await axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']})).violations"
        ".map(v => v.id + ': ' + v.nodes.map(n => n.target + ' ' + n.failureSummary).join(' | '))"
    )
    return list(found)
