"""The proposal for texts whose places decide (fixed width): what is constant, what counts, what moves. No code and no value is guessed.

Which digits are a code, which a value, and where the decimal point stands, the bytes cannot say; ``driver prove`` and the analyzer's manual can.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby

from lis_bridge.catalogue.scaffold.parts import Part
from lis_bridge.catalogue.scaffold.proposal import Field
from lis_bridge.catalogue.scaffold.recognise import Framed
from lis_bridge.core.sayings import saying

KEY = "dialect.text"
MAPPED = 400
"""Characters of a text that the map of places shows at most."""


def propose(found: tuple[Framed, ...]) -> Part:
    """One form for every beginning that the texts have in common, and a map of its places as questions."""
    texts = [text for one in found for text in one.texts]
    forms = list(_forms(texts))
    fields = [
        Field(
            f"{KEY}.fixed.form[{number}].match",
            re.escape(start) if start else "(?s).",
            "guessed",
            saying("{} texts begin so", len(group)),
        )
        for number, (start, group) in enumerate(forms)
    ]
    why = "the names of a fixed form's parts"
    fields += [
        Field(f"{KEY}.results[0].code", ["code"], "proven", why),
        Field(f"{KEY}.results[0].value", ["value"], "proven", why),
    ]
    fields.append(Field(f"{KEY}.message.specimen", None, "unknown", "name the place in [[dialect.text.fixed.form]] fields"))
    questions = [line for start, group in forms for line in _map(start, group)]
    return Part(
        tuple(fields),
        (),
        (
            *questions,
            saying("Which places are codes, values and flags, and where decimal points are implied, the bytes cannot say"),
        ),
    )


def _forms(texts: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Texts by their first letters, longest common beginnings."""
    groups: dict[str, list[str]] = defaultdict(list)
    for text in texts:
        begins = re.match(r"\W*[A-Za-z]*", text)
        groups[begins[0] if begins else ""].append(text)
    yield from sorted(groups.items(), key=lambda one: -len(one[0]))


def _map(start: str, group: Sequence[str]) -> Iterator[str]:
    lengths = sorted({len(text) for text in group})
    size = min(lengths[0], MAPPED)
    runs = groupby(range(size), key=lambda at: _kind([text[at] for text in group]))
    spans = ((kind, places[0], len(places)) for kind, found in runs if (places := list(found)))
    shown = ", ".join(f"{at}+{width} {kind}" for kind, at, width in spans)
    shared = next((at for at in range(lengths[0]) if len({text[at] for text in group}) > 1), lengths[0])
    yield saying(
        "Form {!r}: {} texts of {} to {} characters, the first {} equal; places: {}",
        start,
        len(group),
        lengths[0],
        lengths[-1],
        shared,
        shown,
    )


def _kind(letters: Sequence[str]) -> str:
    if len(set(letters)) == 1:
        return "constant" if letters[0].strip() else "blank"
    if all(letter.isdigit() for letter in letters):
        return "digits"
    return "digits or blank" if all(letter.isdigit() or letter in " .<>" for letter in letters) else "text"
