"""Anonymises a capture and proves it: what the driver reads afterwards is the same, except for persons, specimens and dates.

The text of every message is changed in place and laid back into the bytes around it; then the check characters are set anew.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from lis_bridge.catalogue.anonymise.dates import Calendar
from lis_bridge.catalogue.anonymise.proof import left_standing
from lis_bridge.catalogue.anonymise.stand_ins import StandIns
from lis_bridge.catalogue.anonymise.text import MessageText
from lis_bridge.catalogue.plan import Plan
from lis_bridge.core.faults import BridgeError
from lis_bridge.core.results import Message
from lis_bridge.framing import Body, unframe
from lis_bridge.framing.sealing import resealed
from lis_bridge.framing.sniff import STANDARD

_SHIFTS = 200
# The four check digits of a numbered block are no word, and a word ends at the codes of a link: what stands behind may number the next block.
_WORD = re.compile(rb"(?![0-9A-F]{4}\x03)[^\x00-\x2f\x3a-\x40\x7f]{4}[^\x00-\x05\x17\r\n]*")
_UNPROVED = "no driver reads it, so nothing is proved"


@dataclass(frozen=True, slots=True)
class Anonymised:
    """``raw`` may be shared. ``texts`` and ``dates`` were replaced; ``left`` says what a person should look at before."""

    raw: bytes
    texts: int
    dates: int
    left: tuple[str, ...]


def anonymised(raw: bytes, plan: Plan | None, secret: bytes, *, blank: bool = False) -> Anonymised:
    """The same capture about nobody. Without a plan only records of HL7 v2 and LIS2-A2 and labelled lines are understood.
    ``blank``: words that belong to no message (damaged frames) become x.

    Raises BridgeError where the capture cannot be read, or would be read differently afterwards.
    """
    before = plan.decode(raw, repair=True).messages if plan else ()
    if plan is not None and not before:
        raise BridgeError("nothing in the capture can be read", where=plan.driver, hint="Name its driver, or none")
    bodies = [body for body in unframe(raw, plan.profiles if plan else STANDARD, repair=True) if body.text]
    outside = tuple(_outside(raw, bodies))
    kept = _without(raw, outside) if blank else raw
    left = () if blank else tuple(f"bytes {start} to {stop} belong to no message" for start, stop in outside)
    for shift in _shifts(secret):
        try:
            return _with_shift(kept, bodies, plan, before, secret, shift, left)
        except ValueError:  # a date would grow or shrink: another number of days
            continue
    raise BridgeError("no shift of the dates keeps their lengths", hint="Split the capture into smaller ones")


def _shifts(secret: bytes) -> Iterator[int]:
    """Whole weeks into the past, so that weekdays stay; the first one differs from run to run."""
    first = int.from_bytes(hashlib.sha256(secret).digest()[:2], "big") % _SHIFTS
    yield from (-7 * (4 + (first + step) % _SHIFTS) for step in range(_SHIFTS))


def _with_shift(
    raw: bytes,
    bodies: Sequence[Body],
    plan: Plan | None,
    before: Sequence[Message],
    secret: bytes,
    shift: int,
    left: Sequence[str],
) -> Anonymised:
    calendar = Calendar(shift, _dates_of(before))
    people = cache(lambda charset: StandIns(secret, charset))
    changed, texts = bytearray(raw), set[str]()
    for body in bodies:
        work = MessageText(body, plan, people)
        _lay_back(changed, body, work.without_persons(calendar) + _crossed_out(body.text[work.size :]))
        texts.update(work.stand_ins.made)
    result = resealed(raw, bytes(changed), plan.profiles if plan else STANDARD)
    standing = left_standing(before, plan.decode(result, repair=True).messages, shift) if plan else (_UNPROVED,)
    return Anonymised(result, len(texts), calendar.moved, (*standing, *left))


def _outside(raw: bytes, bodies: Sequence[Body]) -> Iterator[tuple[int, int]]:
    """Words that belong to no message: damaged frames, or what stands between messages."""
    rest = bytearray(raw)
    for body in bodies:
        stops = [*(start for start, _ in body.starts[1:]), len(body.text)]
        for (start, place), stop in zip(body.starts, stops, strict=True):
            rest[place : place + stop - start] = bytes(stop - start)
    yield from (found.span() for found in _WORD.finditer(rest))


def _without(raw: bytes, places: Sequence[tuple[int, int]]) -> bytes:
    for start, stop in places:
        raw = raw[:start] + _crossed_out(raw[start:stop]) + raw[stop:]
    return raw


def _crossed_out(text: bytes) -> bytes:
    """What nobody reads, such as the torn last line of a message that was cut off, may still be half a name."""
    return bytes(byte if byte < 0x80 and not chr(byte).isalnum() else 0x78 for byte in text)


def _lay_back(changed: bytearray, body: Body, text: bytes) -> None:
    """Put a message's text back where its bytes stood."""
    if len(text) != len(body.text):
        raise BridgeError(
            "a stand-in has another length", where=f"byte {body.starts[0][1]}", hint="Report this capture's charset"
        )
    stops = [*(start for start, _ in body.starts[1:]), len(text)]
    for (start, place), stop in zip(body.starts, stops, strict=True):
        # An end that the framing reads as one (ETX for CR) stays what it was.
        for at in range(start, stop):
            if text[at] != body.text[at]:
                changed[place + at - start] = text[at]


def _dates_of(messages: Iterable[Message]) -> set[date]:
    found = set()
    for message in messages:
        moments = [message.dated, message.sent_at, message.patient.birth if message.patient else None]
        for moment in (*moments, *(row.observed_at for row in message.observations)):
            if moment and moment[:10].count("-") == 2:
                found.add(date.fromisoformat(moment[:10]))
    return found
