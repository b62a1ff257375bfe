"""LIS2-A2 (E1394) records: H, P, O, R, C, Q, M, S, L, each ended by CR.

Separators stand in H-2 (E1394-91 6.4.2, 7.1.2): repeat, component, escape after the field separator. The escape sequences are those of 6.6.
Two of them are never the same.
"""

from __future__ import annotations

from functools import lru_cache

from lis_bridge.core.starts import ORIGIN, Starts
from lis_bridge.dialects.grammar import Grammar
from lis_bridge.dialects.outline import Outlines
from lis_bridge.dialects.records import Section
from lis_bridge.dialects.sections import sections

_MARKS_END = 6
"""Behind so many characters no separator is named any more."""

OUTLINES = Outlines({"P": 0, "Q": 0, "S": 0, "L": 0, "O": 1})


@lru_cache(maxsize=64)
def _grammar(field: str, repeat: str, component: str, escape: str) -> Grammar:
    marks = (("F", field), ("S", component), ("R", repeat), ("H", ""), ("N", ""), ("X0D", "\r"), ("X0A", "\n"))
    unescapes = tuple((escape + name + escape, meaning) for name, meaning in (*marks, ("E", escape)))
    return Grammar(field, component, repeat, escape, component, "H", "R", unescapes, 1, 1, field + component + repeat + escape)


def grammar_of(text: str) -> Grammar | None:
    """The message's own separators, or None when the text does not begin with a usable H record."""
    return _grammar_by(text[:_MARKS_END])


@lru_cache(maxsize=256)
def _grammar_by(text: str) -> Grammar | None:
    if text[:1] not in ("H", "h") or len(text) < 5 or text[1].isalnum():
        return None
    field = text[1]
    marks = text[2:].split(field, 1)[0]
    if len(marks) < 2 or any(mark.isalnum() for mark in marks):
        return None
    if marks[0] == marks[1] == "\\":
        marks = marks[1:]  # a log that writes every backslash twice
    return _grammar(field, marks[0], marks[1], marks[2] if len(marks) > 2 else "&")


def read(text: str, raw: bytes, *, complete: bool = True, starts: Starts = ORIGIN) -> list[Section] | None:
    """The sections of one LIS2-A2 message; None when it is none. ``starts`` leads from the text to the bytes of the journal entry."""
    grammar = grammar_of(text if text[:1] in ("H", "h") else text.lstrip())
    if grammar is None:
        return None
    return sections(text, raw, grammar, OUTLINES, complete=complete, starts=starts)
