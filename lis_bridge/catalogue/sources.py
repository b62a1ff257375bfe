"""Where the words of a table find their texts: in a column of its rows, or once for all rows above them. Numbered when a driver is compiled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from lis_bridge.catalogue.heads import Asked, Texts, moment_paths
from lis_bridge.catalogue.manifest.results import Table
from lis_bridge.dialects import paths
from lis_bridge.dialects.paths import Path
from lis_bridge.dialects.records import COMMENTS, Rows, Selection


class Source(NamedTuple):
    """The number of a column among the rows', and of a text above them where the rows hold none; -1 where a path can never stand there."""

    number: int
    above: int


class Sources:
    """The places that a table names. ``record`` is that of its rows, empty in dialects that cut rows themselves."""

    def __init__(self, table: Table, record: str, asked: Asked) -> None:
        every = tuple(dict.fromkeys(_named(table, record)))
        held = {record, "@", *COMMENTS} if record else {"@", *COMMENTS}
        self.selection = Selection((path for path in every if not record or path.name or path.record in held), record)
        above = [path for path in every if path.record not in held]
        self._above = dict(zip(above, asked.numbers(above), strict=True))

    def of(self, path: Path) -> Source:
        return Source(self.selection.numbers.get(path, -1), self._above.get(path, -1))

    def said(self, text: str) -> Source:
        """The source of a place as a manifest writes it."""
        return self.of(paths.parse(text))

    def all(self, texts: Iterable[str]) -> tuple[Source, ...]:
        """The sources of several places."""
        return tuple(map(self.said, texts))

    def fields_of(self, listed: Iterable[Source]) -> tuple[int, ...]:
        """The numbers of the whole fields in which some sources stand."""
        parts, whole = self.selection.parts, len(self.selection.fields.numbers)
        numbers = (parts[one.number][0] if one.number in parts else one.number for one in listed)
        return tuple(dict.fromkeys(number for number in numbers if 0 <= number < whole))


def _named(table: Table, record: str) -> Iterable[Path]:
    """Every path of a table."""
    texts = chain(
        table.value, table.run, table.abnormal, table.only, table.code, table.name, table.unit, table.range, table.low, table.high,
        table.status, (source.path for source in table.flags),
    )  # fmt: skip
    single = table.type, table.aspect, table.rerun and table.rerun.path, table.material and table.material.path
    yield from paths.parse_all((*texts, *(text for text in single if text)))
    yield from chain.from_iterable(map(moment_paths, table.observed_at))
    if table.images:
        yield from image_paths(table, record)


def image_paths(table: Table, record: str) -> tuple[Path, ...]:
    """Where an image among the results stands: whole, its format, its data (HL7 2.5.1, 2.A.24 ED)."""
    field = paths.parse(table.value[0]).field
    return tuple(Path(record, field, part) for part in (0, 3, 5))


def column(source: Source, rows: Rows, texts: Texts) -> list[str]:
    """The texts of a source, row by row; behind the texts above the rows stands an empty one."""
    number, above = source
    if number >= 0:
        found = rows.columns[number]
        if found is None:
            found = rows.column(number)
        if found is not None:
            return found
    return [texts[above]] * rows.size


def first_of(choice: Sequence[Source], rows: Rows, texts: Texts) -> list[str]:
    """The first of several sources that is not empty, row by row."""
    if not choice:
        return [""] * rows.size
    found = column(choice[0], rows, texts)
    for other in choice[1:]:
        if "" not in found:
            break
        found = [one or more for one, more in zip(found, column(other, rows, texts), strict=True)]
    return found
