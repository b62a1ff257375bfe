"""Wire bytes as a page shows them: text, control names, and what is marked."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Literal, NamedTuple

from lis_bridge.framing.legible import legible

SHOWN = 16_384
"""Bytes that a page shows; the file holds all."""
_CONTROL = re.compile(r"(<(?:[A-Z][A-Z0-9]{1,2}|x[0-9A-F]{2})>\n?)")


class Piece(NamedTuple):
    """``control`` is a name such as CR; ``ends`` where a line ends behind it."""

    kind: Literal["text", "control", "mark"]
    text: str
    ends: bool = False


def pieces(raw: bytes, marks: Collection[str] = (), charset: str = "") -> list[Piece]:
    """Bytes as pieces; ``marks`` are texts that stand out. With a charset, text is read by it and only controls are named."""
    shown = legible(raw[:SHOWN]) if not charset else _read(raw[:SHOWN], charset)
    found: list[Piece] = []
    for part in _CONTROL.split(shown):
        if _CONTROL.fullmatch(part):
            found.append(Piece("control", part.strip("<>\n"), part.endswith("\n")))
        elif part:
            found += _marked(part, marks)
    return found


def _read(raw: bytes, charset: str) -> str:
    """Text in its charset, with the names of the control characters in it."""
    text = raw.decode(charset, "replace")
    return "".join(legible(letter.encode(), lines=True) if letter < " " or letter == "\x7f" else letter for letter in text)


def _marked(text: str, marks: Collection[str]) -> list[Piece]:
    wanted = sorted(filter(None, marks), key=len, reverse=True)
    if not wanted:
        return [Piece("text", text)]
    pattern = re.compile(f"({'|'.join(map(re.escape, wanted))})")
    return [Piece("mark" if pattern.fullmatch(part) else "text", part) for part in pattern.split(text) if part]
