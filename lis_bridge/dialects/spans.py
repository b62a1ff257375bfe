"""Where records stand in the bytes of a journal entry.

A text may have come in several runs of bytes (frames). ``starts`` maps offsets in the text to offsets in the entry, one pair per contiguous run.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from operator import itemgetter

from lis_bridge.core.starts import LineStarts, Starts

Spans = list[tuple[int, int]]


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


def of_run(lengths: Sequence[int], before: int, size: int, starts: Starts) -> Spans:
    """Spans in the entry of ``size`` lines that stand behind ``before`` others, one CR between them; ``lengths`` are those of a text's lines."""
    run, at = lengths[before : before + size], before + sum(lengths[:before])
    if isinstance(starts, LineStarts):
        found = _framed(at, at + sum(run) + size - 1, size, starts)
        if found is not None:
            return found
    return _of_lines(run, at, starts)


def _of_lines(lengths: Sequence[int], at: int, starts: Starts) -> Spans:
    begin = at + starts[0][1] - starts[0][0] if len(starts) == 1 else at
    found = []
    for length in lengths:
        end = begin + length
        found.append((begin, end))
        begin = end + 1
    return found if len(starts) == 1 else wired(found, starts)


def _framed(start: int, end: int, size: int, starts: LineStarts) -> Spans | None:
    """What ``_of_lines`` gives for the ``size`` lines of ``text[start:end]``, where each came in a frame of its own; None where one did not."""
    first = bisect_left(starts, start, key=itemgetter(0))
    frames = starts[first : first + size + 1]
    # So many frames as lines, and every frame begins behind one of the CRs: there is none inside.
    if len(frames) <= size or frames[0][0] != start or frames[size][0] != end + 1:
        return None
    return [(raw, raw + following - text - 1) for (text, raw), (following, _) in pairwise(frames)]
