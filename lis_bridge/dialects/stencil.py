"""Messages of a form that was met before: their texts are taken where they stood the last time.

A source writes every message with the same records above and below its only run, each with as many fields as the last time. So lines and
fields, counted, find the form again; names and line ends at their places prove it. What is otherwise is read record by record.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from operator import itemgetter

from lis_bridge.dialects.columns import Fields, Grid, Take, taking
from lis_bridge.dialects.paths import Path
from lis_bridge.dialects.records import Places, Section

KEPT = 256
LONGEST = 1000
"""Bounds on what is remembered (forms, characters of one's names and of what stands below its run): hostile input must not grow memory."""


class Stencil:
    """Where the texts of one form's messages stand among the cells of a flat split: those of ``places``, and the fields of the run's records.

    A record's last cell holds the name of the next record too, behind a CR.
    """

    def __init__(self, section: Section, even: Grid, above: Sequence[Sequence[str]], below: str, places: Places) -> None:
        self.grammar, self.before, self.below = section.grammar, len(above), below
        self._measures = even.base, even.stride, even.size
        self.size = even.size
        first = list(accumulate((len(fields) - 1 for fields in above), initial=0))
        self._begins, self._awaited = first[1:-1], [f"\r{fields[0]}" for fields in above[1:]]
        self._run = slice(even.base, even.base + even.stride * even.size, even.stride)
        self._ends = f"\r{self.grammar.result}{self.grammar.field}", f"\r{self.grammar.result}"
        self._takes: dict[Fields, tuple[Take, bool]] = {}
        records = {kind: (first[number], first[number + 1]) for kind, number in section.above}
        cells = [self._cell(path, *records.get(path.record, (0, 0))) for path in places.paths]
        self._take = itemgetter(*(cell or len(even.flat) for cell, _ in cells), len(even.flat))
        self._lasts = tuple(number for number, (_, is_last) in enumerate(cells) if is_last)
        self._parts = tuple((number, path) for number, path in enumerate(places.paths) if path.component and cells[number][0])

    def _cell(self, path: Path, first: int, last: int) -> tuple[int, bool]:
        """The cell where a text stands, 0 where there is none, and whether it is its record's last."""
        at = first + self.grammar.place(path)
        return (at, at == last) if first < at <= last else (0, False)

    def fits(self, flat: list[str]) -> bool:
        """Whether cells are those of this form, in which as many CRs stand: one before each awaited name leaves no other record a place."""
        ends, (inner, last) = self.grammar.field.join(flat[self._run]), self._ends
        if ends.count(inner) != self.size - 1 or not ends.endswith(last):
            return False
        return all(map(str.endswith, [flat[cell] for cell in self._begins], self._awaited))

    def texts(self, flat: list[str]) -> list[str]:
        """The texts of the places without the blanks around them; behind the cells stands an empty one, and behind the texts."""
        texts = list(self._take(flat))
        for number in self._lasts:
            texts[number] = texts[number].partition("\r")[0]
        for number, path in self._parts:
            if texts[number]:
                texts[number] = self.grammar.part(texts[number], path)
        together = "".join(texts)
        if together.isascii() and " " not in together and together.isprintable():
            return texts
        return [text.strip() for text in texts]

    def fields(self, flat: list[str], wanted: Fields) -> Sequence[list[str]]:
        """The columns of these fields of the run's records in their order; to be asked once."""
        found = self._takes.get(wanted)
        if found is None:
            found = self._takes[wanted] = self._taking(wanted)
        take, with_lasts = found
        if not with_lasts:
            # Names of records are texts by the hundred that nobody asks for, and a message's peak of memory is here.
            flat[self._run] = [""] * self.size
        return take(flat)

    def _taking(self, wanted: Fields) -> tuple[Take, bool]:
        """What takes fields, and whether the records' last cells are among them."""
        base, stride, size = self._measures
        return taking(wanted, base, stride, size, self.grammar), stride + self.grammar.offset in wanted.numbers


class Stencils:
    """The forms of one dialect's messages, with what stands at ``places`` above their runs; all begin with the same header and separators."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._start = self._field = self._escape = "\0"
        self._kept: dict[tuple[int, int], Stencil] = {}
        self._lines: set[int] = set()

    def found(self, text: str, raw: bytes) -> tuple[Stencil, list[str], list[int]] | None:
        """The form of a text, its cells with an empty one behind, and how long its lines are in bytes; None where no form fits, or anything is escaped."""
        if not text.startswith(self._start) or "\n" in text or text.find(self._escape, len(self._start)) >= 0:
            return None
        lengths = list(map(len, raw.split(b"\r")))
        if len(lengths) not in self._lines:
            return None
        flat = text.split(self._field)
        stencil = self._kept.get((len(lengths), len(flat)))
        if stencil is None or not text.endswith(stencil.below) or not stencil.fits(flat):
            return None
        flat.append("")
        return stencil, flat, lengths

    def learn(self, section: Section) -> None:
        """Keeps the form of a message that is this section, where it has one: records with fields above a single run of equally many fields."""
        stretch, grammar = section.stretch, section.grammar
        if stretch is None or stretch.grid is None or not section.above:
            return
        text, even, below = stretch.text, stretch.grid, stretch.text[stretch.end :]
        key = stretch.before + stretch.size + below.count("\r"), len(even.flat)
        start = grammar.field.join((*even.flat[:2], ""))
        if (key in self._kept and start == self._start) or len(start) + len(below) > LONGEST:
            return
        above = [line.split(grammar.field) for line in text[: stretch.start - 1].split("\r")]
        names = sum(len(fields[0]) + 1 for fields in above)
        if names > LONGEST or min(map(len, above)) < 2 or self._names_asked(section):
            return
        if start != self._start or len(self._kept) >= KEPT:
            self._kept.clear()
            self._lines.clear()
            self._start, self._field, self._escape = start, grammar.field, grammar.escape
        self._kept[key] = Stencil(section, even, above, below, self._places)
        self._lines.add(key[0])

    def _names_asked(self, section: Section) -> bool:
        """Whether a place is a record's name, which no cell holds alone; or there is no place at all."""
        kinds, paths = {kind for kind, _ in section.above}, self._places.paths
        return not paths or any(path.record in kinds and section.grammar.place(path) == 0 for path in paths)
