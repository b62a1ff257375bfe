"""``lis-bridge driver check``: the conformance checks, once or after every change of a driver's files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lis_bridge.cli.exits import Exit
from lis_bridge.cli.output import Drivers, Json, document
from lis_bridge.cli.shelf import shelf
from lis_bridge.core import resources
from lis_bridge.core.faults import DriverError, UsageError

if TYPE_CHECKING:
    from lis_bridge.catalogue.checks import Finding

POLL_SECONDS = 0.5
"""Polling, because shares and mounted folders tell nobody of changes."""

Ids = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]...", help="Driver ids; all when none is named.", show_default=False)
]
Thorough = Annotated[
    bool, typer.Option("--thorough", help="Every bit and every place of every capture, in place of a sample: minutes.")
]
Watch = Annotated[bool, typer.Option("--watch", help="Check again after every change of the drivers' files, until Ctrl-C.")]


def check(ids: Ids = None, json: Json = False, thorough: Thorough = False, watch: Watch = False, drivers: Drivers = None) -> int:
    """Run the conformance checks; each finding names file and line, the key, what is wrong and what to do about it.

    Exit codes: 0 nothing was found, 1 something was, 2 usage, 130 --watch was interrupted.
    """
    if watch and json:
        raise UsageError("--watch is for people", where="driver check", hint="Leave --json or --watch out")
    own = tuple(drivers or ())
    if watch:
        _watch(lambda: _tell(_report(ids, own, thorough)), lambda: _state(ids, own))
    report = _report(ids, own, thorough)
    document(report) if json else _tell(report)
    return Exit.FINDINGS if any(entry["findings"] for entry in report) else Exit.OK


def _report(ids: Sequence[str] | None, own: Sequence[Path], thorough: bool) -> list[dict[str, Any]]:
    """One entry for each driver; one whose manifest does not load has that as its findings."""
    from lis_bridge.catalogue.checks import SAMPLED, THOROUGH, Subject, checked
    from lis_bridge.catalogue.checks.finding import of_manifest
    from lis_bridge.catalogue.library import Broken
    from lis_bridge.catalogue.tests import TestCatalogue

    broken: Broken = {}
    library, tests = shelf(own, broken=broken), TestCatalogue.load(resources.catalogue())
    entries = []
    for id in _tracked(ids or sorted({*library.ids(), *broken})):
        if id in broken:
            entries.append(_entry(id, "draft", [of_manifest(error) for error in broken[id]]))
            continue
        tier, found = checked(Subject(library.driver(id), library, tests, THOROUGH if thorough else SAMPLED))
        entries.append(_entry(id, tier, found))
    return entries


def _entry(id: str, tier: str, found: Iterable[Finding]) -> dict[str, Any]:
    return {"driver": id, "tier": tier, "findings": [asdict(finding) for finding in found]}


def _tracked(ids: Sequence[str]) -> Iterable[str]:
    from rich.console import Console
    from rich.progress import track

    told = Console(stderr=True)
    return track(ids, "checking", console=told, transient=True, disable=len(ids) < 2 or not told.is_terminal)


def _tell(report: Iterable[dict[str, Any]]) -> None:
    for entry in report:
        typer.echo(f"{entry['driver']}: {entry['tier']}, {len(entry['findings'])} findings")
        for finding in entry["findings"]:
            key = f"{finding['key']}: " if finding["key"] else ""
            typer.echo(f"  {_short(finding['where'])}: {key}{finding['what']} ({finding['hint']}) [{finding['check']}]")


def _short(where: str) -> str:
    """A place as seen from the working folder, where it lies below it."""
    here = f"{Path.cwd()}/"
    return where.removeprefix(here)


State = frozenset[tuple[str, int, int]]


def _watch(show: Callable[[], None], state: Callable[[], State], pause: Callable[[float], None] = time.sleep) -> None:
    """Show at once and after every change, until interrupted; a driver that cannot even be found is told, and watched on."""
    from rich.console import Console

    seen: State | None = None
    while True:
        now = state()
        if now != seen:
            Console().clear()
            seen = now
            try:
                show()
            except DriverError as wrong:
                typer.echo(str(wrong))
            typer.echo(f"{time.strftime('%H:%M:%S')} waiting for changes; Ctrl-C ends")
        pause(POLL_SECONDS)


def _state(ids: Sequence[str] | None, own: Sequence[Path]) -> State:
    """Name, size and time of every file of these drivers; of all, since one may extend or resemble another, its ``driver.toml``."""
    found = set()
    for folder in resources.drivers(own):
        files = [*folder.glob("*/driver.toml"), *(file for id in ids or ["*"] for file in folder.glob(f"{id}/**/*"))]
        for file in files:
            try:
                about = file.stat()
            except OSError:  # gone since it was listed: the next look will tell
                continue
            if file.is_file():
                found.add((str(file), about.st_mtime_ns, about.st_size))
    return frozenset(found)
