"""HL7 v2 (2.3 to 2.5.1) as analyzers speak it.

MSH-1 and MSH-2 give the separators (HL7 2.5.1, 2.5.4). Groups open at PID, then OBR; ORC and SPM stand with their OBR; OBX are results.
"""

from __future__ import annotations

from functools import lru_cache

from lis_bridge.core.starts import ORIGIN, Starts
from lis_bridge.dialects.grammar import Grammar
from lis_bridge.dialects.outline import Outlines
from lis_bridge.dialects.records import Section
from lis_bridge.dialects.sections import sections

_MARKS_END = 12
"""Behind so many characters no separator is named any more."""

OUTLINES = Outlines({"PID": 0, "OBR": 1})


@lru_cache(maxsize=64)
def _grammar(field: str, encoding: str) -> Grammar:
    component, repeat, escape, sub = list((encoding + "^~\\&"[len(encoding) :])[:4])
    marks = (("F", field), ("S", component), ("T", sub), ("R", repeat), (".br", "\n"), ("X0D", "\r"), ("X0A", "\n"))
    unescapes = tuple((escape + name + escape, meaning) for name, meaning in (*marks, ("E", escape)))
    return Grammar(
        field, component, repeat, escape, sub, "MSH", "OBX", unescapes, 0, 1, field + component + repeat + escape + sub
    )


def grammar_of(text: str) -> Grammar | None:
    """The message's own separators, or None when the text does not begin with a usable MSH."""
    return _grammar_by(text[:_MARKS_END])


@lru_cache(maxsize=256)
def _grammar_by(text: str) -> Grammar | None:
    if not text.startswith("MSH") or len(text) < 8:
        return None
    field = text[3]
    encoding = text[4:].split(field, 1)[0]
    if field.isalnum() or len(encoding) > 5:
        return None
    return _grammar(field, encoding)


def read(text: str, raw: bytes, *, complete: bool = True, starts: Starts = ORIGIN) -> list[Section] | None:
    """The sections of one HL7 message; None when it is none. ``starts`` leads from the text to the bytes of the journal entry."""
    grammar = grammar_of(text if text[:1] == "M" else text.lstrip())
    if grammar is None:
        return None
    return sections(text, raw, grammar, OUTLINES, complete=complete, starts=starts)
