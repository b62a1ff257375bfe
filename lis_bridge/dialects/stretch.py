"""The run of a message whose results stand one behind the other: a piece of its text."""

from __future__ import annotations

import msgspec

from lis_bridge.core.starts import LineStarts, Starts
from lis_bridge.dialects.columns import Grid
from lis_bridge.dialects.spans import Spans, of_framed, of_lines


class Stretch(msgspec.Struct):
    """``size`` result records that stand in ``text[start:end]``, with ``before`` lines above them; ``raw`` are the text's bytes.

    ``grid`` are their fields where all have equally many; whoever takes columns out of it lets it go, for it holds all texts of the message.
    """

    text: str
    raw: bytes
    start: int
    end: int
    size: int
    before: int
    grid: Grid | None

    def lines(self) -> list[str]:
        return self.text[self.start : self.end].split("\r")

    def spans(self, starts: Starts) -> Spans:
        if isinstance(starts, LineStarts) and len(self.raw) == len(self.text):
            found = of_framed(self.start, self.end, self.size, starts)
            if found is not None:
                return found
        lines, before = self.raw.split(b"\r"), self.before
        return of_lines(lines[before : before + self.size], before + sum(map(len, lines[:before])), starts)
