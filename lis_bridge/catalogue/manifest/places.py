"""Where in its files a driver says something: ``file:line``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lis_bridge.settings import source
from lis_bridge.settings.source import Location


def place(files: Sequence[Path], location: Location) -> str:
    """``file:line`` of a key, in the nearest file that says it; of the table around it where none does."""
    sources = [source.read(file) for file in files]
    for length in range(len(location), 0, -1):
        for one in sources:
            if location[:length] in one.lines:
                return f"{one.path}:{one.lines[location[:length]]}"
    return str(files[0])


def line_of(files: Sequence[Path], text: str) -> str:
    """``file:line`` where a text stands first; the first file where it stands nowhere."""
    for file in files:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if text in line:
                return f"{file}:{number}"
    return str(files[0])
