"""``lis-bridge driver pack`` and ``install``: a driver as one file that travels with the machine to its next laboratory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lis_bridge.cli.exits import Exit
from lis_bridge.cli.output import Drivers
from lis_bridge.cli.shelf import known, shelf
from lis_bridge.core import resources
from lis_bridge.core.faults import UsageError

if TYPE_CHECKING:
    from lis_bridge.catalogue.installing import Installed

Id = Annotated[str, typer.Argument(metavar="ID", help="The driver.")]
Out = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where the package goes.", show_default=False)]
Site = Annotated[
    Path | None, typer.Option("--config", "-c", metavar="FILE", help="A configuration whose own settings travel with the driver.")
]
Which = Annotated[
    str | None, typer.Option("--analyzer", metavar="ID", help="With --config: the analyzer that the settings are of.")
]
PackageFile = Annotated[Path, typer.Argument(metavar="FILE", help="A package.")]
Into = Annotated[
    Path | None,
    typer.Option(
        "--into", metavar="FOLDER", help="The site's driver folder; without it the first of [drivers] paths with --config."
    ),
]
SiteOfInstall = Annotated[Path | None, typer.Option("--config", "-c", metavar="FILE", help="The site's configuration.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a driver of the same or a newer revision.")]


def pack(id: Id, output: Out, config: Site = None, analyzer: Which = None, drivers: Drivers = None) -> int:
    """Write a driver with its captures, evidence, cabling and settings into one file.

    With --config and --analyzer what that site says of the analyzer (codes, units, options) travels as settings.toml; addresses do not.

    Exit codes: 0 written, 2 usage, 3 the configuration cannot be used, 6 the driver is wrong.
    """
    from lis_bridge.catalogue.package import pack as packed

    own = (*(drivers or ()), *_paths_of(config))
    library = shelf(own)
    driver = library.driver(known(library, id, "driver pack"))
    said = _settings(config, analyzer, driver.id) if config is not None else ""
    manifest = driver.manifest
    output.write_bytes(packed(driver.folder, driver.id, manifest.revision, manifest.needs, said))
    typer.echo(f"{output}: {driver.id}, revision {manifest.revision}, {output.stat().st_size} bytes")
    return Exit.OK


def _paths_of(config: Path | None) -> tuple[Path, ...]:
    from lis_bridge import settings

    return settings.driver_paths(config) if config is not None else ()


def _settings(config: Path, analyzer: str | None, driver: str) -> str:
    """What a site says of one analyzer. Raises UsageError where there is none of that driver, or several and none is named."""
    from lis_bridge import settings
    from lis_bridge.settings.travel import travelling

    ours = [one for one in settings.load(config).analyzers if one.driver == driver and analyzer in (None, one.id)]
    if len(ours) != 1:
        hint = f"--analyzer: one of {', '.join(one.id for one in ours)}" if ours else "Name an analyzer that has this driver"
        raise UsageError(f"{len(ours)} analyzers with driver {driver}", where=str(config), hint=hint)
    return travelling(ours[0])


def install(
    file: PackageFile, into: Into = None, config: SiteOfInstall = None, force: Force = False, drivers: Drivers = None
) -> int:
    """Check a package (damage, places, sizes, every conformance check) and put its driver into the site's driver folder.

    The sum in a package says that it is whole, not who made it: take packages from people whom you know.

    Exit codes: 0 installed, 1 a conformance check found something and nothing was installed, 2 usage, 6 the package cannot be used.
    """
    from lis_bridge.catalogue.installing import install as installed
    from lis_bridge.catalogue.package import SETTINGS, unpack
    from lis_bridge.catalogue.tests import TestCatalogue

    target = _target(into, config)
    package = unpack(_bytes_of(file), str(file))
    own = (*(drivers or ()), *_paths_of(config))
    shelves = [folder for folder in resources.drivers(own) if folder.resolve() != target]
    done = installed(package, target, shelves, TestCatalogue.load(resources.catalogue()), force=force)
    _tell(done)
    if SETTINGS in package.files and not done.findings:
        typer.echo(f"{done.folder / SETTINGS}: what its last site said of it; copy what holds here into [[analyzer]]")
    return Exit.FINDINGS if done.findings else Exit.OK


def _target(into: Path | None, config: Path | None) -> Path:
    named = into or next(iter(_named_paths(config)), None)
    if named is None:
        hint = "--into FOLDER, or --config FILE with [drivers] paths"
        raise UsageError("no folder for the site's drivers", where="driver install", hint=hint)
    if named.resolve() == resources.drivers(environment={})[-1].resolve():
        raise UsageError("these drivers come with the bridge", where=str(named), hint="Name a folder of the site's own")
    return named.resolve()


def _named_paths(config: Path | None) -> tuple[Path, ...]:
    """The folders of the configuration, also one that is not there yet, else those of the environment."""
    from lis_bridge import settings

    if config is not None:
        return settings.driver_paths(config, there=False)
    return tuple(Path(entry) for entry in os.environ.get(resources.ENVIRONMENT, "").split(os.pathsep) if entry)


def _bytes_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as wrong:
        raise UsageError(wrong.strerror or "cannot be read", where=str(file), hint="Name a package") from wrong


def _tell(done: Installed) -> None:
    for finding in done.findings:
        typer.echo(f"{finding} [{finding.check}]", err=True)
    if done.findings:
        typer.echo(f"{len(done.findings)} findings: nothing was installed", err=True)
        return
    instead = f", in place of revision {done.replaced}" if done.replaced else ""
    typer.echo(f"{done.folder}: installed, {done.tier}{instead}")
