"""The proposal for delimited text: delimiter, head line, and columns whose names are known. No code is matched.

A column may leave out decimal points that its name only hints at (``10/uL``), so what its figures mean is a person's to say.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence

from lis_bridge.catalogue.scaffold.columns import LOOKS, filled, is_number, looks, says
from lis_bridge.catalogue.scaffold.named import role_of
from lis_bridge.catalogue.scaffold.parts import Part
from lis_bridge.catalogue.scaffold.proposal import Field
from lis_bridge.catalogue.scaffold.recognise import Framed
from lis_bridge.core.sayings import saying

KEY = "dialect.text"
_ROLES = ("patient_id", "patient_name", "birth", "sex", "age")


def propose(found: tuple[Framed, ...]) -> Part:
    """All that the rows of the captures say."""
    rows = [row for one in found for text in one.texts for row in csv.reader(text.splitlines(), delimiter=one.separator) if row]
    heads = [cell.strip() for cell in rows[0]]
    fields = [Field(f"{KEY}.csv.delimiter", found[0].separator, "proven", "every row is parted by it")]
    if _is_head(heads, rows[1:]):
        fields += _with_head(heads)
    else:
        fields += _without_head(rows)
    return Part(tuple(fields), (), tuple(_questions(heads, rows)))


def _is_head(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Words only, over rows that hold figures."""
    words = sum(map(LOOKS["word"], heads))
    return words >= 3 and not any(map(is_number, heads)) and any(is_number(cell.strip()) for row in rows for cell in row)


def _with_head(heads: Sequence[str]) -> Iterator[Field]:
    """One sample a row."""
    roles = {name: role_of(name) for name in heads}
    specimen = [name for role in ("specimen", "number") for name in heads if roles[name] == role]
    yield _specimen(specimen)
    for role in _ROLES:
        if names := [name for name in heads if roles[name] == role]:
            yield Field(f"{KEY}.message.{role}", names, "guessed", "named so")
    start = next(name for name in heads if name)
    yield Field(f"{KEY}.csv.head", rf'^[\s"]*{re.escape(start)}', "guessed", "the line that names the columns begins so")
    yield Field(
        f"{KEY}.csv.across.name", "(?P<code>.+)", "guessed", "every column that is neither head nor information may be a result"
    )
    info = [name for name in heads if roles[name] in ("info", "date", "time")]
    yield Field(f"{KEY}.csv.across.info", info, "guessed", "the names say that these are no results")
    yield from _results(["code"], ["value"])


def _without_head(rows: Sequence[Sequence[str]]) -> Iterator[Field]:
    """One result a row, columns by position; which of them is what, nothing says."""
    names = [f"c{number}" for number in range(1, max(map(len, rows)) + 1)]
    yield _specimen([])
    yield Field(f"{KEY}.csv.columns", names, "guessed", "by position; say what they are")
    yield Field(f"{KEY}.csv.down", {"sample": []}, "unknown", "name the columns that are equal within a sample")
    yield from _results(names[-2:-1] or names, names[-1:])


def _specimen(names: Sequence[str]) -> Field:
    key = f"{KEY}.message.specimen"
    if names:
        return Field(key, list(names), "guessed", "named like an id of the tube; the first that is not empty counts")
    return Field(key, None, "unknown", "no column is named like an id of the tube")


def _results(code: Sequence[str], value: Sequence[str]) -> Iterator[Field]:
    yield Field(f"{KEY}.results[0].code", list(code), "guessed", "confirm it")
    yield Field(f"{KEY}.results[0].value", list(value), "guessed", "confirm it")


def _questions(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    named = _is_head(heads, rows[1:])
    for number in range(max(map(len, rows))):
        column = [row[number] for row in rows[named:] if number < len(row)]
        look = next((name for name in ("moment", "barcode", "counted", "number", "sex", "word") if looks(column, name)), "")
        seen = says(column, look) if look else saying("{} of {} filled", len(filled(column)), len(column))
        if named and number < len(heads):
            yield saying("Column {} ({}): {}", number + 1, heads[number], seen)
        else:
            yield saying("Column {}: {}", number + 1, seen)
    yield "Which columns are results, in which unit, and whether decimal points are left out, the bytes cannot say"
