"""The console inside a running service: uvicorn in the service's own loop, on a socket that is bound before the service says that it is ready.

What goes wrong here stays here: the links go on without the console, which is started again.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog
import uvicorn

from lis_bridge import audit
from lis_bridge.console.accounts import sessions, users
from lis_bridge.console.accounts.setup import SetupLink, file_of
from lis_bridge.console.app import build
from lis_bridge.console.live import Hub
from lis_bridge.console.onboarding.bench import Bench
from lis_bridge.console.onboarding.drafts import drafts_of
from lis_bridge.console.pages import now
from lis_bridge.console.rendering import Rendering
from lis_bridge.console.site import Site
from lis_bridge.core import resources
from lis_bridge.core.faults import LinkError
from lis_bridge.runtime.logs import place_of
from lis_bridge.runtime.service import Service
from lis_bridge.runtime.status import home
from lis_bridge.settings.links import host_and_port

STOP_SECONDS = 3
RESTART_SECONDS = 1.0
REST_AFTER_SECONDS = 2.0
BACKLOG = 64

_log = structlog.get_logger(__name__)


class _Server(uvicorn.Server):
    """Signals are the service's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Console:
    """The console of a service that was started."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._socket: socket.socket | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._server: _Server | None = None
        self._stopping = False

    async def start(self) -> None:
        """Prepare what is asked for first, bind, lock or unlock, serve. Raises LinkError where the port cannot be had."""
        service = self._service
        rendering = Rendering(service.config.site.timezone, service.compiled.tests)
        await asyncio.to_thread(rendering.prepare, service.clock.now())
        self._socket = _bound(service.config.console.listen)
        address = self._address(self._socket)
        setup = SetupLink(file_of(service.config), address)
        self.hub = Hub(service.snapshot, self._decided)
        self.site = Site(
            service.config,
            service.compiled,
            service.store,
            service.writer,
            service.clock,
            service.snapshot,
            self.hub,
            rendering,
            setup,
            service.switches,
            bench_of(service),
            drafts_of(service.config),
            service.look,
        )
        await self._lock_or_unlock()
        self._tasks = [asyncio.create_task(self._serve(), name="console"), asyncio.create_task(self.hub.watch(), name="hub")]
        await self._until_started()
        self._tasks.append(asyncio.create_task(self._warm(), name="warm"))
        _log.info("console_up", address=address, locked=self.site.locked)

    async def stop(self) -> None:
        """End the pages' streams, answer what was asked, give the port back."""
        self._stopping = True
        if self._tasks:
            self.hub.close()
        if self._server is not None:
            self._server.should_exit = True
        if self._tasks:
            await asyncio.wait(self._tasks[:1], timeout=STOP_SECONDS + 2)
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if self._socket is not None:
            self._socket.close()

    async def _lock_or_unlock(self) -> None:
        site = self.site
        now, ages = site.clock.now(), site.ages
        await site.write(lambda tx: sessions.sweep(tx, now, ages))
        site.locked = not await site.read(users.has_engineer)
        if not site.locked:
            site.setup.remove()
            return
        try:
            site.setup.write()
            _log.warning(
                "console_locked", link_in=str(site.setup.file), hint="open the link in this file to make the first engineer"
            )
        except OSError as error:
            hint = "make one with lis-bridge users add --role engineer"
            _log.error("setup_link_not_written", file=str(site.setup.file), error=type(error).__name__, hint=hint)

    async def _serve(self) -> None:
        """Until stopped; a server that fails is a defect, and another one takes its place."""
        while not self._stopping:
            try:
                self._server = self._made()
                await self._server.serve(sockets=[self._socket] if self._socket else None)
            except Exception as error:
                _log.error("console_failed", error=type(error).__name__, at=place_of(error))
            if not self._stopping:
                await asyncio.sleep(RESTART_SECONDS)

    def _made(self) -> _Server:
        console = self._service.config.console
        return _Server(
            uvicorn.Config(
                build(self.site),
                lifespan="off",
                log_config=None,
                log_level=logging.CRITICAL,  # its lines hold addresses, which hold barcodes
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=STOP_SECONDS,
                timeout_keep_alive=30,
                limit_concurrency=256,
                ssl_certfile=console.certificate,
                ssl_keyfile=console.key,
            )
        )

    async def _warm(self) -> None:
        """Do what the first visitors would wait for; all but Now after the first seconds, in which it would slow down the pages of those
        who wait for the start and the analyzers, which come back at once.
        """
        site = self.site
        await site.read(lambda tx: now.whole_of(tx, site))
        await asyncio.sleep(REST_AFTER_SECONDS)
        await site.apart(site.rendering.warm)
        for id in site.tiers.ids:
            await site.apart(lambda id=id: site.tiers.of(id))  # type: ignore[misc]

    async def _until_started(self) -> None:
        while not (self._server and self._server.started):
            await asyncio.sleep(0.01)

    def _decided(self) -> int:
        with self._service.store.read() as tx:
            return audit.newest(tx)

    def _address(self, bound: socket.socket) -> str:
        host, port = bound.getsockname()[:2]
        scheme = "https" if self._service.config.console.certificate else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def bench_of(service: Service) -> Bench:
    """Where drivers are made: the site's own folder of drivers, or one beside the database where it has none."""
    config, compiled = service.config, service.compiled
    shelves = resources.drivers(config.drivers.paths)
    own = shelves[0] if len(shelves) > 1 else home(config) / "drivers"
    return Bench(compiled.library, compiled.tests, config.site.timezone, shelves, own, home(config) / "onboarding")


def _bound(listen: str) -> socket.socket:
    host, port = host_and_port(listen)
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        bound = socket.create_server((host, int(port)), family=family[0], backlog=BACKLOG)
    except OSError as error:
        hint = "another program has this port; set [console] listen to another, or enabled = false"
        raise LinkError(
            f"the console cannot listen: {error.strerror}", where=f"[console] listen = {listen}", hint=hint
        ) from error
    # asyncio leaves this to whoever made the socket; without it, an answer's body waits 40 ms for the acknowledgement of its headers.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return bound
