"""``python -m benches.console``: how long every page and fragment takes over HTTP, on a database of so many results, as a table."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benches import results
from benches.console import addresses, filling
from benches.console.filling import Load
from benches.console.visit import Timed, Visitor
from lis_bridge import settings
from lis_bridge.console.accounts import users
from lis_bridge.simulate.bridge import BridgeProcess
from lis_bridge.storage import Store

NAME, PASSWORD = "lin", "a long enough password"
ALLOWED_MS = 200.0
SETTLED_SECONDS = 5.0
"""After the start, before the first person comes."""


def main() -> int:
    """Fill, ask, print; 1 where an address took longer than it may, failed or could not be asked."""
    chosen = _arguments()
    late = False
    for tubes in chosen.tubes:
        load = Load(tubes, max(1, chosen.results // tubes))
        with _folder(chosen.folder, load) as folder:
            found = list(_measured(folder, load))
        late = late or any(one.status != 200 or (one.slowest > ALLOWED_MS and not addresses.is_whole(one.path)) for one in found)
    return int(late)


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


def _measured(folder: Path, load: Load) -> Iterator[Timed]:
    config, done = filling.configure(folder), folder / "filled"
    if not done.exists():
        _fill(config, load)
        done.touch()
    with Store.open(settings.load(config).storage.url) as store, store.read() as tx:
        known = addresses.samples(tx)
    print(f"\n{load.tubes} tubes of {load.results} results, {(folder / 'bridge.db').stat().st_size / 1e6:.0f} MB")
    for one in asyncio.run(_visited(config, known)):
        print(_row(one), flush=True)
        yield one
    print(f"\n{datetime.now(UTC):%Y-%m-%d}, {', '.join(results.machine().values())}, load {os.getloadavg()[0]:.1f}")


def _fill(config: Path, load: Load) -> None:
    filling.fill(config, load)
    with Store.open(settings.load(config).storage.url) as store, store.write() as tx:
        users.add(tx, NAME, PASSWORD, "engineer", users.Note("bench", datetime.now(UTC)))


async def _visited(config: Path, known: dict[str, str]) -> list[Timed]:
    async with BridgeProcess(config):
        await asyncio.sleep(SETTLED_SECONDS)
        return await asyncio.to_thread(_asked, settings.load(config).console.listen, known)


def _asked(listen: str, known: dict[str, str]) -> list[Timed]:
    visitor = Visitor(listen)
    login = visitor.log_in(NAME, PASSWORD)
    print(f"login {login:.0f} ms\n\n| address | first | median | 95 % | kB |\n| --- | --- | --- | --- | --- |")
    found = []
    for path in addresses.addresses(known, json.loads(visitor.ask("/api/v1/openapi.json")[1])):
        if addresses.is_whole(path):
            found.append(visitor.timed(path, times=1))
            continue
        found.append(visitor.timed(path))
        later = addresses.later_pages(visitor.ask(path)[1])
        found.extend(visitor.timed(after) for after in later)
    return found


def _row(one: Timed) -> str:
    said = one.path if one.status == 200 else f"{one.path} ({one.status})"
    return f"| `{said}` | {one.first:.0f} | {one.p50:.0f} | {one.p95:.0f} | {one.size / 1000:.0f} |"


if __name__ == "__main__":
    sys.exit(main())
