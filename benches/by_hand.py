"""A decoder written by hand for the seeded HL7 of ``messages.hl7`` as one driver reads it: what Python can do about this one form of message.

It is what a generator of Python text could write at best. Every place that the driver names for a patient's message is a number in the source;
charset, separators and the fields of each record are constants; menus, flags and moments are looked up in what the plan has read. Whatever is
otherwise (an escape, a value that is not a plain number, another record, an unknown menu or flag), it refuses, and the plan would have to read it.
It is one function, as calls are what it saves.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import repeat
from operator import itemgetter
from typing import Any

from benches import subjects
from lis_bridge.catalogue.codes import Memo
from lis_bridge.catalogue.plan import Decoded, Plan
from lis_bridge.core import moments
from lis_bridge.core.results import Message, Observation, Patient

_PID, _OBR, _OBX, _WIDTH = 20, 51, 79, 19
_HEAD = itemgetter(
    8, 15, _OBR + 2, _OBR + 3, _PID + 2, _PID + 5, _PID + 7, _PID + 8, _OBR + 5, _OBR + 7, _OBR + 6, _OBR + 4, 3, 9, 6, _OBR + 15
)  # fmt: skip
_COLUMNS = (0, 3, 4, 6, 7, 11, 17, 5, 8, 9, 18, 14)
_PATIENT = frozenset({("ORU^R01", "0"), ("ORU^R01", "")})
_USUAL = frozenset({"serum", "plasma", "0", "1"})


class UnlikeError(Exception):
    """The message is not of the one form that is known here."""


def decoder(plan: Plan, example: bytes) -> Callable[[bytes], Decoded]:
    """Decodes what is of the form of ``example``; ``plan`` has read it and so knows its menu."""
    (message,) = plan.decode(example).messages
    seen, zone = message.observations, subjects.ZONE
    menus = {_key(example, len(seen)): tuple([getattr(row, name) for row in seen] for name in _MENU)}
    flags: dict[str, tuple[str, ...]] = {"N": (), "H": ("H",), "L": ("L",)}
    abnormal = {"N": "", "H": "H", "L": "L"}
    times = Memo(lambda text: moments.from_digits(text, zone))
    takes: dict[int, Callable[[list[str]], Any]] = {}

    def decode(raw: bytes) -> Decoded:
        end = raw.find(b"\x1c")
        if raw[0] != 11 or end != len(raw) - 2 or raw.find(b"\x0b", 1) > 0:
            raise UnlikeError
        body = raw[1:end]
        text, lines = body.decode(), body.split(b"\r")
        flat, size = text.split("|"), len(lines) - 4
        if len(flat) != _OBX + _WIDTH * size + 1 or flat[-1] != "\r" or not text.startswith("MSH|^~\\&|"):
            raise UnlikeError
        if "\n" in text or text.find("\\", 9) >= 0:
            raise UnlikeError
        take = takes.get(size)
        if take is None:
            take = takes[size] = _take(size)
        names, code, name, unit, limits, status, rerun, values, marked, besides, more, timed = take(flat)
        ends = "|".join(names)
        if ends.count("\rOBX|") != size - 1 or not ends.endswith("\rOBX"):
            raise UnlikeError
        if not flat[_PID].endswith("\rPID") or not flat[_OBR].endswith("\rOBR"):
            raise UnlikeError
        head = _HEAD(flat)
        said = "".join(head)
        if not said.isascii() or " " in said or not said.isprintable() or "".join(besides) or "".join(more):
            raise UnlikeError
        event, kind, first, second, number, named, birth, sex, stat, dated, else_dated, model, else_model, control, sent, of = (
            head
        )
        menu = menus.get("\r".join(("" if of in _USUAL else of, *map("\n".join, (code, name, unit, limits, status, rerun)))))
        if menu is None or (event, kind) not in _PATIENT or "^" in number or "^" in named:
            raise UnlikeError
        (
            codes, tests, units, ucums, factors, lows, highs, statuses, reruns, aspects, superseded, names, problems, derived, places,
            doubted, material,
        ) = menu  # fmt: skip
        if not "".join(values).encode().translate(None, b".").isdigit():
            raise UnlikeError
        numbers, pick = list(map(Decimal, values)), itemgetter(*marked)
        begin, spans = 4 + len(lines[0]) + len(lines[1]) + len(lines[2]), []
        for line in lines[3:-1]:
            stop = begin + len(line)
            spans.append((begin, stop))
            begin = stop + 1
        observations = map(
            Observation, codes, tests, values, values, numbers, repeat(""), units, ucums, factors, lows, highs, pick(flags),
            pick(abnormal), statuses, times.of(timed), repeat(""), reruns, aspects, superseded, names, problems, derived, spans, places,
            doubted, material,
        )  # fmt: skip
        patient = Patient(number or None, named or None, birth or None, sex or None) if number or named else None
        at = moments.from_digits(dated, zone) if dated else None
        if at is None and else_dated:
            at = moments.from_digits(else_dated, zone)
        model = model.partition("^")[2].partition("^")[0] or else_model
        return Decoded(
            (
                Message(
                    "patient", first or second or None, patient, True, tuple(observations), (), (), stat == "Y", "",
                    at[:10] if at else None, model or None, None, control or None,
                    moments.from_digits(sent, zone) if sent else None, None, None, True, (1, end),
                ),
            ),
            (),
        )  # fmt: skip

    return decode


_MENU = (
    "code", "test", "unit", "ucum", "factor", "low", "high", "status", "rerun", "aspect", "superseded", "name", "problem", "derived",
    "occurrence", "doubted", "material",
)  # fmt: skip


def _take(size: int) -> Callable[[list[str]], Any]:
    """What takes the columns of ``size`` results out of the flat split in one call."""
    return itemgetter(*(slice(_OBX + at, _OBX + _WIDTH * size, _WIDTH) for at in _COLUMNS))


def _key(example: bytes, size: int) -> str:
    """The texts of a menu, joined as they are looked up; the example is of a usual material."""
    columns = _take(size)(example[1:-2].decode().split("|"))
    return "\r".join(("", *map("\n".join, columns[1:7])))
