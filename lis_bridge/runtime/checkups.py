"""What ``lis-bridge doctor`` looks at: the machine, and what a configuration needs of it.

Every check looks without changing anything that lasts, and returns lines; none of them raises.
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote, urlsplit

from lis_bridge.settings.links import folder_of, host_and_port

if TYPE_CHECKING:
    from lis_bridge.settings import Config

GIB = 1 << 30
DISK_FAIL, DISK_WARN = 1 * GIB, 10 * GIB
"""Free space: under the first the bridge would soon refuse, under the second somebody should look."""
FSYNC_TRIES = 20
FSYNC_SLOW = 0.05
"""Seconds. A commit waits for one; an analyzer waits for the commit."""
BORN = datetime(2026, 1, 1, tzinfo=UTC)
"""A clock before the bridge was written is wrong."""
PATIENCE = 3.0
"""Seconds to wait for somebody else's port."""

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Line:
    """One thing looked at; ``remedy`` is empty where nothing need be done."""

    check: str
    state: State
    what: str
    remedy: str = ""


def machine(now: datetime) -> Iterator[Line]:
    """What needs no configuration. ``now`` is aware."""
    yield from _versions()
    yield from _clock(now)
    yield from _serial_ports()


def site(config: Config, now: datetime) -> Iterator[Line]:
    """What a configuration needs: where its service runs, what that says of its links, else whether they can be had."""
    from lis_bridge.runtime import status, vitals

    yield from _storage(config, now)
    snapshot = status.read(config)
    yield vitals.service(snapshot, now)
    running = snapshot is not None and snapshot.ready and snapshot.alive(now)
    if config.console.enabled:
        yield _listening("console", config.console.listen, running)
    if snapshot is not None and running:
        yield from vitals.links(config, snapshot)
        return
    for analyzer in config.analyzers:
        yield from _link(analyzer.id, analyzer.link)
    for destination in config.destinations:
        remedy = "Is the LIS's listener on, the address right, the firewall open?"
        yield _reaching(destination.id, urlsplit(destination.link).netloc, "fail", remedy)


def _versions() -> Iterator[Line]:
    yield Line("python", "ok", f"{platform.python_version()} on {platform.platform(terse=True)}")
    # 3.37 and newer know STRICT and RETURNING; 3.7 knows WAL. What Debian 12 and Python's own builds carry is far newer.
    old = sqlite3.sqlite_version_info < (3, 37)
    yield Line(
        "sqlite",
        "fail" if old else "ok",
        sqlite3.sqlite_version,
        "Install a newer Python, which brings its SQLite" if old else "",
    )


def _clock(now: datetime) -> Iterator[Line]:
    if now < BORN:
        yield Line("clock", "fail", now.isoformat(timespec="seconds"), "Set the machine's clock; results are dated by it")
    else:
        yield Line("clock", "ok", f"{now.isoformat(timespec='seconds')}, shown here as {now.astimezone():%Y-%m-%d %H:%M %z}")


def _serial_ports() -> Iterator[Line]:
    from serial.tools import list_ports

    found = [f"{port.device} ({port.description})" for port in list_ports.comports()]
    yield Line("serial ports", "ok", ", ".join(found) or "none on this machine")


def _storage(config: Config, now: datetime) -> Iterator[Line]:
    place = config.storage.url.removeprefix("sqlite:///")
    if place == config.storage.url:
        yield Line("storage", "ok", "PostgreSQL; run finds out whether it answers")
        return
    folder = _existing(Path(place).parent)
    try:
        free = shutil.disk_usage(folder).free
        yield _space(folder, free)
        yield _fsync(folder)
    except OSError as wrong:
        yield Line(
            "disk", "fail", f"{folder}: {wrong.strerror}", "Give the user that runs the bridge write access to this folder"
        )
        return
    yield from _journal(Path(place), now)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there already."""
    return next(place for place in (folder, *folder.parents) if place.exists())


def _space(folder: Path, free: int) -> Line:
    state: State = "fail" if free < DISK_FAIL else "warn" if free < DISK_WARN else "ok"
    return Line(
        "disk space", state, f"{free / GIB:.1f} GiB free at {folder}", "" if state == "ok" else "Free space, or move the database"
    )


def _fsync(folder: Path) -> Line:
    """The median of a few synced 4 KiB writes where the database stands."""
    times = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(FSYNC_TRIES):
            file.write(b"\0" * 4096)
            file.flush()
            start = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - start)
    median = statistics.median(times)
    slow = median > FSYNC_SLOW
    return Line(
        "fsync",
        "warn" if slow else "ok",
        f"{median * 1000:.2f} ms a write",
        "A disk this slow delays every reply" if slow else "",
    )


def _journal(database: Path, now: datetime) -> Iterator[Line]:
    """Whether the database can be read, and whether the clock has gone back behind what is in it."""
    if not database.exists():
        yield Line("database", "ok", f"{database} is not there yet; run makes it")
        return
    try:
        with sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True) as connection:
            row = connection.execute("SELECT received_at FROM journal ORDER BY id DESC LIMIT 1").fetchone()
    except sqlite3.Error as wrong:
        yield Line("database", "fail", f"{database}: {wrong}", "Is this a database of lis-bridge, and may this user read it?")
        return
    if row is not None and datetime.fromisoformat(row[0]) > now:
        yield Line(
            "database", "fail", f"the newest entry is of {row[0]}, later than now", "The machine's clock went back: set it"
        )
    else:
        yield Line("database", "ok", f"{database}, newest entry {row[0] if row else 'none'}")


def _link(analyzer: str, link: str) -> Iterator[Line]:
    parts = urlsplit(link)
    if parts.scheme == "tcp-listen":
        yield _listening(analyzer, parts.netloc, running=False)
    elif parts.scheme == "tcp-connect":
        yield _reaching(analyzer, parts.netloc, "warn", "Is the analyzer on, the address right, the cable in?")
    elif parts.scheme == "serial":
        yield _device(analyzer, unquote(parts.netloc + parts.path))
    else:
        yield _folder(analyzer, folder_of(link))


def _listening(name: str, address: str, running: bool) -> Line:
    host, port = host_and_port(address)
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            if os.name == "posix":
                # As the listener does: closed connections that linger are no holder. On Windows it would take the port from its holder.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as wrong:
        if running:
            return Line(name, "ok", f"{address} is held, the service runs")
        remedy = f"Find who holds it: ss -ltnp 'sport = :{port}' (Windows: netstat -ano | findstr :{port}); or give another port"
        return Line(name, "fail", f"cannot listen on {address}: {wrong.strerror}", remedy)
    state: State = "warn" if running else "ok"
    return Line(name, state, f"{address} is free", "The service runs and does not listen here: see its log" if running else "")


def _reaching(name: str, address: str, else_: State, remedy: str) -> Line:
    try:
        with socket.create_connection(host_and_port(address), PATIENCE):
            return Line(name, "ok", f"{address} answers")
    except OSError as wrong:
        return Line(name, else_, f"{address} does not answer: {wrong.strerror or wrong}", remedy)


def _device(analyzer: str, device: str) -> Line:
    if os.name == "nt" or not device.startswith("/"):
        return _com_port(analyzer, device)
    if not os.path.exists(device):
        return Line(
            analyzer,
            "fail",
            f"{device} is not there",
            "Is the adapter plugged in? The serial ports of this machine are listed above",
        )
    if not os.access(device, os.R_OK | os.W_OK):
        return Line(analyzer, "fail", f"no access to {device}", "Add the user to the group dialout, then log in again")
    return Line(analyzer, "ok", f"{device} is there")


def _com_port(analyzer: str, device: str) -> Line:
    from serial.tools import list_ports

    if device.upper() in (port.device.upper() for port in list_ports.comports()):
        return Line(analyzer, "ok", f"{device} is there")
    return Line(
        analyzer, "fail", f"{device} is not there", "Is the adapter plugged in? The serial ports of this machine are listed above"
    )


def _folder(analyzer: str, folder: Path) -> Line:
    if not folder.is_dir():
        return Line(analyzer, "fail", f"{folder} is no folder", "Make it, or mount the share")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return Line(analyzer, "warn", f"{folder} is not writable", "Files cannot be moved away after reading")
    return Line(analyzer, "ok", f"{folder} is there")
