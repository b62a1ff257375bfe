"""``lis-bridge config``: is a configuration file right, what is unwise about it, and what does it change of the drivers?"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lis_bridge.cli.exits import Exit
from lis_bridge.cli.output import Json, document

if TYPE_CHECKING:
    from lis_bridge.catalogue.manifest.driver import Manifest
    from lis_bridge.catalogue.tests import TestCatalogue
    from lis_bridge.settings import Analyzer, Config, Finding

app = typer.Typer(no_args_is_help=True, help="Check a configuration file.")

File = Annotated[Path, typer.Argument(metavar="FILE", help="The configuration file.", show_default=False)]
Strict = Annotated[bool, typer.Option("--strict", help="Warnings count too: exit code 1.")]


@app.callback()
def config() -> None:
    """Check a configuration file."""


@app.command("check", epilog="Example: lis-bridge config check config/hospital.toml")
def check(file: File, json: Json = False, strict: Strict = False) -> int:
    """Name every mistake with its line, then what is unwise and what the site changes of its drivers.

    Exit codes: 0 usable, 1 warnings with --strict, 3 mistakes.
    """
    from lis_bridge import settings
    from lis_bridge.cli.overriding import mismatches, outgrown, unheeded, unpinned
    from lis_bridge.cli.shelf import shelf_of

    library = shelf_of(file)
    found, wrong = settings.examine(file, drivers=library.ids())
    errors = [_plain(error.where, error.what, error.hint) for error in wrong]
    warnings: list[dict[str, str]] = []
    overrides: list[dict[str, Any]] = []
    if found is not None:
        tests = _tests()
        errors += [_placed(found, item) for item in (*mismatches(found, library, tests), *unpinned(found, library))]
        marks = settings.warnings(found, marks_controls=lambda driver: marks_controls(library.driver(driver).manifest))
        warnings = [_placed(found, item) for item in (*marks, *unheeded(found), *outgrown(found, library))]
        overrides = [_overrides(analyzer, library.driver(analyzer.driver).manifest) for analyzer in found.analyzers]
    mapped = _mapped(found) if found is not None else []
    report = {"ok": not errors, "errors": errors, "warnings": warnings, "analyzers": overrides, "mapped": mapped}
    document(report) if json else _tell(file, report)
    return Exit.CONFIG if errors else Exit.FINDINGS if warnings and strict else Exit.OK


def _mapped(config: Config) -> list[dict[str, str]] | None:
    """What people mapped since; read without touching the database, which an older service may hold. None: it is a server's, and was not looked at."""
    place = config.storage.url.removeprefix("sqlite:///")
    if place == config.storage.url:
        return None
    if not Path(place).exists():
        return []
    columns = ("analyzer", "kind", "said", "means", "by", "at")
    try:
        with closing(sqlite3.connect(f"{Path(place).as_uri()}?mode=ro", uri=True)) as connection:
            rows = connection.execute(f"SELECT {', '.join(columns)} FROM mapping ORDER BY id").fetchall()
    except sqlite3.Error:  # of before there were any
        return []
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _tests() -> TestCatalogue:
    from lis_bridge.catalogue.tests import TestCatalogue
    from lis_bridge.core import resources

    return TestCatalogue.load(resources.catalogue())


def marks_controls(manifest: Manifest) -> bool:
    """True when the family's messages or ids tell control material by themselves (promise 6)."""
    rules = (rule for dialect in manifest.dialect.values() for rule in dialect.kinds)
    return manifest.controls is not None or any(rule.is_ == "qc" for rule in rules)


def _overrides(analyzer: Analyzer, manifest: Manifest) -> dict[str, Any]:
    """What is in force for an analyzer where the site says something else than the driver."""
    said = {
        "revision": analyzer.revision,
        "dialect": analyzer.dialect,
        "charset": list(analyzer.charset) or None,
        "number_date": analyzer.number_date if analyzer.number_date != "message" else None,
        "options": analyzer.options or None,
        "decimal": analyzer.decimal if analyzer.decimal != "." else None,
        "specimen_pattern": analyzer.specimen_pattern.pattern if analyzer.specimen_pattern else None,
    }
    tables = {"codes": (analyzer.codes, manifest.codes), "units": (analyzer.units, manifest.units)}
    changes = {name: _changed(site, driver) for name, (site, driver) in tables.items() if site}
    return {
        "id": analyzer.id,
        "driver": manifest.id,
        **{name: value for name, value in said.items() if value is not None},
        **changes,
    }


def _changed(site: dict[str, str], driver: dict[str, str]) -> dict[str, dict[str, str | None]]:
    return {key: {"driver": driver.get(key), "site": value} for key, value in site.items()}


def _placed(config: Config, finding: Finding) -> dict[str, str]:
    from lis_bridge import settings

    return _plain(settings.place(config, finding.location), finding.what, finding.hint)


def _plain(where: str, what: str, hint: str) -> dict[str, str]:
    return {"where": where, "what": what, "hint": hint}


def _tell(file: Path, report: dict[str, Any]) -> None:
    for level in ("errors", "warnings"):
        for item in report[level]:
            word = "" if level == "errors" else "warning: "
            typer.echo(f"{item['where']}: {word}{item['what']} ({item['hint']})", err=True)
    for analyzer in report["analyzers"]:
        for name, value in analyzer.items():
            if name not in ("id", "driver"):
                typer.echo(f"{analyzer['id']}: {name}: {_said(value)}")
    if report["mapped"] is None:
        typer.echo(f"mapped: not looked at, the database is a server's; lis-bridge mapping list -c {file} shows it")
    for one in report["mapped"] or ():
        typer.echo(
            f"{one['analyzer']}: mapped: {one['kind']} {one['said']}{' = ' if one['means'] else ''}{one['means']} ({one['by']})"
        )
    if report["ok"]:
        typer.echo(f"{file}: usable, {len(report['analyzers'])} analyzers, {len(report['warnings'])} warnings")


def _said(value: Any) -> str:
    """Changes as ``GLU-P = GLU (driver: nothing)``, anything else as it is."""
    if not isinstance(value, dict) or not all(isinstance(inner, dict) for inner in value.values()):
        return str(value)
    return ", ".join(f"{key} = {change['site']} (driver: {change['driver'] or 'nothing'})" for key, change in value.items())
