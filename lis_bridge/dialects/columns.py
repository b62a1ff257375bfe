"""Columns of a run of records: one flat split and slices with a stride where the run is uniform, record by record where it is not.

Whoever asks tries the ``grid`` first; it is None where it cannot be proved that every record has as many fields as the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from lis_bridge.dialects.grammar import Grammar, nth

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


class Grid(NamedTuple):
    """All fields of ``size`` records, ``stride`` each, one behind the other; a record's last field holds the CR and the next record's name as well."""

    flat: list[str]
    stride: int
    size: int

    def fields(self, wanted: Iterable[int], grammar: Grammar) -> dict[int, list[str]]:
        """The columns of these fields by their numbers."""
        flat, stride = self.flat, self.stride
        beyond, found = stride * self.size, {}
        for number in wanted:
            index = number - grammar.offset
            if index < stride:
                found[number] = flat[index:beyond:stride]
            elif index == stride:
                found[number] = [cell.partition("\r")[0] for cell in flat[stride::stride]]
            else:
                found[number] = [""] * self.size
        return found


def grid(text: str, size: int, grammar: Grammar) -> Grid | None:
    """The fields of a text of ``size`` lines by one flat split; None where one is no result record, or has more or fewer fields than another.

    The text begins with a result record. Wherever another begins, its name stands behind a CR and ends its cell: with ``size - 1`` of them at
    equal distances there is no place left for another CR.
    """
    flat = text.split(grammar.field)
    stride, rest = divmod(len(flat) - 1, size)
    if rest or not stride:
        return None
    ends = grammar.field.join((*flat[stride : stride * size : stride], ""))
    return Grid(flat, stride, size) if ends.count(f"\r{grammar.result}{grammar.field}") == size - 1 else None


def ragged_fields(lines: list[str], wanted: Iterable[int], grammar: Grammar) -> dict[int, list[str]]:
    """Fields of a run, record by record."""
    rows = [line.split(grammar.field) for line in lines]
    found: dict[int, list[str]] = {}
    for number in wanted:
        index = number - grammar.offset
        found[number] = [row[index] if index < len(row) else "" for row in rows]
    return found
