"""Where records stand in the bytes of a journal entry.

A text may have come in several runs of bytes (frames). ``starts`` maps offsets in the text to offsets in the entry, one pair per contiguous run.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from operator import itemgetter

Spans = list[tuple[int, int]]
Starts = Sequence[tuple[int, int]]
ORIGIN: Starts = ((0, 0),)


def wired(spans: Spans, starts: Starts) -> Spans:
    """Spans of the text as spans of the entry."""
    if len(starts) < 2 or not spans:
        shift = starts[0][1] - starts[0][0] if starts else 0
        return [(start + shift, end + shift) for start, end in spans] if shift else spans
    texts = [text for text, _ in starts]
    first = bisect_right(texts, spans[0][0]) - 1
    beyond = first + len(spans)
    # As most analyzers send: every record in a frame of its own.
    if texts[first:beyond] == [start for start, _ in spans] and (beyond == len(texts) or spans[-1][1] <= texts[beyond]):
        return [(raw, raw + end - start) for (start, end), (_, raw) in zip(spans, starts[first:beyond], strict=True)]
    shifts = [raw - text for text, raw in starts]
    found = []
    for start, end in spans:
        first = bisect_right(texts, start) - 1
        found.append((start + shifts[first], end + shifts[max(first, bisect_left(texts, end) - 1)]))
    return found


def of_lines(lines: Sequence[bytes], at: int, starts: Starts) -> Spans:
    """Spans in the entry of lines that stand one behind the other from text offset ``at``, one CR between them."""
    if len(starts) > 1:
        framed = _of_framed(lines, at, starts)
        return framed if framed is not None else wired(_of_lines(lines, at), starts)
    return _of_lines(lines, at + starts[0][1] - starts[0][0])


def _of_lines(lines: Sequence[bytes], start: int) -> Spans:
    found = []
    for line in lines:
        end = start + len(line)
        found.append((start, end))
        start = end + 1
    return found


def _of_framed(lines: Sequence[bytes], at: int, starts: Starts) -> Spans | None:
    """What ``wired`` gives, in one go, where every record came in a frame of its own; None where one did not."""
    first = bisect_right(starts, at, key=itemgetter(0)) - 1
    beyond = first + len(lines)
    if beyond > len(starts):
        return None
    found = []
    for line, (text, raw) in zip(lines, starts[first:beyond], strict=True):
        if text != at:
            return None
        size = len(line)
        found.append((raw, raw + size))
        at += size + 1
    return found if beyond == len(starts) or at - 1 <= starts[beyond][0] else None
