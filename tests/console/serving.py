"""A real service with a real console on a port of its own, and browsers that are not one: httpx with a cookie jar."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2 as httpx
from sqlalchemy import Connection

from lis_bridge import settings
from lis_bridge.console.accounts import users
from lis_bridge.console.accounts.users import Note
from lis_bridge.console.server import Console
from lis_bridge.runtime.service import Service
from lis_bridge.simulate.bridge import free_port
from lis_bridge.storage import Store

PASSWORD = "a long enough password"
PEOPLE = (("lin", "engineer"), ("jiang", "technician"), ("zhou", "viewer"))


def configured(folder: Path, **console: object) -> settings.Config:
    """A site with one analyzer, a LIS that nobody plays, and a console."""
    keys = "".join(f"{name} = {value}\n" for name, value in console.items())
    file = folder / "bridge.toml"
    file.write_text(
        '[site]\nid = "xinhe"\n[storage]\nurl = "sqlite:///bridge.db"\n'
        f'[[analyzer]]\nid = "line-1"\nname = "生化 1 号"\ndriver = "mindray-bs"\nlink = "tcp-listen://127.0.0.1:{free_port()}"\n'
        f'[[destination]]\nid = "lis"\nlink = "mllp://127.0.0.1:{free_port()}"\nwindow_seconds = 0.1\n'
        f'[console]\nlisten = "127.0.0.1:{free_port()}"\n{keys}',
        encoding="utf-8",
    )
    return settings.load(file)


def peopled(config: settings.Config) -> settings.Config:
    """The same site with ``PEOPLE`` in its database, which is not there yet."""
    Path(config.storage.url.removeprefix("sqlite:///")).write_bytes(_database())
    return config


@cache
def _database() -> bytes:
    """Made once: three passwords cost as much time as the rest of a site."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "bridge.db"
        with Store.open(f"sqlite:///{file}") as store, store.write() as tx:
            for name, role in PEOPLE:
                _add(tx, name, role)
        return file.read_bytes()


def _add(tx: Connection, name: str, role: str, language: users.Language = "en") -> None:
    users.add(tx, name, PASSWORD, role, Note("tests", datetime.now(UTC)), language=language)


@dataclass
class Running:
    """A running site."""

    service: Service
    console: Console

    @property
    def url(self) -> str:
        return f"http://{self.service.config.console.listen}"

    async def add(self, name: str, role: str, language: users.Language = "en") -> None:
        await self.service.writer.call_async(lambda tx: _add(tx, name, role, language))

    async def console_told(self, *topics: str) -> None:
        """What a test wrote behind the service's back is told as the service's own doings are."""
        self.console.hub.tell(set(topics))

    @asynccontextmanager
    async def visitor(self) -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=30) as client:
            yield client

    @asynccontextmanager
    async def logged_in(self, name: str = "lin") -> AsyncIterator[httpx.AsyncClient]:
        async with self.visitor() as client:
            assert (await log_in(client, name)).status_code == 303
            yield client


async def log_in(client: httpx.AsyncClient, name: str, password: str = PASSWORD) -> httpx.Response:
    """Fill in the form."""
    token = csrf_of((await client.get("/login")).text)
    return await client.post("/login", data={"csrf": token, "name": name, "password": password})


def csrf_of(page: str) -> str:
    """The token that a page's forms carry."""
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert found, page[:2000]
    return found[1]


@asynccontextmanager
async def serving(config: settings.Config) -> AsyncIterator[Running]:
    service = Service(config)
    await service.start()
    console = Console(service)
    try:
        await console.start()
        yield Running(service, console)
    finally:
        await console.stop()
        await service.stop()
