"""What single texts of a row mean, by the words of a manifest's table. Each function compiles one such word into a reader."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from lis_bridge.catalogue.manifest.results import FlagSource, RerunSpec


def code(pattern: str) -> Callable[[str], str]:
    """The groups of a code's pattern, joined by ``/``; a code that does not fit stays whole."""
    compiled = re.compile(pattern)

    def read(text: str) -> str:
        found = compiled.match(text)
        return "/".join(filter(None, found.groups())) if found is not None else text

    return read


def aspect(pattern: str | None, aspects: Mapping[str, str]) -> Callable[[str], str]:
    """What the device's word means; with a pattern, the word is its first group."""
    compiled = re.compile(pattern) if pattern else None

    def read(text: str) -> str:
        if compiled is not None:
            found = compiled.match(text)
            text = found[1] if found is not None else ""
        return aspects.get(text, "")

    return read


def rerun(spec: RerunSpec) -> Callable[[str], bool | None]:
    """True for a repeated run, False for a first one, None where the device does not say."""

    def read(text: str) -> bool | None:
        text = text.strip()
        if text in spec.again:
            return True
        return False if text in spec.first else None

    return read


def flags(source: FlagSource) -> Callable[[str], tuple[str, ...]]:
    """The device's flags in one field."""

    def read(text: str) -> tuple[str, ...]:
        parts = text.split(source.split) if source.split else [text]
        return tuple(source.map.get(part, part) for part in map(str.strip, parts) if part and part not in source.drop)

    return read


def fits(pattern: str) -> Callable[[str], bool]:
    """Whether a text is as the pattern says, blanks around it aside."""
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text.strip()) is not None
