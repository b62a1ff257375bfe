"""Where a text speaks of persons: the fields of HL7 v2 and LIS2-A2 records that name patients, specimens and staff, and labelled lines.

``KEPT`` fields of a person's record say nothing of who it is (set id, sex). Everything else in it is replaced, known or not.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from lis_bridge.dialects import hl7v2, lis2a2
from lis_bridge.dialects.grammar import Grammar

Span = tuple[int, int]
ALL = range(1, 200)

HL7: dict[str, Collection[int]] = {
    "PID": [number for number in ALL if number not in (1, 8)],  # PID-8: sex
    "NK1": ALL[1:],
    "GT1": ALL[1:],
    "IN1": ALL[1:],
    "PV1": ALL[2:],
    "ORC": (2, 3, 4, 10, 11, 12, 19),
    "OBR": (2, 3, 10, 16, 28, 32, 33, 34, 35),
    "SPM": (2, 3),
    "SAC": (3, 4),
    "QRD": (8,),
    "OBX": (16,),
}
"""Persons and specimens in HL7 v2.5.1 segments (chapters 3, 4 and 7), fields counted as there."""
LIS2: dict[str, Collection[int]] = {
    "P": [number for number in ALL if number not in (1, 2, 9)],  # 7.9: sex
    "O": (3, 4, 17, 18),
    "Q": (3, 4),
    "R": (11,),
}
"""LIS2-A2 records; the record's letter is field 1."""
SPECIMENS = frozenset({"OBR", "ORC", "SPM", "SAC", "O"})
"""Records whose ids tell a control from a patient: they stay as they are where the message is no patient's."""

_RUNNING = re.compile(r" *(?:[A-Za-z]?|\d{1,4}) *")
"""Running numbers, racks, positions and marks beside a specimen id: they begin again every day and name nobody."""
AGES = frozenset({"years", "months", "weeks", "days"})
"""Units of an age beside it (ABL9, P-15): the same words are units of results."""
_MOMENT = re.compile(r"(?:19|20)\d{12}")

_LABELS = (
    *(
        "姓名",
        "病人",
        "患者",
        "病历号",
        "住院号",
        "门诊号",
        "床号",
        "条码",
        "样本号",
        "样品号",
        "标本号",
        "医生",
        "检验者",
        "审核",
        "科室",
    ),
    *("name", "patient", "pat. id", "patient id", "pid", "id", "doctor", "operator", "ward", "nom", "no dossier", "sample id"),
)


def recorded(text: str, *, controls: bool) -> Iterator[Span] | None:
    """The persons' components in a text of records; None where it is none. ``controls``: the message holds no patient's results."""
    grammar = hl7v2.grammar_of(text.lstrip()) or lis2a2.grammar_of(text.lstrip())
    return None if grammar is None else _components(text, grammar, HL7 if grammar.header == "MSH" else LIS2, controls)


def _components(text: str, grammar: Grammar, places: dict[str, Collection[int]], controls: bool) -> Iterator[Span]:
    marks = re.compile(f"[^{re.escape(grammar.component + grammar.repeat + grammar.sub)}]+")
    first = 0 if grammar.header == "MSH" else 1
    for line in re.finditer(r"[^\r\n]+", text):
        kind = line[0].partition(grammar.field)[0].strip().upper()
        if kind not in places or (controls and kind in SPECIMENS):
            continue
        at = line.start()
        for number, field in enumerate(line[0].split(grammar.field), first):
            if number > first and number in places[kind]:
                for found in marks.finditer(field):
                    if not _is_nobody(kind, found[0]):
                        yield at + found.start(), at + found.end()
            at += len(field) + 1


def _is_nobody(kind: str, text: str) -> bool:
    """A running number beside a specimen, the unit of an age, or the time that a device writes one field early, where its operator should stand."""
    if kind in SPECIMENS:
        return _RUNNING.fullmatch(text) is not None
    return text.casefold() in AGES or (kind == "R" and _MOMENT.fullmatch(text) is not None)


def labelled(text: str, names: Collection[str], separator: str) -> Iterator[Span]:
    """The values of lines whose label names a person: ``names`` of the driver, else the usual ones in Chinese, English and French."""
    wanted = {name.casefold() for name in names or _LABELS}
    for line in re.finditer(rf"(?m)^([^\r\n{re.escape(separator)}]{{1,40}}?)[ \t]*{re.escape(separator)}([^\r\n]*)", text):
        if line[1].strip().casefold() in wanted:
            yield line.span(2)


def standing(text: str, value: str) -> Iterator[Span]:
    """Where a text stands as a whole word."""
    yield from (found.span() for found in re.finditer(rf"(?<![^\W_]){re.escape(value)}(?![^\W_])", text))
