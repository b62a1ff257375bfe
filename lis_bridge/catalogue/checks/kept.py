"""The tiers that earlier lists computed, kept in the user's cache folder, so that a list need not check every driver again.

A tier is kept under a fingerprint of all that the checks read: the program, the test catalogue, every manifest on the shelf (what one driver
claims is another one's finding) and every file of the driver's own folder. What is kept is therefore never out of date, only no longer asked for.
What changed while it was checked is not kept. A cache that cannot be read or written costs time and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import get_args

from lis_bridge.catalogue.checks.subject import Subject
from lis_bridge.catalogue.checks.tiers import Tier, checked
from lis_bridge.catalogue.library import Library
from lis_bridge.core import resources
from lis_bridge.core.replacing import replace_file

MOST = 500
"""Tiers that stay: those that were used last; a shelf has less than a hundred drivers."""
_PROGRAM = Path(__file__).resolve().parents[2]


def cache_file(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Where this user's tiers are kept; None where nobody says where caches belong."""
    said = (environment.get("XDG_CACHE_HOME"), environment.get("LOCALAPPDATA"), os.path.expanduser("~/.cache"))
    folders = (Path(one) for one in said if one)
    return next((folder / "lis-bridge" / "tiers.json" for folder in folders if folder.is_absolute()), None)


class Kept:
    """The tiers of a library's drivers: as they were kept in ``file``, else computed."""

    def __init__(self, library: Library, file: Path | None) -> None:
        self._file = file
        self._tiers = {} if file is None else _read(file)
        self._manifests = repr([(id, library.driver(id).table) for id in library.ids()])
        self._around = _around()
        self._is_new = False

    def tier(self, subject: Subject) -> Tier:
        """The tier of a driver of the library; its checks run where no earlier run kept it."""
        key = self._fingerprint(subject)
        tier = self._tiers.pop(key, None)
        if tier is None:
            tier = checked(subject)[0]
            if self._fingerprint(subject) != key:
                return tier
            self._is_new = True
        self._tiers[key] = tier
        return tier

    def write(self) -> None:
        """Keeps what was computed, for the next list."""
        if self._file is None or not self._is_new or _around() != self._around:
            return
        kept = json.dumps(dict([*self._tiers.items()][-MOST:])).encode()
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self._file, kept, durable=False)

    def _fingerprint(self, subject: Subject) -> str:
        folder = subject.driver.folder
        parts = (self._around, self._manifests, subject.driver.id, subject.effort, _contents(folder, _entries(folder)))
        return hashlib.sha256(repr(parts).encode()).hexdigest()


def _read(file: Path) -> dict[str, Tier]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {key: tier for key, tier in found.items() if tier in get_args(Tier)} if isinstance(found, dict) else {}


def _around() -> str:
    """All that every driver's checks depend on beside the drivers. The program's own text, since a checkout changes without its version."""
    catalogue = resources.catalogue()
    return repr((sys.version, _contents(_PROGRAM, _PROGRAM.rglob("*.py")), _contents(catalogue, catalogue.rglob("*"))))


def _entries(folder: Path) -> Iterable[Path]:
    """All that lies in a driver's folder; ``rglob`` alone would leave out what is behind a link to a folder."""
    return {*folder.rglob("*"), *folder.glob("*/*")}


def _contents(folder: Path, entries: Iterable[Path]) -> str:
    """A digest of names and bytes; what is no file counts by its name, a check may find that it is there."""
    digest = hashlib.sha256()
    for entry in sorted(entries):
        digest.update(repr((entry.relative_to(folder).as_posix(), _content(entry))).encode())
    return digest.hexdigest()


def _content(entry: Path) -> str | None:
    try:
        return hashlib.sha256(entry.read_bytes()).hexdigest() if entry.is_file() else None
    except OSError:  # one that may not be read: the checks say so, where they want it
        return None
