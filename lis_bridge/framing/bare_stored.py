"""Stored LIS2-A2 records without frames, one body per H…L. Middleware strips the frames and leaves their numbers behind:

1H|… CR 2P|… CR 3O|… CR        a number before each record: left out
… O|1||tests4ests|… CR 6C|     a number inside, where a full frame ended: ``repair`` only, by position and only if it is the missing one
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from lis_bridge.core.faults import Fault
from lis_bridge.framing.bare import HEAD
from lis_bridge.framing.body import Body, composed, nothing
from lis_bridge.framing.control import ETX

FRAME_TEXT = 240
"""Characters of text in a full frame (E1381-91 6.3.1.1)."""

_RECORD = re.compile(rb"(?:\A|(?<=[\r\n]))([0-9]?)(?=[A-Za-z][^A-Za-z0-9\s])")
_L_RECORD = re.compile(rb"(?:\A|(?<=[\r\n]))[0-9]?[Ll](?:[^A-Za-z0-9\s][^\r\n]*)?(?:\r\n|[\r\n]|\Z)")
_TURN = re.compile(rb"\r[0-9]?(?:[Hh](?=[^A-Za-z0-9\s])|[Ll](?:[^A-Za-z0-9\s][^\r]*)?(?:\r|\Z))")
"""Where, in a text without line feeds, a message ends or another begins; looked for from CR to CR."""
_SUM_LINE = re.compile(rb"(?<=[\r\n])([0-9A-Fa-f]{2}\r?\n)(?=[0-9][A-Za-z]|\Z)")


class Record(NamedTuple):
    """Where a record stands and the frame number before it (-1: none)."""

    start: int
    number: int


def unframe_bare(raw: bytes, *, repair: bool = False) -> list[Body]:
    """The messages of bare records."""
    if _is_clean(raw) and not repair:
        return [Body(raw, ((0, 0),), True, ())]
    return looked_through(raw, repair)


def looked_through(raw: bytes, repair: bool) -> list[Body]:
    """``unframe_bare`` record by record."""
    begins = [found.start() for found in HEAD.finditer(raw)]
    found: list[Body] = []
    for begin, end in pairwise([*begins, len(raw)]):
        part = _message(raw[begin:end], repair)
        found.append(composed(part, ((0, begin),)) if part.text else part)
    return found


def _is_clean(raw: bytes) -> bool:
    """One message from its H to the end of its L, records ended by CR alone and not numbered from the first: nothing is left out of it."""
    if raw[:1] not in (b"H", b"h") or HEAD.match(raw) is None or b"\n" in raw:
        return False
    turn = _TURN.search(raw)
    return turn is not None and turn.end() == len(raw) and turn.group()[1:2] in (b"L", b"l")


def _message(raw: bytes, repair: bool) -> Body:
    """One message: its numbers out, its end found."""
    faults: list[Fault] = []
    text, rubbish = raw, set[int]()
    if repair:
        rubbish = {at for line in _SUM_LINE.finditer(raw) for at in range(*line.span(1))}
        if rubbish:
            faults.append(Fault("checksum lines", f"{len(rubbish)} bytes", "Checksums on lines of their own were left out"))
    records = [Record(found.start(), int(found[1] or b"-1")) for found in _RECORD.finditer(raw)]
    stop, cut = len(raw), None
    if records and records[0].number >= 0:
        cut = _numbers(raw, records, rubbish, faults, repair)
        stop = len(raw) if cut is None else cut
    end = _L_RECORD.search(raw, 0, stop)
    if end is not None:
        stop = end.end()
    elif cut is None:
        faults.append(Fault("message cut off", f"{len(raw)} bytes", "No L record; ask the analyzer to send it again"))
    text, starts = _kept(raw, rubbish, stop)
    return Body(text, starts, end is not None, tuple(faults)) if text else nothing(*faults)


def _numbers(raw: bytes, records: list[Record], rubbish: set[int], faults: list[Fault], repair: bool) -> int | None:
    """Mark the frame numbers as rubbish; where they do not add up, the offset from which nothing is believed."""
    if len(records) > 1 and all(record.number < 0 for record in records[1:]):
        return _by_position(raw, rubbish, faults, repair)
    modulo = 10 if any(record.number > 7 for record in records) else 8
    for at, record in enumerate(records):
        if record.number >= 0:
            rubbish.add(record.start)
        if at == 0:
            continue
        before = records[at - 1]
        missing = list(_between(before.number, record.number, modulo))
        if record.number < 0 or (missing and not (repair and _inside(raw, before, record.start, missing, rubbish, faults))):
            faults.append(Fault("frame missing", f"byte {record.start}", f"Frame numbers jump after {before.number}"))
            return before.start if record.number < 0 or missing else record.start
    return None


def _between(before: int, number: int, modulo: int) -> Iterator[int]:
    wanted = (before + 1) % modulo
    while wanted != number % modulo:
        yield wanted
        wanted = (wanted + 1) % modulo


def _inside(raw: bytes, record: Record, stop: int, missing: list[int], rubbish: set[int], faults: list[Fault]) -> bool:
    """Whether the missing numbers stand inside the record, each behind a full frame."""
    places = [record.start + (FRAME_TEXT + 1) * count for count in range(1, len(missing) + 1)]
    if not all(
        place < stop and raw[place : place + 1] == str(number).encode() for place, number in zip(places, missing, strict=True)
    ):
        return False
    rubbish.update(places)
    faults.append(Fault("frame numbers inside", f"byte {places[0]}", "Numbers behind full frames were left out, by position"))
    return True


def _by_position(raw: bytes, rubbish: set[int], faults: list[Fault], repair: bool) -> int | None:
    """A text cut every 240 characters whose numbers were left in: all of them are where they must be, or nothing is believed."""
    etx = raw.find(ETX)
    stop = etx if etx >= 0 else len(raw)
    places = range(0, stop, FRAME_TEXT + 1)
    first = int(raw[:1])
    if not repair or any(raw[place] != 0x30 + (first + count) % 8 for count, place in enumerate(places)):
        faults.append(
            Fault("frame numbers inside", "byte 0", "Frame numbers were left in the text; export the frames themselves")
        )
        return 0
    rubbish.update(places)
    faults.append(Fault("frame numbers inside", "byte 0", f"{len(places)} numbers behind full frames were left out, by position"))
    return None


def _kept(raw: bytes, rubbish: set[int], stop: int) -> tuple[bytes, tuple[tuple[int, int], ...]]:
    """The bytes before ``stop`` that are not rubbish, and their map."""
    kept, starts, length, at = [], [], 0, 0
    for place in [*sorted(place for place in rubbish if place < stop), stop]:
        if place > at:
            kept.append(raw[at:place])
            starts.append((length, at))
            length += place - at
        at = place + 1
    return b"".join(kept), tuple(starts)
