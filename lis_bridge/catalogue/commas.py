"""A site's decimal comma: numbers of a table's rows with a point in its place, what was sent kept beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lis_bridge.catalogue.manifest.results import Table
from lis_bridge.dialects import paths
from lis_bridge.dialects.records import Rows, Selection

_NUMBER = re.compile(r"(\s*(?:[<>]=?|[≤≥])?\s*[+-]?[0-9]*),([0-9]+\s*)")
_INSIDE = re.compile(r"(?<=[0-9]),(?=[0-9])")


def places(table: Table, selection: Selection) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The numbers of a table's values, and of its limits."""
    values, limits = paths.parse_all(table.value), paths.parse_all((*table.range, *table.low, *table.high))
    numbers = selection.numbers
    return tuple(numbers[path] for path in values if path in numbers), tuple(numbers[path] for path in limits if path in numbers)


def with_points(rows: Rows, values: Iterable[int], limits: Iterable[int]) -> None:
    """Rewrites the columns: a value where all of it is one number, a limit between digits."""
    for number in values:
        column = rows.column(number)
        if column is not None and any("," in text for text in column):
            rows.verbatim.setdefault(number, rows.as_sent(number) or column)
            rows.columns[number] = [_value(text) for text in column]
    for number in limits:
        column = rows.column(number)
        if column is not None:
            rows.columns[number] = [_INSIDE.sub(".", text) for text in column]


def _value(text: str) -> str:
    found = _NUMBER.fullmatch(text)
    return f"{found[1]}.{found[2]}" if found is not None else text
