"""Where the drivers and the test catalogue stand: in the installed wheel, else in the checkout around this package.

A site's own folders stand in front: those that are passed in, then those of ``LIS_BRIDGE_DRIVERS`` (a list separated like ``PATH``).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from lis_bridge.core.faults import DriverError

ENVIRONMENT = "LIS_BRIDGE_DRIVERS"
_PACKAGE = Path(__file__).resolve().parent.parent
_REMEDY = "Install lis-bridge again, or run it from a whole checkout"


def drivers(own: Sequence[Path] = (), environment: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """The folders that hold driver folders, the site's ``own`` first. Raises DriverError naming a folder that is not there."""
    for folder in own:
        if not folder.is_dir():
            raise DriverError("no such folder", where=str(folder), hint="Name a folder that holds driver folders")
    extra = tuple(Path(entry) for entry in environment.get(ENVIRONMENT, "").split(os.pathsep) if entry)
    for folder in extra:
        if not folder.is_dir():
            raise DriverError("no such folder", where=f"{ENVIRONMENT}={folder}", hint="Name a folder that holds driver folders")
    return (*dict.fromkeys((*own, *extra)), _shipped("_drivers", "drivers"))


def catalogue() -> Path:
    """The folder of the test catalogue and the units. Raises DriverError."""
    return _shipped("_catalogue", "config/catalogue")


def _shipped(installed: str, checkout: str) -> Path:
    """The wheel's own copy, which only exists where there is no checkout."""
    for folder in (_PACKAGE / installed, _PACKAGE.parent / checkout):
        if folder.is_dir():
            return folder
    raise DriverError(f"neither {installed} nor {checkout} is there", where=str(_PACKAGE), hint=_REMEDY)
