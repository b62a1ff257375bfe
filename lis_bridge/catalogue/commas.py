"""A site's decimal comma: numbers of a table's rows with a point in its place, what was sent kept beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lis_bridge.catalogue.manifest.results import Table
from lis_bridge.dialects import paths
from lis_bridge.dialects.paths import Path
from lis_bridge.dialects.records import Rows

_NUMBER = re.compile(r"(\s*(?:[<>]=?|[≤≥])?\s*[+-]?[0-9]*),([0-9]+\s*)")
_INSIDE = re.compile(r"(?<=[0-9]),(?=[0-9])")


def places(table: Table) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Where a table's values stand, and where its limits."""
    return paths.parse_all(table.value), paths.parse_all((*table.range, *table.low, *table.high))


def with_points(rows: Rows, values: Iterable[Path], limits: Iterable[Path]) -> None:
    """Rewrites the columns: a value where all of it is one number, a limit between digits."""
    for path in values:
        column = rows.column(path)
        if column is not None and any("," in text for text in column):
            rows.verbatim.setdefault(path, column)
            rows.columns[path] = [_value(text) for text in column]
    for path in limits:
        column = rows.column(path)
        if column is not None:
            rows.columns[path] = [_INSIDE.sub(".", text) for text in column]


def _value(text: str) -> str:
    found = _NUMBER.fullmatch(text)
    return f"{found[1]}.{found[2]}" if found is not None else text
