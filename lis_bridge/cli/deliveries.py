"""``lis-bridge deliveries``: what is owed to the LIS, what became of it, and what a person decides about a dead one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lis_bridge.cli.database import database
from lis_bridge.cli.output import By, ConfigFile, Json, document, fields, moment, table
from lis_bridge.core.faults import UsageError

if TYPE_CHECKING:
    from lis_bridge.outbox import Delivery
    from lis_bridge.pipeline.deciding import Decisions
    from lis_bridge.settings import Config

app = typer.Typer(no_args_is_help=True, help="What is owed to the LIS, and what became of it.")

Id = Annotated[int, typer.Argument(metavar="DELIVERY", help="The number that list shows.", show_default=False)]
State = Annotated[
    Literal["open", "pending", "delivered", "dead", "dismissed"] | None,
    typer.Option("--state", help="In this state only.", show_default=False),
]
Destination = Annotated[str | None, typer.Option("--destination", metavar="ID", help="To this destination only.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="So many, the newest first.")]
Before = Annotated[
    int | None, typer.Option("--before", metavar="DELIVERY", help="The next page: deliveries older than this one.")
]


@app.command("list", epilog="Example: lis-bridge deliveries list -c bridge.toml --state dead")
def list_(
    config: ConfigFile,
    state: State = None,
    destination: Destination = None,
    limit: Limit = 50,
    before: Before = None,
    json: Json = False,
) -> None:
    """The deliveries, the newest first."""
    from lis_bridge import outbox

    with database(config) as (_, store), store.read() as tx:
        lines = outbox.lines(tx, state=state, destination=destination, before=before, limit=limit)
    if json:
        document(lines)
        return
    columns = ("delivery", "to", "tube", "results", "state", "tries", "created", "verdict", "the LIS says")
    rows = [
        (
            line.id,
            line.destination,
            line.tube,
            line.results,
            line.state,
            line.attempts,
            moment(line.created_at),
            line.verdict,
            line.lis_text,
        )
        for line in lines
    ]
    table(columns, rows, empty="there are none")


@app.command("show", epilog="Example: lis-bridge deliveries show 812 -c bridge.toml")
def show(delivery: Id, config: ConfigFile, json: Json = False) -> None:
    """One delivery with its HL7 message; an open one has none yet."""
    from lis_bridge import outbox

    with database(config) as (settings, store), store.read() as tx:
        found = outbox.get(tx, delivery)
    if found is None:
        raise UsageError(
            "there is no such delivery", where=f"delivery {delivery}", hint="lis-bridge deliveries list shows their numbers"
        )
    text = _text(found, settings)
    if json:
        document({"delivery": found.line, "message": text})
        return
    fields({name: getattr(found.line, name) for name in found.line.__struct_fields__})
    typer.echo((text or "").replace("\r", "\n"))


@app.command("resend", epilog="Example: lis-bridge deliveries resend 812 -c bridge.toml --by Lin")
def resend(delivery: Id, config: ConfigFile, by: By) -> None:
    """Send a dead delivery again: the same message under the same control id; what waits behind it follows."""
    with _deciding(config, by) as decisions:
        decisions.resend(delivery)
    typer.echo(f"delivery {delivery} is pending again")


@app.command("dismiss", epilog="Example: lis-bridge deliveries dismiss 812 -c bridge.toml --by Lin")
def dismiss(
    delivery: Id,
    config: ConfigFile,
    by: By,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason; kept in the audit log.")] = "",
) -> None:
    """Give a dead delivery up: the LIS never gets it, and what waits behind it goes on."""
    with _deciding(config, by) as decisions:
        decisions.dismiss(delivery, why)
    typer.echo(f"delivery {delivery} is dismissed")


@contextmanager
def _deciding(config: Path, by: str) -> Iterator[Decisions]:
    from lis_bridge.pipeline.deciding import Decisions

    with database(config) as (settings, store), store.write() as tx:
        yield Decisions(tx, settings.destinations, by, datetime.now(UTC))


def _text(found: Delivery, config: Config) -> str | None:
    """The message in the destination's charset; UTF-8 where the destination has left the configuration."""
    charset = next((item.charset for item in config.destinations if item.id == found.line.destination), "UTF-8")
    return None if found.message is None else found.message.decode(charset, "replace")
