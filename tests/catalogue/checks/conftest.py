"""A copy of a shipped driver alone in a folder, to be damaged on purpose."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lis_bridge.catalogue.checks import Finding, Subject, run
from lis_bridge.catalogue.library import Broken, Library
from lis_bridge.catalogue.tests import TestCatalogue

DRIVERS = Path(__file__).parents[3] / "drivers"
TESTS = TestCatalogue.load()


@dataclass
class Copy:
    """A driver folder under ``root``."""

    root: Path
    id: str

    @property
    def folder(self) -> Path:
        return self.root / self.id

    def file(self, name: str = "driver.toml") -> Path:
        return self.folder / name

    def edit(self, old: str, new: str, name: str = "driver.toml") -> int:
        """Put ``new`` in the place of ``old``, which stands there once at least; the line where it stood."""
        text = self.file(name).read_text(encoding="utf-8")
        assert old in text
        self.file(name).write_text(text.replace(old, new, 1), encoding="utf-8")
        return text[: text.index(old)].count("\n") + 1

    def subject(self, *others: Path, effort: int = 400) -> Subject:
        library = Library.load([self.root, *others])
        return Subject(library.driver(self.id), library, TESTS, effort)

    def finds(self, check: str, *others: Path) -> list[Finding]:
        return run(self.subject(*others), check)

    def broken(self) -> Broken:
        """What is wrong with a manifest that does not load."""
        found: Broken = {}
        Library.load([self.root], broken=found)
        return found


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[str], Copy]:
    def copied(id: str) -> Copy:
        shutil.copytree(DRIVERS / id, tmp_path / "drivers" / id)
        return Copy(tmp_path / "drivers", id)

    return copied
