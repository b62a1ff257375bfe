"""The cells of the records above a run: the fields of all of them in one flat split, where a record's last field holds the next record's name too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from operator import itemgetter
from typing import NamedTuple

from lis_bridge.dialects.grammar import Grammar
from lis_bridge.dialects.paths import Path

KEPT = 256
"""Bound on the layouts for which places remember their cells."""


class Layout:
    """At which cell each record begins, for all messages whose records above the run have as many fields as ``above``.

    ``records`` are kind and number of the line of those that count for the run.
    """

    __slots__ = ("_begins", "_header", "_names", "records", "size")

    def __init__(self, records: Sequence[tuple[str, int]], above: Sequence[Sequence[str]]) -> None:
        first = list(accumulate((len(fields) - 1 for fields in above), initial=0))
        self.size = first[-1] + 1
        self._header = above[0][0]
        self._begins = first[1:-1]
        self._names = [f"\r{fields[0]}" for fields in above[1:]]
        self.records = {kind: (above[number][0], first[number], first[number + 1]) for kind, number in records}

    def fits(self, cells: Sequence[str], lines: int) -> bool:
        """Whether these ``size`` cells, in which ``lines - 1`` CRs stand before the last, are records of this layout.

        A CR before each name that is awaited leaves no other record a place.
        """
        if lines != len(self._names) + 1 or cells[0] != self._header:
            return False
        return all(map(str.endswith, [cells[cell] for cell in self._begins], self._names))


class Cut(NamedTuple):
    """How texts are taken out of cells with an empty one behind them; ``parts`` are numbers of texts of which the path names a part, or which
    stand last in their record.
    """

    take: Callable[[list[str]], Sequence[str]]
    parts: tuple[tuple[int, Path], ...]


def cut(layout: Layout, paths: Sequence[Path], grammar: Grammar) -> Cut | None:
    """How the texts at these paths are taken; None where a path asks for a record's name or there are fewer than two."""
    cells, parts = [], []
    for number, path in enumerate(paths):
        _, first, last = layout.records.get(path.record, ("", 0, 0))
        index = grammar.place(path)
        if index == 0 and last:
            return None
        at = first + index
        cells.append(at if index > 0 and at <= last else layout.size)
        if path.component or at == last:
            parts.append((number, path))
    return Cut(itemgetter(*cells), tuple(parts)) if len(cells) > 1 else None


class Laid:
    """The records of one message above its run, by their layout."""

    __slots__ = ("_cells", "_layout")

    def __init__(self, layout: Layout, cells: list[str]) -> None:
        self._layout = layout
        self._cells = cells
        cells.append("")

    def get(self, kind: str) -> list[str] | None:
        """The fields of a record; None where there is no such record."""
        found = self._layout.records.get(kind)
        if found is None:
            return None
        name, first, last = found
        return [name, *self._cells[first + 1 : last], self._cells[last].partition("\r")[0]]

    def texts(self, paths: Sequence[Path], cuts: dict[Layout, Cut | None], grammar: Grammar) -> list[str] | None:
        """The texts at ``paths`` without the blanks around them; None where they must be looked up one by one. ``cuts`` remembers how."""
        try:
            how = cuts[self._layout]
        except KeyError:
            if len(cuts) >= KEPT:
                cuts.clear()
            how = cuts[self._layout] = cut(self._layout, paths, grammar)
        if how is None:
            return None
        texts = list(how.take(self._cells))
        for number, path in how.parts:
            if texts[number]:
                texts[number] = grammar.part(texts[number].partition("\r")[0], path)
        together = "".join(texts)
        if grammar.escape and grammar.escape in together:
            texts = [grammar.plain(text) for text in texts]
        elif together.isascii() and " " not in together and together.isprintable():
            return texts
        return [text.strip() for text in texts]
