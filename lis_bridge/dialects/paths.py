"""Where a piece of text stands: ``OBX-3.1``, ``R-4``, ``O-12`` or, in text dialects, a plain name.

Numbers are those of the standards: HL7 v2 counts fields after the segment name (MSH-1 is the separator itself), LIS2-A2 counts the record
letter as field 1. ``@.n`` means component n of the repeat that a table walks through (``each``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

_PATH = re.compile(r"([A-Z][A-Z0-9]{0,2}|@)(?:-(\d+))?(?:\.(\d+))?(?:\.(\d+))?")


class Path(NamedTuple):
    """A place in a message; ``component`` and ``sub`` count from 1, 0 means the whole."""

    record: str
    field: int = 0
    component: int = 0
    sub: int = 0
    name: str = ""

    def __str__(self) -> str:
        if self.name:
            return self.name
        tail = "".join(f".{n}" for n in (self.component, self.sub) if n)
        return f"{self.record}-{self.field}{tail}" if self.field else f"{self.record}{tail}"


@lru_cache(maxsize=4096)
def parse(text: str) -> Path:
    """The path that a manifest wrote; a text that is no record path is a name (``条码``)."""
    found = _PATH.fullmatch(text)
    if found is None or (found[1] != "@" and found[2] is None):
        return Path("", name=text)
    record, *numbers = found.groups()
    field, component, sub = (int(number or 0) for number in numbers)
    return Path(record, field, component, sub)


def parse_all(texts: Iterable[str]) -> tuple[Path, ...]:
    """The paths that a manifest lists."""
    return tuple(map(parse, texts))
