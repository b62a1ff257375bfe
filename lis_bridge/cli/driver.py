"""``lis-bridge driver``: what drivers there are, whether they hold what they promise, how a new one begins, and how they travel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lis_bridge.cli.driver_check import check
from lis_bridge.cli.driver_identify import identify
from lis_bridge.cli.driver_new import new
from lis_bridge.cli.driver_prove import prove
from lis_bridge.cli.driver_travel import install, pack
from lis_bridge.cli.output import Drivers, Json, document
from lis_bridge.cli.shelf import shelf
from lis_bridge.core import resources
from lis_bridge.core.faults import UsageError

app = typer.Typer(no_args_is_help=True, help="List the drivers, check what they promise, begin a new one, and carry them on.")
app.command("check", epilog="Example: lis-bridge driver check mindray-bs --watch")(check)
app.command("identify")(identify)
app.command("new")(new)
app.command("prove")(prove)
app.command("pack", epilog="Example: lis-bridge driver pack mindray-bs -o mindray-bs.lisdriver")(pack)
app.command("install", epilog="Example: lis-bridge driver install mindray-bs.lisdriver --into drivers")(install)

Markdown = Annotated[bool, typer.Option("--markdown", help="The table of README.md.")]
Into = Annotated[
    Path | None, typer.Option("--into", metavar="PAGE", help="With --markdown: put it between the markers of this page.")
]


@app.command("list", epilog="Example: lis-bridge driver list --json")
def list_(json: Json = False, markdown: Markdown = False, into: Into = None, drivers: Drivers = None) -> None:
    """All drivers with class, protocol, direction and evidence tier, which is computed: a driver that is new or was changed is checked for it."""
    page = _page(into) if markdown and into is not None else ""
    rows = _rows(drivers)
    if markdown:
        _table_into(into, page, rows)
    elif json:
        document(rows)
    else:
        _tell(rows)


def _page(file: Path) -> str:
    """A page with markers. Raises UsageError, before drivers are checked for nothing."""
    from lis_bridge.catalogue.checks.sheet import BEGIN, END, placed

    try:
        page = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise UsageError(f"cannot be read: {wrong}", where=str(file), hint="Name a page of text") from wrong
    if placed(page, "") is None:
        raise UsageError("the page has no markers", where=str(file), hint=f"Write {BEGIN} and {END} where the table belongs")
    return page


def _rows(drivers: list[Path] | None) -> list[dict[str, Any]]:
    from rich.console import Console
    from rich.progress import track

    from lis_bridge.catalogue.checks import QUICK, Subject
    from lis_bridge.catalogue.checks.kept import Kept, cache_file
    from lis_bridge.catalogue.checks.sheet import row
    from lis_bridge.catalogue.tests import TestCatalogue

    library, tests = shelf(drivers), TestCatalogue.load(resources.catalogue())
    kept = Kept(library, cache_file())
    told = Console(stderr=True)
    ids = track(library.ids(), "checking", console=told, transient=True, disable=not told.is_terminal)
    subjects = (Subject(library.driver(id), library, tests, QUICK) for id in ids)
    rows = [row(subject, kept.tier(subject)) for subject in subjects]
    kept.write()
    return rows


def _table_into(file: Path | None, page: str, rows: list[dict[str, Any]]) -> None:
    from lis_bridge.catalogue.checks.sheet import markdown, placed

    table = markdown(rows)
    if file is None:
        typer.echo(table)
    else:
        file.write_text(placed(page, table) or page, encoding="utf-8")


def _tell(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Column, Table

    console = Console()
    wide = console.width >= 120
    heads = ["protocol", "direction", "tier", *(["models"] if wide else [])]
    table = Table(Column("driver", no_wrap=True), Column("class", no_wrap=True), *heads)
    for row in rows:
        models = [", ".join(row["models"])] if wide else []
        table.add_row(row["id"], row["class"], row["protocol"], row["direction"], row["tier"], *models)
    console.print(table)
