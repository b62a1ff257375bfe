"""``lis-bridge audit``: who saw which patient and who did what, and whether anybody changed that since."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from lis_bridge.cli.database import database
from lis_bridge.cli.exits import Exit
from lis_bridge.cli.output import ConfigFile, Json, document, table
from lis_bridge.core.faults import UsageError

if TYPE_CHECKING:
    from lis_bridge.audit import Head

app = typer.Typer(no_args_is_help=True, help="Who saw which patient and who did what.")


@app.command("list", epilog='Example: lis-bridge audit list -c bridge.toml --subject "tube 20260317000012"')
def list_(
    config: ConfigFile,
    actor: Annotated[str | None, typer.Option("--actor", metavar="NAME", help="What this person did.")] = None,
    action: Annotated[str | None, typer.Option("--action", metavar="TEXT", help='This action, such as "hold released".')] = None,
    subject: Annotated[str | None, typer.Option("--subject", metavar="TEXT", help='This subject, such as "hold 12".')] = None,
    before: Annotated[int | None, typer.Option("--before", metavar="ENTRY", help="The next page: older than this one.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="So many, the newest first.")] = 50,
    json: Json = False,
) -> None:
    """The entries, the newest first."""
    from lis_bridge import audit

    with database(config) as (_, store), store.read() as tx:
        lines = audit.lines(tx, actor=actor, action=action, subject=subject, before=before, limit=limit)
    if json:
        document(lines)
        return
    rows = [(one.id, one.at[:19], one.actor, one.via, one.address, one.action, one.subject, one.detail) for one in lines]
    table(("entry", "UTC", "who", "via", "from", "did", "to", "detail"), rows, empty="nothing was done")


@app.command("verify", epilog="Example: lis-bridge audit verify -c bridge.toml --head 812:9f…")
def verify(
    config: ConfigFile,
    head: Annotated[
        str | None, typer.Option("--head", metavar="ENTRY:DIGEST", help="A head that was printed before and kept elsewhere.")
    ] = None,
    json: Json = False,
) -> int:
    """Follow the chain from the first entry to the last. Entries cut off at the end are found only with an earlier head.

    Exit codes: 0 nothing was changed, 1 something was.
    """
    from lis_bridge import audit

    known = _head(head)
    with database(config) as (_, store), store.read() as tx:
        found = audit.verify(tx, known)
    if json:
        document({"whole": isinstance(found, audit.Head), **{name: getattr(found, name) for name in found.__struct_fields__}})
    elif isinstance(found, audit.Head):
        typer.echo(f"whole: {found.id} entries; keep this head elsewhere: {found.id}:{found.digest}")
    else:
        typer.echo(f"entry {found.id}: {found.what}", err=True)
    return Exit.OK if isinstance(found, audit.Head) else Exit.FINDINGS


def _head(text: str | None) -> Head | None:
    from lis_bridge.audit import Head

    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", text)
    if found is None:
        raise UsageError("this is no head", where=f"--head {text}", hint="as verify prints it: 812:9f…")
    return Head(int(found[1]), found[2])
