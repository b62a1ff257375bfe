"""A decoder written by hand for the seeded HL7 of ``messages.hl7`` and nothing else: what Python can do about this one message.

Its indexes are constants where a driver declares places; it knows one charset, one set of separators, one number of fields for each record, no
escape, no repeat, no comment, no image, no value that is not a plain number, no second place for any field but those that this driver looks at.
Whatever is otherwise, it refuses. It takes its menu from what a plan has read, and makes the same message. It is one function, as calls are what it saves.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import repeat
from operator import itemgetter

from benches import subjects
from lis_bridge.catalogue.codes import Memo
from lis_bridge.catalogue.plan import Decoded, Plan
from lis_bridge.core import moments
from lis_bridge.core.results import Message, Observation, Patient

_PID, _OBR, _OBX, _WIDTH = 20, 51, 79, 19
_HEAD = itemgetter(_OBR + 2, _PID + 2, _PID + 5, _PID + 7, _PID + 8, _OBR + 5, _OBR + 7, 9, 6, 8, 15, _OBR + 15)
_READ, _FLAGS = (3, 4, 6, 7, 11, 17, 5, 8, 14), (9, 18)


class UnlikeError(Exception):
    """The message is not of the one form that is known here."""


def decoder(plan: Plan, example: bytes) -> Callable[[bytes], Decoded]:
    """Decodes what is of the form of ``example``; ``plan`` has read it and so knows its menu."""
    (message,) = plan.decode(example).messages
    seen = message.observations
    shared = tuple(
        [getattr(row, name) for row in seen]
        for name in (
            "code", "test", "unit", "ucum", "factor", "low", "high", "status", "rerun", "aspect", "superseded", "name", "problem",
            "occurrence", "doubted", "material",
        )
    )  # fmt: skip
    (
        codes, tests, units, ucums, factors, lows, highs, statuses, reruns, aspects, superseded, names, problems, places, doubted, material,
    ) = shared  # fmt: skip
    menus = {_key(_columns(example[1:-2].decode().split("|"), len(seen)))}
    flags = Memo(lambda text: () if text == "N" else (text,))
    abnormal = {(): "", ("H",): "H", ("L",): "L"}
    times = Memo(lambda text: moments.from_digits(text, subjects.ZONE))

    def decode(raw: bytes) -> Decoded:
        end = raw.find(b"\x1c")
        if raw[0] != 11 or end != len(raw) - 2 or raw.find(b"\x0b", 1) > 0:
            raise UnlikeError
        text = raw[1:end].decode()
        size = text.count("\r") - 3
        flat = text.split("|")
        beyond = _OBX + _WIDTH * size
        ends = "|".join(flat[_OBX + _WIDTH : beyond : _WIDTH]).count("\rOBX")
        if not text.startswith("MSH|^~\\&|") or "\n" in text or text.find("\\", 9) >= 0:
            raise UnlikeError
        if len(flat) != beyond + 1 or ends != size - 1 or flat[-1] != "\r":
            raise UnlikeError
        if not (flat[_PID].endswith("\rPID") and flat[_OBR].endswith("\rOBR") and flat[_OBX].endswith("\rOBX")):
            raise UnlikeError
        columns = _columns(flat, size)
        if _key(columns) not in menus or any(map(any, (flat[_OBX + at : beyond : _WIDTH] for at in _FLAGS))):
            raise UnlikeError
        values, marked, timed = columns[6:]
        if not "".join(values).encode().translate(None, b".").isdigit():
            raise UnlikeError
        found = flags.of(marked)
        observations = map(
            Observation, codes, tests, values, values, map(Decimal, values), repeat(""), units, ucums, factors, lows, highs, found,
            [abnormal[flag] for flag in found], statuses, times.of(timed), repeat(""), reruns, aspects, superseded, names, problems,
            repeat(None), _spans(raw, size), places, doubted, material,
        )  # fmt: skip
        specimen, number, name, birth, sex, stat, dated, control, sent, event, kind, of = _HEAD(flat)
        if event != "ORU^R01" or kind != "0" or of != "serum":
            raise UnlikeError
        patient, measured, at = Patient(number, name, birth, sex), moments.from_digits(dated, subjects.ZONE), times[sent]
        return Decoded(
            (
                Message(
                    "patient", specimen, patient, True, tuple(observations), (), (), stat == "Y", "", measured and measured[:10], None,
                    None, control, at, None, None, True, (1, end),
                ),
            ),
            (),
        )  # fmt: skip

    return decode


def _columns(flat: list[str], size: int) -> list[list[str]]:
    beyond = _OBX + _WIDTH * size
    return [flat[_OBX + at : beyond : _WIDTH] for at in _READ]


def _key(columns: list[list[str]]) -> str:
    return "\r".join(map("\n".join, columns[:6]))


def _spans(raw: bytes, size: int) -> list[tuple[int, int]]:
    lines = raw[1:].split(b"\r")
    begin, found = 1 + sum(map(len, lines[:3])) + 3, []
    for line in lines[3 : 3 + size]:
        end = begin + len(line)
        found.append((begin, end))
        begin = end + 1
    return found
