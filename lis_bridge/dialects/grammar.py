"""How one message writes: its separators and its escapes."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from lis_bridge.dialects.paths import Path


class Grammar(NamedTuple):
    """How one message writes: its separators (all together: ``marks``), its escapes, and at which index of a split record field n stands."""

    field: str
    component: str
    repeat: str
    escape: str
    sub: str
    header: str
    result: str
    unescapes: tuple[tuple[str, str], ...]
    offset: int
    header_offset: int
    marks: str

    def place(self, path: Path) -> int:
        """The index of the path's field in its split record."""
        return path.field - (self.header_offset if path.record == self.header else self.offset)

    def part(self, text: str, path: Path) -> str:
        """The component (and subcomponent) that the path names, still escaped."""
        if path.component:
            text = nth(text, self.component, path.component)
            if path.sub:
                text = nth(text, self.sub, path.sub)
        return text

    def plain(self, text: str) -> str:
        """The text without its escape sequences, read once from left to right."""
        if self.escape and self.escape in text:
            return _unescaper(self.unescapes)(text)
        return text

    def plain_all(self, column: list[str]) -> list[str]:
        """The texts without their escape sequences; the same list where there are none."""
        if not self.escape or self.escape not in "".join(column):
            return column
        return [self.plain(text) for text in column]

    def pick(self, fields: list[str], path: Path) -> str:
        """What stands at ``path`` in a split record, unescaped; empty where the record is shorter."""
        record, number, component, _, _ = path
        index = number - (self.header_offset if record == self.header else self.offset)
        text = fields[index] if 0 <= index < len(fields) else ""
        if not text:
            return text
        return self.plain(self.part(text, path) if component else text)


@lru_cache(maxsize=64)
def _unescaper(unescapes: tuple[tuple[str, str], ...]) -> Callable[[str], str]:
    meanings = dict(unescapes)
    pattern = re.compile("|".join(map(re.escape, meanings)))
    return lambda text: pattern.sub(lambda found: meanings[found[0]], text)


def nth(text: str, separator: str, number: int) -> str:
    """Part ``number`` (from 1) of a separated text, empty where there are fewer."""
    start = 0
    for _ in range(number - 1):
        start = text.find(separator, start) + 1
        if not start:
            return ""
    end = text.find(separator, start)
    return text[start:] if end < 0 else text[start:end]
