"""``lis-bridge driver``: what drivers there are, and whether they hold what they promise."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from lis_bridge.core import resources

if TYPE_CHECKING:
    from lis_bridge.catalogue.library import Library
    from lis_bridge.catalogue.tests import TestCatalogue

app = typer.Typer(no_args_is_help=True, help="List the drivers and check what they promise.")

_Json = Annotated[bool, typer.Option("--json", help="One JSON document for scripts.")]


def _shelf() -> tuple[Library, TestCatalogue]:
    from lis_bridge.catalogue.library import Library
    from lis_bridge.catalogue.tests import TestCatalogue

    return Library.load(resources.drivers()), TestCatalogue.load(resources.catalogue())


@app.command("list", epilog="Example: lis-bridge driver list --json")
def list_(json: _Json = False) -> None:
    """All drivers with class, protocol, direction and evidence tier."""
    from lis_bridge.catalogue.check import Subject, tier

    library, tests = _shelf()
    rows = [_row(Subject(library.driver(id), library, tests), tier) for id in library.ids()]
    if json:
        sys.stdout.buffer.write(msgspec.json.encode(rows) + b"\n")
        return
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


def _row(subject: Any, tier: Any) -> dict[str, Any]:
    manifest = subject.driver.manifest
    return {
        "id": manifest.id,
        "name": manifest.name,
        "class": manifest.class_,
        "protocol": ", ".join(sorted({_PROTOCOLS[dialect.kind] for dialect in manifest.dialect.values()})),
        "direction": manifest.direction,
        "tier": tier(subject),
        "models": list(manifest.models),
        "revision": manifest.revision,
        "not_verified": list(manifest.not_verified),
    }


_PROTOCOLS = {"hl7": "HL7 v2", "lis2": "LIS2-A2", "pairs": "name:value", "fixed": "fixed width", "csv": "delimited"}


@app.command("check", epilog="Example: lis-bridge driver check mindray-bs")
def check(
    ids: Annotated[list[str] | None, typer.Argument(help="Driver ids; all when none is named.", show_default=False)] = None,
    json: _Json = False,
) -> None:
    """Runs the conformance checks; exit code 1 when one of them finds something."""
    from lis_bridge.catalogue.check import CHECKS, Subject, run, tier

    library, tests = _shelf()
    report: list[dict[str, Any]] = []
    for id in ids or library.ids():
        subject = Subject(library.driver(id), library, tests)
        found = [finding for name in CHECKS for finding in run(subject, name)]
        report.append({"driver": id, "tier": tier(subject), "findings": [_plain(finding) for finding in found]})
    if json:
        sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
    else:
        for entry in report:
            typer.echo(f"{entry['driver']}: {entry['tier']}, {len(entry['findings'])} findings")
            for finding in entry["findings"]:
                typer.echo(f"  {finding['check']}: {finding['where']}: {finding['what']}")
    raise typer.Exit(1 if any(entry["findings"] for entry in report) else 0)


def _plain(finding: Any) -> dict[str, str]:
    return {"check": finding.check, "where": finding.where, "what": finding.what}
