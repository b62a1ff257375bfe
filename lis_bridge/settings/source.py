"""A TOML file as a table, and the line that every key stands on.

``tomllib`` decides what the text means; the index here only finds lines in text that tomllib has accepted, so it never has to be strict.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lis_bridge.core.faults import ConfigError

Location = tuple[str | int, ...]

_PART = re.compile(r'\s*(?:"((?:\\.|[^"\\])*)"|\'([^\']*)\'|([A-Za-z0-9_-]+))\s*(\.)?')
_TOKEN = re.compile(
    r"""
    \"{3}(?:\\.|[^\\])*?\"{3}(?!") | '{3}.*?'{3}(?!')    # strings over several lines
    | "(?:\\.|[^"\\\n])*" | '[^'\n]*' | \#[^\n]*
    | (?P<open>[\[{]) | (?P<close>[\]}]) | (?P<end>\n) | [^\n"'\#\[\]{}]+
    """,
    re.DOTALL | re.VERBOSE,
)
_AT_LINE = re.compile(r"\s*\(at (?:line (?P<line>\d+), column \d+|end of document)\)")


@dataclass(frozen=True)
class Source:
    """What a configuration file says and where."""

    path: Path
    table: dict[str, Any]
    lines: dict[Location, int]

    def where(self, location: Location) -> str:
        """``file:line`` of a key; of the table around it where the key itself is not there."""
        for length in range(len(location), 0, -1):
            if location[:length] in self.lines:
                return f"{self.path}:{self.lines[location[:length]]}"
        return str(self.path)


def read(path: Path) -> Source:
    """The file's table with its lines. Raises ConfigError naming the file, and the line where TOML is broken."""
    text = _text(path)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        found = _AT_LINE.search(str(wrong))
        line = (found and found["line"]) or text.count("\n") + 1
        raise ConfigError(f"not TOML: {_AT_LINE.sub('', str(wrong))}", where=f"{path}:{line}", hint="Mend this line") from wrong
    return Source(path, table, _lines(text.replace("\r\n", "\n")))


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")  # Windows editors put a byte order mark in front
    except UnicodeDecodeError as wrong:
        line = wrong.object[: wrong.start].count(b"\n") + 1
        raise ConfigError("not UTF-8", where=f"{path}:{line}", hint="Save the file as UTF-8") from wrong
    except OSError as wrong:
        raise ConfigError(wrong.strerror or "cannot be read", where=str(path), hint="Name a file that can be read") from wrong


def _lines(text: str) -> dict[Location, int]:
    """Every table's and key's location with the line of its first mention."""
    found: dict[Location, int] = {}
    counts: dict[Location, int] = {}
    table: Location = ()
    at, line = 0, 1
    while at < len(text):
        end = _statement_end(text, at)
        statement = text[at:end].strip()
        if statement.startswith("["):
            table = _header(statement, counts)
            found.setdefault(table, line)
        elif statement and not statement.startswith("#"):
            for location in _prefixes(table, _parts(statement)):
                found.setdefault(location, line)
        line += text.count("\n", at, end)
        at = end
    return found


def _statement_end(text: str, at: int) -> int:
    """The offset after the line end that closes a statement: outside strings, arrays and inline tables."""
    depth = 0
    for token in _TOKEN.finditer(text, at):
        depth += (token.lastgroup == "open") - (token.lastgroup == "close")
        if token.lastgroup == "end" and depth <= 0:
            return token.end()
    return len(text)


def _parts(text: str) -> tuple[str, ...]:
    """The parts of a dotted key at the start of ``text``."""
    parts: list[str] = []
    at = 0
    while found := _PART.match(text, at):
        parts.append(next(group for group in found.groups()[:3] if group is not None))
        at = found.end()
        if not found[4]:
            break
    return tuple(parts)


def _header(statement: str, counts: dict[Location, int]) -> Location:
    """The location that ``[a.b]`` or ``[[a]]`` opens; names of arrays of tables go on in their last element."""
    array = statement.startswith("[[")
    parts = _parts(statement[2 if array else 1 :])
    location: Location = ()
    for index, part in enumerate(parts):
        location = (*location, part)
        if array and index == len(parts) - 1:
            counts[location] = counts.get(location, 0) + 1
        if location in counts:
            location = (*location, counts[location] - 1)
    return location


def _prefixes(table: Location, parts: tuple[str, ...]) -> Iterator[Location]:
    return ((*table, *parts[:length]) for length in range(1, len(parts) + 1))
