"""Columns of a run of records: one flat split and slices with a stride where the run is uniform, record by record where it is not.

Whoever asks tries the ``grid`` first; it is None where it cannot be proved that every record has as many fields as the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter

import msgspec

from lis_bridge.dialects.grammar import Grammar, nth

LONG = 1000
"""Characters a record, on average, that only images reach."""

KEPT = 256
"""Grids that are remembered, by their measures."""

Take = Callable[[list[str]], tuple[list[str], ...]]


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


class Grid(msgspec.Struct, frozen=True):
    """The fields of ``size`` result records of ``stride`` fields each, from ``flat[base]`` on; a record's last one holds the CR and the next name."""

    flat: list[str]
    base: int
    stride: int
    size: int

    def fields(self, wanted: Fields, grammar: Grammar) -> tuple[list[str], ...]:
        """The columns of these fields in their order; to be asked once."""
        flat, base, stride, size = self.flat, self.base, self.stride, self.size
        beyond = base + stride * size
        if stride + grammar.offset not in wanted.numbers:
            # Names of records are texts by the hundred that nobody asks for, and a message's peak of memory is here.
            flat[base + stride : beyond : stride] = [""] * (size - 1)
        if 0 < wanted.lowest - grammar.offset <= wanted.highest - grammar.offset < stride:
            return wanted.taken(self, grammar.offset)
        return tuple([self._field(number - grammar.offset, grammar) for number in wanted.numbers])

    def _field(self, index: int, grammar: Grammar) -> list[str]:
        beyond = self.base + self.stride * self.size
        if index == self.stride:
            return [cell.partition("\r")[0] for cell in self.flat[self.base + index : beyond + 1 : self.stride]]
        if 0 < index < self.stride:
            return self.flat[self.base + index : beyond : self.stride]
        return ["" if index else grammar.result] * self.size


class Fields:
    """Numbers of a result record's fields that are asked for, with what takes them out of grids that were met before."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self.numbers = tuple(dict.fromkeys(numbers))
        self.lowest, self.highest = min(self.numbers, default=0), max(self.numbers, default=0)
        self._takes: dict[tuple[int, int, int], Take] = {}

    def taken(self, grid: Grid, offset: int) -> tuple[list[str], ...]:
        """The columns out of a grid in which all of them stand before a record's last field."""
        measures = grid.base, grid.stride, grid.size
        found = self._takes.get(measures)
        if found is None:
            beyond = grid.base + grid.stride * grid.size
            found = _take([slice(grid.base + number - offset, beyond, grid.stride) for number in self.numbers])
            if len(self._takes) >= KEPT:
                self._takes.clear()
            self._takes[measures] = found
        return found(grid.flat)


def _take(slices: list[slice]) -> Take:
    """What takes several pieces out of a list in one call."""
    if len(slices) > 1:
        return itemgetter(*slices)
    return lambda flat: tuple([flat[piece] for piece in slices])


def grid(text: str, start: int, end: int, size: int, grammar: Grammar) -> Grid | None:
    """The fields of ``text[start:end]``, a piece of ``size`` lines, by one flat split of the text; None where one of them is no result record, or
    has more or fewer fields than another.

    Wherever a result record begins, its name stands behind a CR and ends its cell. With ``size - 1`` of them at equal distances there is no place
    left for another CR.
    """
    mark, separator = grammar.result + grammar.field, grammar.field
    if not text.startswith(mark, start):
        return None
    flat, base = text.split(separator), text.count(separator, 0, start)
    beyond = len(flat) - 1 - text.count(separator, end)
    stride, rest = divmod(beyond - base, size)
    if rest:
        return None
    ends = separator.join((*flat[base + stride : beyond : stride], ""))
    return Grid(flat, base, stride, size) if ends.count(f"\r{mark}") == size - 1 else None


def grid_of(lines: Sequence[str], grammar: Grammar) -> Grid | None:
    """``grid`` for lines that are parted already."""
    text = "\r".join(lines)
    return grid(text, 0, len(text), len(lines), grammar)


def ragged_fields(lines: list[str], wanted: Fields, grammar: Grammar) -> tuple[list[str], ...]:
    """The columns of these fields in their order, record by record."""
    rows = [line.split(grammar.field) for line in lines]
    places = [number - grammar.offset for number in wanted.numbers]
    return tuple([[row[index] if index < len(row) else "" for row in rows] for index in places])
