"""The run of a message whose results stand one behind the other: a piece of its text."""

from __future__ import annotations

import msgspec

from lis_bridge.core.starts import Starts
from lis_bridge.dialects.columns import Grid
from lis_bridge.dialects.spans import Spans, of_run


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
        return of_run(list(map(len, self.raw.split(b"\r"))), self.before, self.size, starts)
