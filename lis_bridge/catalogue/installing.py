"""A package becomes a driver of the site: checked where it lies, compared with what is there, then moved into place in one step."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lis_bridge.catalogue.checks import Finding, Subject, checked
from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.manifest import tables
from lis_bridge.catalogue.package import Package
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core.faults import DriverError


@dataclass(frozen=True)
class Installed:
    """What was done: ``replaced`` is the revision that was there, ``findings`` what the checks found (then nothing was done)."""

    folder: Path
    tier: str
    replaced: int | None
    findings: tuple[Finding, ...]


def install(package: Package, into: Path, shelves: Sequence[Path], tests: TestCatalogue, *, force: bool = False) -> Installed:
    """Put a package's driver into the folder ``into``; ``shelves`` are all folders with drivers. Raises DriverError where it may not stand there."""
    place = into / package.id
    replaced = _revision(place)
    if replaced is not None and replaced >= package.revision and not force:
        what = f"driver {package.id} is there at revision {replaced}, the package has {package.revision}"
        raise DriverError(what, where=str(place), hint="--force replaces it all the same")
    into.mkdir(parents=True, exist_ok=True)
    with _staged(package, into) as staged:
        try:
            tier, found = _examined(package, staged, [folder for folder in shelves if folder != into], tests)
        except DriverError as wrong:
            raise DriverError(wrong.what, where=_packed(wrong.where, staged), hint=wrong.hint) from wrong
        if found:
            told = tuple(replace(finding, where=_packed(finding.where, staged)) for finding in found)
            return Installed(place, tier, replaced, told)
        _moved(staged / package.id, place)
    return Installed(place, tier, replaced, ())


def _packed(where: str, staged: Path) -> str:
    """A place as the package names it."""
    return where.removeprefix(f"{staged}{os.sep}")


def _revision(place: Path) -> int | None:
    """The revision of a driver that is there; 0 where nobody can tell."""
    if not place.exists():
        return None
    try:
        said = tables.read(place / "driver.toml").get("revision")
    except DriverError:
        return 0
    return said if isinstance(said, int) else 0


@contextmanager
def _staged(package: Package, into: Path) -> Iterator[Path]:
    """The package's files beside copies of the site's other drivers, from which they must be recognised apart, where no library looks."""
    with tempfile.TemporaryDirectory(prefix=".incoming-", dir=into) as name:
        staged = Path(name)
        for place, data in package.files.items():
            file = staged / package.id / place
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        for other in into.glob("*/driver.toml"):
            if other.parent.name != package.id:
                shutil.copytree(other.parent, staged / other.parent.name)
        yield staged


def _examined(package: Package, staged: Path, shelves: Sequence[Path], tests: TestCatalogue) -> tuple[str, list[Finding]]:
    """The driver's tier and findings among the drivers that it will stand beside."""
    library = Library.load([staged, *shelves])
    driver = library.driver(package.id)
    if driver.manifest.revision != package.revision:
        what = f"the package says revision {package.revision}, its driver {driver.manifest.revision}"
        raise DriverError(what, where=driver.place("revision"), hint="Pack it again")
    return checked(Subject(driver, library, tests))


def _moved(staged: Path, place: Path) -> None:
    """Take the place of what is there; what was there stays whole until the new one stands."""
    before = staged.parent / f"{place.name}.before"
    if place.exists():
        place.rename(before)
    try:
        staged.rename(place)
    except OSError:
        if before.exists():
            before.rename(place)
        raise
