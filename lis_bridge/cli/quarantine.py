"""``lis-bridge quarantine``: messages that could not be understood or placed, with the reason and what to do.

Works beside a running service, which processes a replayed message within a second.
"""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lis_bridge.cli.database import database
from lis_bridge.cli.output import ConfigFile, Json, document, moment, readable, table
from lis_bridge.core.faults import UsageError

if TYPE_CHECKING:
    from lis_bridge.journal import Filed

app = typer.Typer(no_args_is_help=True, help="Messages that could not be understood or placed.")

Entry = Annotated[int, typer.Argument(metavar="ENTRY", help="The number that list shows.", show_default=False)]
Analyzer = Annotated[str | None, typer.Option("--analyzer", metavar="ID", help="Of this analyzer only.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="So many, the newest first.")]
Before = Annotated[int | None, typer.Option("--before", metavar="ENTRY", help="The next page: entries older than this one.")]
By = Annotated[
    str, typer.Option("--by", metavar="NAME", default_factory=getpass.getuser, help="Who decides; kept with the entry.")
]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason; kept with the entry.", show_default=False)]

SHOWN = 4096
"""Bytes that ``show`` prints; ``--raw`` gives all."""


@app.command("list", epilog="Example: lis-bridge quarantine list -c bridge.toml --analyzer line-1")
def list_(config: ConfigFile, analyzer: Analyzer = None, limit: Limit = 50, before: Before = None, json: Json = False) -> None:
    """What waits for a decision, the newest first."""
    from lis_bridge import journal

    with database(config) as (_, store), store.read() as tx:
        lines = journal.lines(tx, state="quarantined", analyzer=analyzer, before=before, limit=limit)
    if json:
        document(lines)
        return
    rows = [(line.id, line.analyzer, moment(line.received_at), line.size, line.reason, line.detail) for line in lines]
    table(("entry", "analyzer", "received", "bytes", "reason", "what to do"), rows, empty="nothing is quarantined")


@app.command("show", epilog="Example: lis-bridge quarantine show 17 -c bridge.toml --raw > message.bin")
def show(
    entry: Entry,
    config: ConfigFile,
    json: Json = False,
    raw: Annotated[bool, typer.Option("--raw", help="The wire's bytes and nothing else.")] = False,
) -> None:
    """One message with its bytes."""
    found = _entry(config, entry)
    if raw:
        sys.stdout.buffer.write(found.raw)
    elif json:
        document({**_facts(found), "raw": found.raw})
    else:
        for name, value in _facts(found).items():
            typer.echo(f"{name:12}{value}")
        typer.echo(readable(found.raw[:SHOWN]))


@app.command("replay", epilog="Example: lis-bridge quarantine replay 17 -c bridge.toml")
def replay(entry: Entry, config: ConfigFile) -> None:
    """Process a message again, after the driver, the mapping or the configuration was mended."""
    from lis_bridge import journal

    with database(config) as (_, store), store.write() as tx:
        _quarantined(journal.get(tx, entry), entry)
        journal.reopen(tx, entry)
    typer.echo(f"entry {entry} is processed again as soon as the service runs")


@app.command("discard", epilog='Example: lis-bridge quarantine discard 17 -c bridge.toml --why "service test"')
def discard(entry: Entry, config: ConfigFile, by: By, why: Why) -> None:
    """Take a message off the list; its bytes stay in the journal."""
    from lis_bridge import journal

    with database(config) as (_, store), store.write() as tx:
        journal.discard(tx, entry, f"{by}: {why}")
    typer.echo(f"entry {entry} is discarded")


def _entry(config: Path, id: int) -> Filed:
    from lis_bridge import journal

    with database(config) as (_, store), store.read() as tx:
        return _quarantined(journal.get(tx, id), id)


def _quarantined(found: Filed | None, id: int) -> Filed:
    if found is None or found.state != "quarantined":
        what = "there is no such entry" if found is None else f"it is {found.state}, not quarantined"
        raise UsageError(what, where=f"journal entry {id}", hint="lis-bridge quarantine list shows what is quarantined")
    return found


def _facts(found: Filed) -> dict[str, Any]:
    return {
        "entry": found.id,
        "analyzer": found.analyzer,
        "peer": found.peer,
        "received": found.received_at.isoformat(),
        "framing": found.framing,
        "complete": found.complete,
        "bytes": len(found.raw),
        "reason": found.reason,
        "detail": found.detail,
    }
