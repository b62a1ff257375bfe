"""``lis-bridge demo``: simulated analyzers, the real bridge and a LIS on this machine, and at the end a comparison of both ends."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lis_bridge.cli import output
from lis_bridge.cli.exits import Exit

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from lis_bridge.simulate.demo import Guest, Watch
    from lis_bridge.simulate.report import Report

_Tubes = Annotated[int, typer.Option("--tubes", min=1, max=9999, help="How many tubes are worked through.")]
_Headless = Annotated[
    bool,
    typer.Option("--headless", help="No console and no table: only the report, on standard output unless --report names a file."),
]
_ReportFile = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="Write the report as JSON.", show_default=False)
]
_Seed = Annotated[int, typer.Option("--seed", help="The same seed measures the same values.")]


USER = "demo"
USUAL_PORT = 8080
STAGES = {
    "acknowledged": "last byte → analyzer's acknowledgement",
    "processed": "received → processed",
    "delivered": "processed → delivered, with the collecting window",
    "whole": "last byte → LIS",
}


def demo(tubes: _Tubes = 20, headless: _Headless = False, report: _ReportFile = None, seed: _Seed = 1) -> int:
    """Watch the bridge at work: a biochemistry line, hematology and hemorheology over TCP and a serial line, and a LIS that is away for a while.

    The console's address and a login for this one run are printed; it stays up until Ctrl-C, unless --headless.

    Exit codes: 0 the LIS holds exactly what was sent, 1 something was lost, duplicated or misfiled, 130 interrupted.

    Example: lis-bridge demo --tubes 5 --headless --report demo.json
    """
    folder = Path(tempfile.mkdtemp(prefix="lis-bridge-demo-"))
    found: Report | None = None
    tell = partial(_tell, headless=headless, file=report)
    guest = None if headless else ConsoleGuest(tell)
    try:
        found = _played(tubes, folder, seed, guest)
    finally:
        if found is not None and found.clean:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            typer.echo(f"configuration, database and log are kept in {folder}", err=True)
    if guest is None or not guest.told:
        tell(found)
    return Exit.OK if found.clean else Exit.FINDINGS


def _played(tubes: int, folder: Path, seed: int, guest: ConsoleGuest | None) -> Report:
    from lis_bridge.simulate.demo import Demo

    if not sys.stderr.isatty():
        return asyncio.run(Demo(tubes, folder, PlainWatch(), seed=seed, guest=guest).run())
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        return asyncio.run(Demo(tubes, folder, BarWatch(progress), seed=seed, guest=guest).run())


class ConsoleGuest:
    """Makes a user for this run, says how to log in, and stays until Ctrl-C; ``told`` once it has seen the report."""

    def __init__(self, tell: Callable[[Report], None]) -> None:
        self.listen = _listen()
        self.told = False
        self._tell = tell

    def arrive(self, config: Path) -> None:
        from lis_bridge import settings
        from lis_bridge.console.accounts import users
        from lis_bridge.storage import Store

        password = secrets.token_urlsafe(9)
        note = users.Note("demo", datetime.now(UTC))
        with Store.open(settings.load(config).storage.url) as store, store.write() as tx:
            users.add(tx, USER, password, "engineer", note)
        typer.echo(f"console: http://{self.listen}  user: {USER}  password: {password}  (for this run only)", err=True)

    async def stay(self, found: Report) -> None:
        from lis_bridge.cli.run import on_signals

        told = asyncio.Event()
        on_signals(told.set)
        self._tell(found)
        self.told = True
        typer.echo(f"the console stays up at http://{self.listen} until Ctrl-C", err=True)
        await told.wait()


def _listen() -> str:
    """The usual port, or another where that is taken."""
    from lis_bridge.simulate.bridge import free_port

    with socket.socket() as probe:
        taken = probe.connect_ex(("127.0.0.1", USUAL_PORT)) == 0
    return f"127.0.0.1:{free_port() if taken else USUAL_PORT}"


class PlainWatch:
    """Steps as plain lines on standard error, for logs and pipes."""

    def begins(self, step: str) -> None:
        typer.echo(step, err=True)

    def sent(self, analyzer: str, count: int, total: int) -> None:
        if count == total:
            typer.echo(f"{analyzer}: all {total} messages sent", err=True)

    def filed(self, count: int, total: int) -> None:
        if count == total:
            typer.echo(f"the LIS holds all {total} results", err=True)


class BarWatch:
    """A bar for each analyzer and one for the LIS."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bars: dict[str, TaskID] = {}

    def begins(self, step: str) -> None:
        self._progress.console.print(step)

    def sent(self, analyzer: str, count: int, total: int) -> None:
        self._show(f"{analyzer}, messages", count, total)

    def filed(self, count: int, total: int) -> None:
        self._show("LIS, results", count, total)

    def _show(self, name: str, count: int, total: int) -> None:
        if name not in self._bars:
            self._bars[name] = self._progress.add_task(name, total=total)
        self._progress.update(self._bars[name], completed=count)


def _tell(found: Report, *, headless: bool, file: Path | None) -> None:
    """The report into its file, or as JSON where there is neither file nor table to show; the table for people."""
    import msgspec

    if file is not None:
        file.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
    elif headless:
        output.document(found)
    if not headless:
        _table(found)


def _table(found: Report) -> None:
    rows: list[tuple[object, ...]] = [
        ("tubes", found.tubes),
        ("messages sent", found.messages),
        ("results", f"{found.results} of {found.sent} stand in the LIS as sent"),
        ("most of one tube", f"{found.largest_tube} results"),
        ("deliveries", found.deliveries),
        (
            "held",
            f"{found.held}, as meant: a code that nobody knows"
            if found.held == found.to_hold
            else f"{found.held}, not {found.to_hold}",
        ),
        ("lost", found.lost),
        ("duplicated", found.duplicated),
        ("misfiled", found.misfiled),
        ("seconds", found.seconds),
    ]
    output.table(("", ""), rows)
    stages = [
        (STAGES[stage], *(parts.get(name, "") for name in ("p50", "p95", "p99"))) for stage, parts in found.latency_ms.items()
    ]
    output.table(("latency in ms", "p50", "p95", "p99"), stages)
    for kind, places in found.details.items():
        for place in places:
            typer.echo(f"{kind}: {place}")


if TYPE_CHECKING:
    _watches: tuple[type[Watch], ...] = (PlainWatch, BarWatch)
    _guest: type[Guest] = ConsoleGuest
