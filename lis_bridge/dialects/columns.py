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

Take = Callable[[list[str]], Sequence[list[str]]]


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

    def fields(self, wanted: Fields, grammar: Grammar) -> Sequence[list[str]]:
        """The columns of these fields in their order."""
        return taking(wanted, self.base, self.stride, self.size, grammar)(self.flat)


class Fields:
    """Numbers of a result record's fields that are asked for."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self.numbers = tuple(dict.fromkeys(numbers))


def taking(wanted: Fields, base: int, stride: int, size: int, grammar: Grammar) -> Take:
    """What takes the columns of some fields out of the cells of a grid with these measures."""
    places = [number - grammar.offset for number in wanted.numbers]
    beyond = base + stride * size
    if len(places) > 1 and all(0 < place < stride for place in places):
        return itemgetter(*(slice(base + place, beyond, stride) for place in places))

    def field(flat: list[str], place: int) -> list[str]:
        if place == stride:
            return [cell.partition("\r")[0] for cell in flat[base + place : beyond + 1 : stride]]
        if 0 < place < stride:
            return flat[base + place : beyond : stride]
        return ["" if place else grammar.result] * size

    return lambda flat: [field(flat, place) for place in places]


def grid(text: str, start: int, end: int, size: int, grammar: Grammar) -> Grid | None:
    """The fields of ``text[start:end]``, a piece of ``size`` lines, by one flat split of the text; None where one of them is no result record, or
    has more or fewer fields than another.

    Wherever a result record begins, its name stands behind a CR and ends its cell. With ``size - 1`` of them at equal distances there is no place
    left for another CR.
    """
    mark, separator = grammar.result + grammar.field, grammar.field
    if not text.startswith(mark, start):
        return None
    stride, rest = divmod(text.count(separator, start, end), size)
    if rest:
        return None
    flat, base = text.split(separator), text.count(separator, 0, start)
    beyond = base + stride * size
    ends = separator.join((*flat[base + stride : beyond : stride], ""))
    return Grid(flat, base, stride, size) if ends.count(f"\r{mark}") == size - 1 else None


def grid_of(lines: Sequence[str], grammar: Grammar) -> Grid | None:
    """``grid`` for lines that are parted already."""
    text = "\r".join(lines)
    return grid(text, 0, len(text), len(lines), grammar)


def padded_grid(lines: Sequence[str], grammar: Grammar) -> Grid | None:
    """``grid_of`` for lines that become equally wide when each is filled up with empty fields; None where that would make twice the text."""
    counts = [line.count(grammar.field) for line in lines]
    widest = max(counts, default=0)
    if widest * len(lines) > sum(counts) + sum(map(len, lines)):
        return None
    return grid_of([line + grammar.field * (widest - count) for line, count in zip(lines, counts, strict=True)], grammar)


def ragged_fields(lines: list[str], wanted: Fields, grammar: Grammar) -> Sequence[list[str]]:
    """The columns of these fields in their order, record by record."""
    rows = [line.split(grammar.field) for line in lines]
    places = [number - grammar.offset for number in wanted.numbers]
    return [[row[index] if index < len(row) else "" for row in rows] for index in places]
