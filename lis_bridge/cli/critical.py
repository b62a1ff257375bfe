"""``lis-bridge critical``: values beyond the catalogue's critical limits, until somebody was told of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from lis_bridge.cli.database import database
from lis_bridge.cli.output import By, ConfigFile, Json, document, moment, table

app = typer.Typer(no_args_is_help=True, help="Critical values, and whom they were reported to.")

Limit = Annotated[int, typer.Option("--limit", min=1, help="So many, the one that waits longest first.")]


@app.command("list", epilog="Example: lis-bridge critical list -c bridge.toml")
def list_(config: ConfigFile, limit: Limit = 50, json: Json = False) -> None:
    """What nobody was told of yet, the one that waits longest first."""
    from lis_bridge.console.queries.work import criticals

    with database(config) as (_, store), store.read() as tx:
        found = criticals(tx, limit)
    if json:
        document(found)
        return
    rows = [(one.number, one.tube, one.test, one.side, one.value, one.unit, moment(one.since)) for one in found]
    table(("critical", "tube", "test", "", "value", "unit", "since"), rows, empty="no critical value waits for its call")


@app.command(
    "call", epilog='Example: lis-bridge critical call 12 --told "Dr Wang" --ward ICU --read-back -c bridge.toml --by Lin'
)
def call(
    number: Annotated[int, typer.Argument(metavar="CRITICAL", help="As list shows it.", show_default=False)],
    config: ConfigFile,
    by: By,
    told: Annotated[str, typer.Option("--told", metavar="NAME", help="Who was told.", show_default=False)],
    ward: Annotated[str, typer.Option("--ward", metavar="WARD", help="Where that person works.", show_default=False)] = "",
    read_back: Annotated[bool, typer.Option("--read-back", help="The value was read back.")] = False,
) -> None:
    """Note that a person was told of a critical value."""
    from lis_bridge.pipeline.deciding import Decisions

    with database(config) as (settings, store), store.write() as tx:
        decisions = Decisions(tx, settings.destinations, by, datetime.now(UTC))
        decisions.register_call(number, told=told, ward=ward, read_back=read_back)
    typer.echo(f"critical value {number}: {told} was told")
