"""Lines of delimited text to rows of cells, with the names of their columns.

What a row brings too much would push values under foreign names, and what it lacks may be a value cut off: such a text is refused whole, with
the line named. Only the last row of a text may lack its end; its last cell may be cut off and is not counted.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lis_bridge.core.faults import Fault
from lis_bridge.dialects.sections import lines_of
from lis_bridge.dialects.spans import Spans

WIDEST = 1024
"""Cells of a row; a sample never needs more, and hostile text must not make every row as wide as its widest."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How rows are written.

    ``head`` is found in the line that names the columns; without it they are ``columns``. ``skip`` is found in lines that are no rows.
    ``least``: the number of cells that a row must have (0: one for each column). With ``rest`` the last column takes in what follows it.
    ``closed`` rows end with the delimiter. A blank as ``delimiter`` stands for any number of them.
    """

    delimiter: str
    quote: str
    head: re.Pattern[str] | None
    columns: tuple[str, ...]
    skip: re.Pattern[str] | None
    least: int
    rest: bool
    closed: bool


@dataclass(slots=True)
class Row:
    """A row's cells; ``torn``: the text ended inside it; ``lacks``: the number of cells that it would still have had."""

    cells: list[str]
    span: tuple[int, int]
    line: int
    torn: bool
    lacks: int = 0


class DamagedRowError(ValueError):
    """A row that cannot be read without guessing; ``fault`` names the line."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        hint = "The whole text is kept back; compare the line with the analyzer and export it again"
        self.fault = Fault("row damaged", f"line {line}: {what}", hint)


class Lines:
    """The lines of a text, their places in its bytes, and whether the last one has its end."""

    def __init__(self, text: str, raw: bytes, *, complete: bool) -> None:
        self.texts, spans = lines_of(text, raw, complete=complete)
        # In a text that is in none of the charsets, characters and bytes may not agree on the lines.
        self.spans: Spans = spans if len(spans) >= len(self.texts) else [(0, len(raw))] * len(self.texts)
        self.torn = not raw.endswith((b"\r", b"\n"))

    def name_columns(self, shape: Shape) -> bool:
        """True where the form needs no line with the names of the columns, or one is there."""
        return shape.head is None or any(map(shape.head.search, self.texts))


def rows_of(lines: Lines, shape: Shape) -> Iterator[Row]:
    """The rows that hold something. Raises DamagedRowError."""
    last = len(lines.texts) - 1
    for at, line in enumerate(lines.texts):
        if not line.strip() or (shape.skip is not None and shape.skip.search(line)):
            continue
        cells, torn = _split(line, at + 1, shape), lines.torn and at == last
        if len(cells) > WIDEST:
            raise DamagedRowError(at + 1, f"more than {WIDEST} cells")
        if torn or shape.closed:
            rest = cells.pop()
            if rest.strip() and not torn:
                raise DamagedRowError(at + 1, f"no {shape.delimiter} at its end")
        if cells:
            yield Row(cells, lines.spans[at], at + 1, torn)


def named_rows(lines: Lines, shape: Shape) -> Iterator[tuple[tuple[str, ...], Row]]:
    """The rows beside their columns' names; names may stand again where a file was added to. Raises DamagedRowError."""
    columns = shape.columns
    for row in rows_of(lines, shape):
        if shape.head is not None and shape.head.search(lines.texts[row.line - 1]):
            columns = tuple(cell.strip() for cell in row.cells)
            continue
        if not columns:
            raise DamagedRowError(row.line, "a row above the names of the columns")
        yield columns, _fitted(row, columns, shape)


def _split(line: str, number: int, shape: Shape) -> list[str]:
    if shape.delimiter == " ":
        return line.split()
    if not shape.quote or shape.quote not in line:
        return line.split(shape.delimiter)
    try:
        return next(csv.reader([line], delimiter=shape.delimiter, quotechar=shape.quote, strict=True))
    except csv.Error as wrong:
        raise DamagedRowError(number, str(wrong)) from None


def _fitted(row: Row, columns: Sequence[str], shape: Shape) -> Row:
    """The row with as many cells as columns. Raises DamagedRowError where it has more, or lacks some without being torn."""
    size, cells = len(columns), row.cells
    if shape.rest and len(cells) > size:
        cells = [*cells[: size - 1], shape.delimiter.join(cells[size - 1 :])]
    if any(cell.strip() for cell in cells[size:]):
        raise DamagedRowError(row.line, f"{len(cells)} cells, but {size} columns")
    least = shape.least or size
    if len(cells) < least and not row.torn:
        raise DamagedRowError(row.line, f"{len(cells)} cells instead of {least}")
    padded = [cell.strip() for cell in (*cells[:size], *[""] * (size - len(cells)))]
    return Row(padded, row.span, row.line, row.torn, max(0, size - len(cells)) if row.torn else 0)
