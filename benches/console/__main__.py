"""``python -m benches.console``: how long every page and fragment takes over HTTP, on a database of so many results, as a table.

``--into docs/console.md`` also writes the table, with date and machine, between the page's marks.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benches import results
from benches.console import addresses, filling
from benches.console.filling import Load
from benches.console.visit import Timed, Visitor
from lis_bridge import settings
from lis_bridge.catalogue.checks.sheet import placed
from lis_bridge.console.accounts import users
from lis_bridge.runtime import logs
from lis_bridge.simulate.bridge import BridgeProcess
from lis_bridge.storage import Store

NAME, PASSWORD = "lin", "a long enough password"
ALLOWED_MS = 200.0
SETTLED_SECONDS = 5.0
"""After the start, before the first person comes."""


MARKS = ("<!-- page times: begin -->", "<!-- page times: end -->")


@dataclass(frozen=True)
class Run:
    """One database: its load and size, how long the answer to a password took, and every address."""

    load: Load
    megabytes: float
    login: float
    asked: tuple[Timed, ...]

    @property
    def late(self) -> list[Timed]:
        """What took longer than it may, failed or could not be asked."""
        return [one for one in self.asked if one.status != 200 or (one.slowest > ALLOWED_MS and not addresses.is_whole(one.path))]


def main() -> int:
    """Fill, ask, print; 1 where an address took longer than it may, failed or could not be asked."""
    logs.configure()
    chosen = _arguments()
    runs = []
    for tubes in chosen.tubes:
        load = Load(tubes, max(1, chosen.results // tubes))
        with _folder(chosen.folder, load) as folder:
            runs.append(_measured(folder, load))
    text = "\n".join(_sheet(runs))
    print(text)
    if chosen.into is not None:
        page = placed(chosen.into.read_text(encoding="utf-8"), text, MARKS)
        if page is None:
            raise SystemExit(f"{chosen.into} has no {MARKS[0]}")
        chosen.into.write_text(page, encoding="utf-8")
    return int(any(one.late for one in runs))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benches.console", description=__doc__)
    parser.add_argument("--results", type=int, default=1_000_000, help="results in the database (default: 1000000)")
    parser.add_argument(
        "--tubes",
        type=int,
        nargs="+",
        default=[4500, 100_000],
        help="tubes that have them, one run for each (default: 4500 100000)",
    )
    parser.add_argument(
        "--folder", type=Path, help="where the databases are made and kept; one that is there is asked again (default: none is)"
    )
    parser.add_argument("--into", type=Path, help="a page that gets the table between its marks, such as docs/console.md")
    return parser.parse_args()


@contextmanager
def _folder(parent: Path | None, load: Load) -> Iterator[Path]:
    """A folder of its own, which is removed; or, in one that was named, one that stays."""
    if parent is not None:
        folder = parent / f"{load.tubes}x{load.results}"
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="console-") as made:
        yield Path(made)


def _measured(folder: Path, load: Load) -> Run:
    config, done = filling.configure(folder), folder / "filled"
    if not done.exists():
        _fill(config, load)
        done.touch()
    with Store.open(settings.load(config).storage.url) as store, store.read() as tx:
        known = addresses.samples(tx)
    login, asked = asyncio.run(_visited(config, known))
    return Run(load, (folder / "bridge.db").stat().st_size / 1e6, login, tuple(asked))


def _fill(config: Path, load: Load) -> None:
    filling.fill(config, load)
    with Store.open(settings.load(config).storage.url) as store, store.write() as tx:
        users.add(tx, NAME, PASSWORD, "engineer", users.Note("bench", datetime.now(UTC)))


async def _visited(config: Path, known: dict[str, str]) -> tuple[float, list[Timed]]:
    async with BridgeProcess(config):
        await asyncio.sleep(SETTLED_SECONDS)
        return await asyncio.to_thread(_asked, settings.load(config).console.listen, known)


def _asked(listen: str, known: dict[str, str]) -> tuple[float, list[Timed]]:
    visitor = Visitor(listen)
    login = visitor.log_in(NAME, PASSWORD)
    found = []
    for path in addresses.addresses(known, json.loads(visitor.ask("/api/v1/openapi.json")[1])):
        if addresses.is_whole(path):
            found.append(visitor.timed(path, times=1))
            continue
        found.append(visitor.timed(path))
        later = addresses.later_pages(visitor.ask(path)[1])
        found.extend(visitor.timed(after) for after in later)
    return login, found


def _sheet(runs: Sequence[Run]) -> Iterator[str]:
    """The table in Markdown: where and when, what is longest, and each address folded."""
    machine = ", ".join(results.machine().values())
    yield f"{datetime.now(UTC):%Y-%m-%d}, {machine}, load {os.getloadavg()[0]:.1f}: `python -m benches.console`. Times in ms over HTTP; *first* after a start."
    for run in runs:
        pages = [one for one in run.asked if not addresses.is_whole(one.path)]
        slowest, median = (max(pages, key=key) for key in (lambda one: one.slowest, lambda one: one.p50))
        yield ""
        yield f"**{run.load.tubes:,} tubes of {run.load.results} results**, {run.megabytes:.0f} MB: the slowest median is {median.p50:.0f} ms"
        yield f"(`{median.path}`), the longest wait {slowest.slowest:.0f} ms (`{slowest.path}`), a login {run.login:.0f} ms."
        yield f"Beyond {ALLOWED_MS:.0f} ms: {', '.join(f'`{one.path}`' for one in run.late) or 'nothing'}."
        yield from ("", f"<details><summary>{len(run.asked)} addresses</summary>", "")
        yield from ("| address | first | median | 95 % | kB |", "| --- | --- | --- | --- | --- |")
        yield from map(_row, run.asked)
        yield from ("", "</details>")


def _row(one: Timed) -> str:
    said = one.path if one.status == 200 else f"{one.path} ({one.status})"
    return f"| `{said}` | {one.first:.0f} | {one.p50:.0f} | {one.p95:.0f} | {one.size / 1000:.0f} |"


if __name__ == "__main__":
    sys.exit(main())
