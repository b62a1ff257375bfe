"""``lis-bridge replay``: processes journal entries again, after a mapping or a driver was mended.

Nothing is doubled by it: results that are known add nothing, and what would change a delivered result waits for a person.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lis_bridge.cli.database import database
from lis_bridge.cli.exits import Exit
from lis_bridge.cli.output import By, ConfigFile, Json, document, table
from lis_bridge.core.faults import UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lis_bridge.runtime.trial import Said, Trial

Entries = Annotated[
    list[int] | None, typer.Argument(metavar="[ENTRY]...", help="Numbers of journal entries.", show_default=False)
]
Quarantined = Annotated[bool, typer.Option("--quarantined", help="Everything that is quarantined.")]
Held = Annotated[bool, typer.Option("--held", help="Everything that an open hold waits for.")]
All = Annotated[
    bool, typer.Option("--all", help="With --dry-run: every entry of which results were filed, held against the present drivers.")
]
Since = Annotated[
    datetime | None,
    typer.Option("--since", metavar="DATE", formats=["%Y-%m-%d"], help="With --all: what was filed from that day on."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only show what would be filed and what would change; nothing is written.")
]
Analyzer = Annotated[str | None, typer.Option("--analyzer", metavar="ID", help="Of this analyzer only.")]


def replay(
    config: ConfigFile,
    by: By,
    entries: Entries = None,
    quarantined: Quarantined = False,
    held: Held = False,
    analyzer: Analyzer = None,
    all_: All = False,
    since: Since = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """Process journal entries again; a running service does so within a second.

    Exit codes: 0 something is processed again, 1 nothing waited. With --dry-run: 0 nothing delivered would be read differently, 1 something would, or
    not all could be looked at. With --all --dry-run: 0 every filed result would be read the same today, 1 one would not.

    Example: lis-bridge replay -c bridge.toml --quarantined --held --analyzer line-1
    """
    from lis_bridge.pipeline.deciding import Decisions

    if all_ or since is not None:
        if not (all_ and dry_run) or entries or quarantined or held:
            raise UsageError(
                "--all only looks", where="lis-bridge replay", hint="Write --all --dry-run, and nothing to choose entries"
            )
        return _compared(config, analyzer, since, json)
    if not (entries or quarantined or held):
        raise UsageError("nothing was chosen", where="lis-bridge replay", hint="Name entries, or --quarantined, or --held")
    if dry_run:
        return _tried(config, set(entries or ()), quarantined, held, analyzer, json)
    with database(config) as (settings, store), store.write() as tx:
        decisions = Decisions(tx, settings.destinations, by, datetime.now(UTC))
        chosen = set(entries or ()) | set(_waiting(tx, quarantined, held, analyzer))
        for id in sorted(chosen):
            decisions.replay(id)
    document({"replayed": sorted(chosen)}) if json else typer.echo(f"{len(chosen)} entries are processed again")
    return Exit.OK if chosen else Exit.FINDINGS


def _tried(config: Path, named: set[int], quarantined: bool, held: bool, analyzer: str | None, json: bool) -> int:
    """Show what a replay would do, and do nothing of it."""
    import structlog

    from lis_bridge.cli.shelf import configured
    from lis_bridge.runtime.trial import trial

    # What is undone did not happen: the steps must not log it.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    configured(config)  # what run would refuse is not tried
    with database(config) as (settings, store):
        with store.read() as tx:
            chosen = sorted(named | set(_waiting(tx, quarantined, held, analyzer)))
        found = trial(settings, store, chosen)
    document(found) if json else _tell(found)
    return Exit.OK if chosen and found.harmless else Exit.FINDINGS


def _compared(config: Path, analyzer: str | None, since: datetime | None, json: bool) -> int:
    """Hold everything that was filed against the present drivers and overrides."""
    from rich.console import Console
    from rich.progress import Progress

    from lis_bridge.cli.comparison import compare
    from lis_bridge.cli.comparison_report import as_document, tell
    from lis_bridge.cli.shelf import configured

    configured(config)
    told = Console(stderr=True)
    with database(config) as (settings, store), Progress(console=told, transient=True, disable=not told.is_terminal) as bar:
        if analyzer is not None and analyzer not in [one.id for one in settings.analyzers]:
            raise UsageError(f"there is no analyzer {analyzer!r}", where="--analyzer", hint="Name one of the configuration")
        task = bar.add_task("reading", total=None)
        moment = since.replace(tzinfo=settings.site.timezone).astimezone(UTC) if since is not None else None
        found = compare(settings, store, analyzer, moment, lambda seen, total: bar.update(task, completed=seen, total=total))
    document(as_document(found)) if json else tell(found)
    return Exit.OK if found.harmless else Exit.FINDINGS


def _tell(found: Trial) -> None:
    rows = [
        (one.entry, one.analyzer, one.state, ", ".join(one.tubes), _counted(one.outcomes), one.owed, one.reason)
        for one in found.entries
    ]
    table(("entry", "analyzer", "would be", "tubes", "results", "to the LIS", "reason"), rows, empty="nothing waits")
    changes = [
        (one.entry, one.tube, one.code, _read(one.before), _read(one.after), "yes" if one.delivered else "no", one.outcome)
        for one in found.changes
    ]
    columns = ("entry", "tube", "code", "stands as", "would be read as", "delivered", "outcome")
    table(columns, changes, empty="no result that is reported would be read differently")
    if found.rest:
        typer.echo(f"{len(found.rest)} entries were not looked at; name fewer, from {found.rest[0]} on", err=True)


def _counted(outcomes: dict[str, int]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))


def _read(said: Said) -> str:
    factor = f" × {said.factor}" if said.factor not in (None, "1") else ""
    return (
        f"{said.test or '(no test)'} {said.comparator}{said.value or ''} {said.unit or ''} → {said.ucum or '(no unit)'}{factor}"
    )


def _waiting(tx: Connection, quarantined: bool, held: bool, analyzer: str | None) -> list[int]:
    """The entries that a person's decision is waited for; one that is pending already is left out."""
    from sqlalchemy import exists, or_, select

    from lis_bridge.storage.schema.holds import hold
    from lis_bridge.storage.schema.journal import journal

    waits = []
    if quarantined:
        waits.append(journal.c.state == "quarantined")
    if held:
        waits.append((journal.c.state == "done") & exists().where(hold.c.journal_id == journal.c.id, hold.c.state == "open"))
    query = select(journal.c.id).where(or_(False, *waits))
    return list(tx.scalars(query if analyzer is None else query.where(journal.c.analyzer == analyzer)))
