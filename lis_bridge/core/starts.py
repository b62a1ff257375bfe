"""Where the parts of a text stood in the bytes that it came from: offsets in the text to offsets in the bytes, one pair per contiguous run."""

from __future__ import annotations

Starts = tuple[tuple[int, int], ...]
ORIGIN: Starts = ((0, 0),)


class LineStarts(tuple[tuple[int, int], ...]):
    """Starts of which each, but for the text's own beginning, stands behind a CR."""

    __slots__ = ()
