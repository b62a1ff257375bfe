"""Columns of a run of records: one flat split and slices with a stride where the run is uniform, record by record where it is not.

Whoever asks tries the flat split first; it gives None where it cannot prove that every record has as many fields as the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from lis_bridge.dialects.grammar import Grammar, nth
from lis_bridge.dialects.stretch import Stretch

LONG = 1000
"""Characters a record, on average, that only images reach."""


def are_long(texts: Sequence[str]) -> bool:
    """True where images are among the texts: what goes over all of them at once would go over the images again and again."""
    return sum(map(len, texts)) > LONG * len(texts)


def components(column: list[str], separator: str) -> Callable[[int], list[str]]:
    """What gives component ``number`` (from 1) of every text of a column.

    Where all texts have as many components, one flat split serves them all. A CR stands between the rows, and no text can hold one: when every
    cell that should be a CR is one, the rows are equally wide.
    """
    size = len(column)
    if are_long(column):
        return lambda number: [nth(text, separator, number) for text in column]
    flat = f"{separator}\r{separator}".join(column).split(separator)
    stride, rest = divmod(len(flat) + 1, size)
    if rest or "".join(flat[stride - 1 :: stride]) != "\r" * (size - 1):
        return lambda number: [nth(text, separator, number) for text in column]
    return lambda number: flat[number - 1 :: stride] if number < stride else [""] * size


def strided_fields(stretch: Stretch, wanted: Iterable[int], grammar: Grammar) -> dict[int, list[str]] | None:
    """Fields of a stretch whose records all have the same number of fields, by one flat split of the whole text; None where they differ.

    The cell at a record's end holds the CR and the next record's name as well. A CR always ends its cell, because a result's name and a separator
    follow. So the records are equally wide when the stretch has as many cells as its last record makes expect, and all cells at that stride have a CR.
    """
    text, separator, size, end = stretch.text, grammar.field, stretch.size, stretch.end
    stride = text.count(separator, text.rfind("\r", 0, end), end)
    flat, base = text.split(separator), text.count(separator, 0, stretch.start)
    beyond = base + stride * size
    if (
        len(flat) - 1 - text.count(separator, end) != beyond
        or "".join(flat[base + stride : beyond : stride]).count("\r") != size - 1
    ):
        return None
    found = {}
    for number in wanted:
        index = number - grammar.offset
        if index < stride:
            found[number] = flat[base + index : beyond : stride]
        elif index == stride:
            found[number] = [cell.partition("\r")[0] for cell in flat[base + stride : beyond + 1 : stride]]
        else:
            found[number] = [""] * size
    return found


def uniform_fields(joined: str, count: int, wanted: Iterable[int], grammar: Grammar) -> dict[int, list[str]] | None:
    """Fields of a run whose records all have the same number of fields, by one flat split; None where they differ.

    ``joined`` holds the records with a field separator and CR between them. The CR goes through the split with the next record's name, and no
    field can hold one: equal strides are proof.
    """
    flat = joined.split(grammar.field)
    width = len(flat) // count
    if len(flat) != count * width or "".join(flat[width::width]).count("\r") != count - 1:
        return None
    return {
        number: flat[number - grammar.offset :: width] if number - grammar.offset < width else [""] * count for number in wanted
    }


def ragged_fields(lines: list[str], wanted: Iterable[int], grammar: Grammar) -> dict[int, list[str]]:
    """Fields of a run, record by record."""
    rows = [line.split(grammar.field) for line in lines]
    found: dict[int, list[str]] = {}
    for number in wanted:
        index = number - grammar.offset
        found[number] = [row[index] if index < len(row) else "" for row in rows]
    return found
