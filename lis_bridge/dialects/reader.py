"""A message's records in order: which results belong under which patient and order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lis_bridge.dialects.grammar import Grammar
from lis_bridge.dialects.records import COMMENTS, Records, Section
from lis_bridge.dialects.spans import Spans
from lis_bridge.dialects.stretch import Stretch

ENDER = "L"
"""The terminator record of LIS2-A2 (E1394 12): ends everything, opens nothing."""


def kind_of(name: str) -> str:
    """A record's kind by its first field, as careless senders write it."""
    return name.strip().upper()


class Reader:
    """Collects sections; the current one stays open until a record of a higher level ends it."""

    def __init__(self, grammar: Grammar, levels: Mapping[str, int]) -> None:
        self.grammar = grammar
        self.levels = levels
        self.records: Records = {}
        self.opened: set[str] = set()
        self.done: list[Section] = []
        self.current: Section | None = None

    def around(self, above: Sequence[list[str]], below: Sequence[list[str]], stretch: Stretch | None = None) -> None:
        """The fields of records above and below the only run."""
        for fields in above:
            self._other(fields)
        self.current = self._section()
        self.current.stretch = stretch
        for fields in below:
            self._other(fields)

    def read(self, lines: list[str], spans: Spans) -> None:
        """Records in any order."""
        index, count, result = 0, len(lines), self.grammar.result + self.grammar.field
        width = len(result)
        heads = [line[:width] for line in lines]
        while index < count:
            end = index
            while end < count and heads[end] == result:
                end += 1
            fields = [] if end > index else lines[index].split(self.grammar.field)
            if fields and kind_of(fields[0]) == self.grammar.result:
                end += 1
            if end > index:
                self.results(lines[index:end], spans[index:end])
            else:
                self._other(fields)
            index = max(end, index + 1)

    def _other(self, fields: list[str]) -> None:
        kind = kind_of(fields[0])
        if kind in COMMENTS:
            self.comment(kind, fields)
        elif kind:
            self.record(kind, fields)

    def results(self, lines: list[str], spans: Spans) -> None:
        if self.current is None:
            self.current = self._section()
        self.current.rows[0].extend(lines)
        self.current.rows[1].extend(spans)

    def comment(self, kind: str, fields: list[str]) -> None:
        if self.current is not None:
            self.current.comments.append((self.current.size - 1, fields))
        else:
            self.records[kind] = fields

    def record(self, kind: str, fields: list[str]) -> None:
        level = self.levels.get(kind)
        if level is not None:
            self._end(level)
            if kind != ENDER:
                self.opened.add(kind)
        self.records[kind] = fields

    def _end(self, level: int) -> None:
        """A record of this level ends what stands at its own level and below: the run, or an opener that brought no results."""
        if self.current is not None:
            self.done.append(self.current)
            self.current = None
        elif any(self.levels[kind] >= level for kind in self.opened):
            self.done.append(self._section())
        if level == 0:
            self.opened.clear()
            header = self.records.get(self.grammar.header)
            self.records = {self.grammar.header: header} if header else {}
            return
        for kind in COMMENTS:
            self.records.pop(kind, None)
        for kind, height in self.levels.items():
            if height > level:
                self.records.pop(kind, None)

    def _section(self) -> Section:
        section = Section(dict(self.records), self.grammar, frozenset(self.opened), [])
        self.opened.clear()
        return section

    def finish(self, complete: bool) -> list[Section]:
        if self.current is not None:
            self.current.closed = complete
            self.done.append(self.current)
        elif self.opened or not self.done:
            last = self._section()
            last.closed = complete
            self.done.append(last)
        return self.done
