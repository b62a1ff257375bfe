"""``lis-bridge mapping``: a device's codes and units that a person mapped, also while the service runs.

A running service reads by them within a second, and what waited for one is processed again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lis_bridge.cli.database import database
from lis_bridge.cli.output import By, ConfigFile, Json, document, table
from lis_bridge.core.faults import UsageError

if TYPE_CHECKING:
    from lis_bridge.settings import Config

app = typer.Typer(no_args_is_help=True, help="Codes and units that were mapped beside the configuration.")

_AS_SHOWN = "As lis-bridge quarantine shows it: what the device writes, and of an unusual material CODE@MATERIAL"
Analyzer = Annotated[str, typer.Argument(metavar="ANALYZER", help="Its id.", show_default=False)]
Said = Annotated[
    str,
    typer.Argument(metavar="CODE", help=f"{_AS_SHOWN}; with --unit a key of [analyzer.units].", show_default=False),
]
Code = Annotated[str, typer.Argument(metavar="CODE", help=f"{_AS_SHOWN}.", show_default=False)]
Unit = Annotated[
    bool, typer.Option("--unit", help="A unit and not a code: 'unit 15' is what the wire writes, HCY a code without a unit.")
]


@app.command("list", epilog="Example: lis-bridge mapping list -c bridge.toml")
def list_(config: ConfigFile, json: Json = False) -> None:
    """What was mapped, the oldest first; it stands over the configuration."""
    from lis_bridge import mappings

    with database(config) as (_, store), store.read() as tx:
        found = mappings.every(tx)
    if json:
        document(found)
        return
    rows = [(one.analyzer, one.kind, one.said, one.means or "(not reported)", one.by, one.at) for one in found]
    table(("analyzer", "", "device writes", "means", "by", "UTC"), rows, empty="nothing was mapped")


@app.command("add", epilog="Example: lis-bridge mapping add line-1 CysC-2 CYSC -c bridge.toml --by Lin")
def add(
    analyzer: Analyzer,
    said: Said,
    means: Annotated[
        str, typer.Argument(metavar="MEANS", help="A test of the catalogue; with --unit a unit.", show_default=False)
    ],
    config: ConfigFile,
    by: By,
    unit: Unit = False,
    json: Json = False,
) -> None:
    """Map a code to a test, and process again what waited for it."""
    from lis_bridge.catalogue.tests import TestCatalogue
    from lis_bridge.pipeline.deciding import Decisions

    with database(config) as (settings, store):
        _check_analyzer(settings, analyzer)
        with store.write() as tx:
            decisions = Decisions(tx, settings.destinations, by, datetime.now(UTC))
            replayed = decisions.map(analyzer, _kind(unit), said, means, TestCatalogue.load())
    if json:
        document({"analyzer": analyzer, "said": said, "means": means, "replayed": replayed})
    else:
        typer.echo(f"{said} of {analyzer} means {means}; {replayed} entries are processed again")


@app.command("ignore", epilog="Example: lis-bridge mapping ignore line-1 RBC-HIST -c bridge.toml --by Lin")
def ignore(analyzer: Analyzer, said: Code, config: ConfigFile, by: By, json: Json = False) -> None:
    """Say that a code is knowingly not reported; its results stay in their tubes as information, also what waited for it."""
    from lis_bridge import mappings
    from lis_bridge.pipeline.deciding import Decisions
    from lis_bridge.runtime.plans import codes_of

    with database(config) as (settings, store):
        _check_analyzer(settings, analyzer)
        with store.read() as tx:
            in_force = mappings.applied(settings, mappings.every(tx))
        codes = codes_of(in_force, analyzer)
        with store.write() as tx:
            replayed = Decisions(tx, settings.destinations, by, datetime.now(UTC)).ignore(analyzer, said, codes)
    if json:
        document({"analyzer": analyzer, "said": said, "replayed": replayed})
    else:
        typer.echo(f"{said} of {analyzer} is not reported; {replayed} entries are processed again")


@app.command("remove", epilog="Example: lis-bridge mapping remove line-1 CysC-2 -c bridge.toml --by Lin")
def remove(analyzer: Analyzer, said: Said, config: ConfigFile, by: By, unit: Unit = False) -> None:
    """Take a mapping back, or that a code is ignored: such results are held again. What was filed stays filed."""
    from lis_bridge import mappings
    from lis_bridge.pipeline.deciding import Decisions

    with database(config) as (settings, store), store.write() as tx:
        is_ignored = any((one.analyzer, one.kind, one.said) == (analyzer, "ignored", said) for one in mappings.every(tx))
        kind = "ignored" if is_ignored and not unit else _kind(unit)
        Decisions(tx, settings.destinations, by, datetime.now(UTC)).unmap(analyzer, kind, said)
    typer.echo(f"{said} of {analyzer} is {'ignored' if kind == 'ignored' else 'mapped'} no more")


def _kind(unit: bool) -> Literal["code", "unit"]:
    return "unit" if unit else "code"


def _check_analyzer(config: Config, analyzer: str) -> None:
    known = [one.id for one in config.analyzers]
    if analyzer not in known:
        raise UsageError(f"there is no analyzer {analyzer!r}", where="lis-bridge mapping", hint=f"known: {', '.join(known)}")
