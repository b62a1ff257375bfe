"""A comparison of yesterday's results with today's drivers, told to people and scripts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import typer

from lis_bridge.cli.output import table

if TYPE_CHECKING:
    from lis_bridge.cli.comparison import Comparison, Difference, Read

LISTED = 50
"""Differences in the table for people; ``--json`` has more."""


def as_document(found: Comparison) -> dict[str, Any]:
    """The JSON document: a summary, and every difference that was kept."""
    return {"summary": _summary(found), "differences": found.differences, "left_out": _left_out(found, len(found.differences))}


def _summary(found: Comparison) -> dict[str, Any]:
    kinds = {what.replace(" ", "_"): found.counts[what] for what in ("same", "changed", "other tube", "gone")}
    return {
        "entries": found.entries,
        "results": found.results,
        **kinds,
        "added": found.added,
        "delivered": found.delivered,
        "unconfigured": found.unconfigured,
        "filed_by": found.revisions,
    }


def _left_out(found: Comparison, listed: int) -> int:
    return found.results - found.counts["same"] - listed


def tell(found: Comparison) -> None:
    """The summary, and the first differences."""
    for analyzer, revisions in sorted(found.revisions.items()):
        typer.echo(f"{analyzer}: filed by {', '.join(f'{name} ({count} entries)' for name, count in sorted(revisions.items()))}")
    said = ", ".join(f"{found.counts[what]} {words}" for what, words in _WORDS.items())
    typer.echo(
        f"{found.results} results of {found.entries} entries: {said}; {found.added} new ones; {found.delivered} of them delivered"
    )
    if found.unconfigured:
        typer.echo(f"{found.unconfigured} entries are of analyzers that are configured no more", err=True)
    columns = ("entry", "tube", "code", "what", "was filed as", "would be read as", "delivered")
    table(columns, map(_row, found.differences[:LISTED]), empty="every result would be read the same today")
    if left := _left_out(found, min(LISTED, len(found.differences))):
        typer.echo(f"{left} more; --json has up to 10000", err=True)


_WORDS = {"same": "the same", "changed": "read differently", "other tube": "in another tube", "gone": "gone"}


def _row(one: Difference) -> Sequence[object]:
    tube = one.before.tube if one.after is None or one.after.tube == one.before.tube else f"{one.before.tube} → {one.after.tube}"
    fields = ("test", "value", "ucum", *one.fields)
    after = _read(one.after, fields) if one.after is not None else "(nothing)"
    return one.entry, tube, one.code, one.what, _read(one.before, fields), after, "yes" if one.delivered else "no"


def _read(said: Read, fields: Iterable[str]) -> str:
    """Test, value and unit, then what else differs by name."""
    plain = f"{said.test or '(no test)'} {said.comparator}{said.value or ''} {said.ucum or said.unit or ''}".rstrip()
    others = [name for name in dict.fromkeys(fields) if name not in ("test", "value", "comparator", "unit", "ucum")]
    return "; ".join([plain, *(f"{name} {getattr(said, name)}" for name in others)])
