"""What the names of a message's records, in order, say of the records above its only run; kept, because a source always sends the same ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from lis_bridge.dialects.grammar import Grammar
from lis_bridge.dialects.reader import Reader, kind_of

KEPT = 256
LONGEST = 200
"""Bounds on what is remembered (outlines, characters of the names in one): hostile input must not grow memory."""

Names = tuple[str, ...]


class Outline(NamedTuple):
    """``simple``: one section without comments, above whose run stand ``records`` (kind, number of its line) of which ``opened`` came new with
    it; ``ended`` where a later record proves the run whole. ``hidden``: a result record stands outside the run.
    """

    hidden: bool
    simple: bool
    records: tuple[tuple[str, int], ...]
    opened: frozenset[str]
    ended: bool


class Outlines:
    """The outlines of one dialect's messages; ``levels`` gives the height of the records that open groups (0: patient, query or terminator)."""

    def __init__(self, levels: Mapping[str, int]) -> None:
        self.levels = levels
        self._kept: dict[tuple[Names, Names], Outline] = {}

    def of(self, above: Names, below: Names, grammar: Grammar) -> Outline:
        """The outline of a message with these names above and below its run."""
        found = self._kept.get((above, below))
        if found is None:
            found = self._read(above, below, grammar)
            if len(above) + len(below) + sum(map(len, above + below)) <= LONGEST:
                if len(self._kept) >= KEPT:
                    self._kept.clear()
                self._kept[above, below] = found
        return found

    def _read(self, above: Names, below: Names, grammar: Grammar) -> Outline:
        """Reads records of which each holds its name and the number of its line."""
        hidden = grammar.result in map(kind_of, above + below)
        reader = Reader(grammar, self.levels)
        reader.around(_numbered(above), _numbered(below))
        section, *others = reader.finish(complete=False)
        kinds = dict.fromkeys(map(kind_of, above))
        records = tuple((kind, int(fields[1])) for kind in kinds if (fields := section.records.get(kind)))
        return Outline(hidden, not others and not section.comments, records, section.opened, section.closed)


def _numbered(names: Names) -> list[list[str]]:
    return [[name, str(number)] for number, name in enumerate(names)]
