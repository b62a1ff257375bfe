"""``lis-bridge replay``: processes journal entries again, after a mapping or a driver was mended.

Nothing is doubled by it: results that are known add nothing, and what would change a delivered result waits for a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lis_bridge.cli.database import database
from lis_bridge.cli.exits import Exit
from lis_bridge.cli.output import ConfigFile, Json, document
from lis_bridge.core.faults import UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

Entries = Annotated[
    list[int] | None, typer.Argument(metavar="[ENTRY]...", help="Numbers of journal entries.", show_default=False)
]
Quarantined = Annotated[bool, typer.Option("--quarantined", help="Everything that is quarantined.")]
Held = Annotated[bool, typer.Option("--held", help="Everything that an open hold waits for.")]
Analyzer = Annotated[str | None, typer.Option("--analyzer", metavar="ID", help="Of this analyzer only.")]


def replay(
    config: ConfigFile,
    entries: Entries = None,
    quarantined: Quarantined = False,
    held: Held = False,
    analyzer: Analyzer = None,
    json: Json = False,
) -> int:
    """Process journal entries again; a running service does so within a second.

    Exit codes: 0 something is processed again, 1 nothing waited.

    Example: lis-bridge replay -c bridge.toml --quarantined --held --analyzer line-1
    """
    from lis_bridge import journal

    if not (entries or quarantined or held):
        raise UsageError("nothing was chosen", where="lis-bridge replay", hint="Name entries, or --quarantined, or --held")
    with database(config) as (_, store), store.write() as tx:
        chosen = set(entries or ()) | set(_waiting(tx, quarantined, held, analyzer))
        for id in sorted(chosen):
            journal.reopen(tx, id)
    document({"replayed": sorted(chosen)}) if json else typer.echo(f"{len(chosen)} entries are processed again")
    return Exit.OK if chosen else Exit.FINDINGS


def _waiting(tx: Connection, quarantined: bool, held: bool, analyzer: str | None) -> list[int]:
    """The entries that a person's decision is waited for; one that is pending already is left out."""
    from sqlalchemy import exists, or_, select

    from lis_bridge.storage.schema import hold, journal

    waits = []
    if quarantined:
        waits.append(journal.c.state == "quarantined")
    if held:
        waits.append((journal.c.state == "done") & exists().where(hold.c.journal_id == journal.c.id, hold.c.state == "open"))
    query = select(journal.c.id).where(or_(False, *waits))
    return list(tx.scalars(query if analyzer is None else query.where(journal.c.analyzer == analyzer)))
