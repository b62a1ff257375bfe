"""The figures of docs/onboarding.md, as its lines."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benches.onboarding.again import TAKEN, again
from tests.catalogue.scaffold.families import FAMILIES, filed, guesses, proposal

HEADS = ("family", "proposed", "kept", "edited", "added", "notes", "findings", "then", "read alike", "read besides")


def three() -> Iterator[tuple[str, float]]:
    """A line of the table for each family that was taken away, and the seconds that its proposal took."""
    for family in TAKEN:
        with tempfile.TemporaryDirectory() as scratch:
            one = again(family, Path(scratch))
        counts = (one.proposed, one.kept, one.edited, one.added, one.notes, len(one.before), len(one.after))
        yield f"| {family} | {' | '.join(map(str, counts))} | {one.same} of {one.results} | {one.extra} |", one.seconds


def every() -> Iterator[str]:
    """What became of codes, values and fields of all families, each proposed without itself and its kin."""
    codes = sum((guesses(family) for family in FAMILIES), Counter[str]())
    results = sum((filed(family) for family in FAMILIES), Counter[str]())
    marks = Counter(field.certainty for family in FAMILIES for field in proposal(family).fields)
    yield f"- {len(FAMILIES)} families"
    yield f"- codes: {_listed(codes, ('right', 'wrong', 'left open', 'rightly left open'))}"
    yield f"- values of patients: {_listed(results, ('right', 'wrong', 'held'))}"
    yield f"- fields: {_listed(marks, ('proven', 'guessed', 'unknown'))}"


def _listed(count: Counter[str], names: tuple[str, ...]) -> str:
    return ", ".join(f"{count[name]} {name}" for name in names)
