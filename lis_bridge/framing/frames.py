"""Frames of LIS1-A2 / E1381 in a buffer: where they stand and whether they are sound. Knows bytes, never transmissions.

    STX FN text (ETB|ETX) C1 C2 CR LF        FN '0'…'7'; C1 C2 = sum of FN…ETX modulo 256, upper-case hex (6.3)

Devices leave out LF or CR LF, print the checksum in lower case or leave ETX out of the sum. A control character inside a frame is
either noise or the sign that the sender began anew: ENQ is a new beginning only where STX or nothing follows, EOT only where ENQ or
nothing follows, because the ACK of a false ENQ would accept the damaged frame around it.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import NamedTuple
from zlib import adler32

from lis_bridge.framing.control import CR_CODE, ENQ, ENQ_CODE, EOT, EOT_CODE, ETB_CODE, ETX_CODE, LF_CODE, STX, STX_CODE
from lis_bridge.framing.profile import Profile

Buffer = bytes | bytearray

_OUTSIDE = re.compile(rb"[\x02\x04\x05]")
_INSIDE = re.compile(rb"[\x02-\x05\x17]")
_CLOSER = re.compile(rb"[\x03\x17]")
_RESTRICTED = re.compile(rb"[\x02\x04\x05]")
_BAD_END = re.compile(rb"\n|(?=[\x02\x04\x05])")
_HEX = re.compile(rb"[0-9A-Fa-f]{2}")
_TRAILERS = {"CR LF": (CR_CODE, LF_CODE), "CR": (CR_CODE,), "LF": (LF_CODE,), "none": ()}
_ANEW = {ENQ_CODE: STX, EOT_CODE: ENQ}


class Patience(IntEnum):
    """How much more may come: the line is alive, it has just fallen silent, or nothing follows any more."""

    GONE = 0
    SILENT = 1
    ALIVE = 2


class Token(NamedTuple):
    """A piece of the line, ``buffer[start:stop]``. ``number``, text and ``closer`` are those of a frame."""

    kind: str  # noise, enq, eot, frame, broken
    start: int
    stop: int
    number: int = -1
    text_start: int = 0
    text_stop: int = 0
    closer: int = 0
    good: bool = False


def scan(
    buffer: Buffer,
    at: int,
    profile: Profile,
    patience: Patience,
    *,
    since: int = 0,
    tainted: bool = False,
    looked: int = 0,
    stored: bool = False,
) -> Token | None:
    """The next piece from ``at``; None when more bytes must come first.

    ``since``, ``tainted``: what ``resume`` said of the open frame, of which ``looked`` bytes were seen before. ``stored``: in bytes kept by
    somebody any STX, ENQ or EOT breaks a frame off; on a live line it damages the frame, which is refused as a whole.
    """
    found = _OUTSIDE.search(buffer, at)
    begin = found.start() if found else len(buffer)
    if begin > at:
        return Token("noise", at, begin)
    if found is None:
        return None
    if buffer[at] != STX_CODE:
        return Token("enq" if buffer[at] == ENQ_CODE else "eot", at, at + 1)
    return _frame(buffer, at, profile, patience, max(since, at + 1), tainted, looked, stored)


def resume(buffer: Buffer, since: int, tainted: bool) -> tuple[int, bool]:
    """From where the open frame at 0 is to be looked at once more bytes have come, and whether it is damaged already."""
    closer = _CLOSER.search(buffer, since)
    stop = closer.start() if closer else max(since, len(buffer) - (buffer[-1:] in (ENQ, EOT)))
    return stop, tainted or _RESTRICTED.search(buffer, since, stop) is not None


def _frame(
    buffer: Buffer, at: int, profile: Profile, patience: Patience, position: int, tainted: bool, looked: int, stored: bool
) -> Token | None:
    while True:
        found = _INSIDE.search(buffer, position)
        if found is None:
            return Token("broken", at, len(buffer)) if patience is Patience.GONE else None
        position = found.start()
        code = buffer[position]
        if code in (ETX_CODE, ETB_CODE):
            return _closed(buffer, at, position, profile, patience, tainted, looked, stored)
        anew = _begins_anew(buffer, position, patience)
        if stored or anew:
            return Token("broken", at, position)
        if anew is None:
            return None
        tainted = True
        position += 1


def _begins_anew(buffer: Buffer, position: int, patience: Patience) -> bool | None:
    """Whether a control character inside a frame is a new beginning; None while the next byte must be awaited."""
    follower = _ANEW.get(buffer[position])
    if follower is None:
        return False
    if position + 1 == len(buffer):
        return None if patience is Patience.ALIVE else True
    return buffer[position + 1 : position + 2] == follower


def _closed(
    buffer: Buffer, at: int, closer: int, profile: Profile, patience: Patience, tainted: bool, looked: int, stored: bool
) -> Token | None:
    """The frame whose ETX or ETB stands at ``closer``, once its checksum and what follows have come."""
    after = closer + 3
    if profile.checksum == "none":
        if len(buffer) < after and patience is Patience.ALIVE:
            return None
        after = after if _HEX.match(buffer, closer + 1) else closer + 1
        good = not tainted
    elif len(buffer) < after:
        return Token("broken", at, len(buffer)) if patience is Patience.GONE else None
    else:
        good = not tainted and checksum_fits(buffer, at + 1, closer, profile.checksum)
    trailed = good or stored
    beyond = max(after, looked)
    end = _after_trailer(buffer, after, profile.trailer, patience) if trailed else _after_damage(buffer, beyond, patience)
    if end is None:
        return None
    return Token("frame", at, end, buffer[at + 1], min(at + 2, closer), closer, buffer[closer], good and closer > at + 1)


def checksum_fits(buffer: Buffer, start: int, closer: int, mode: str) -> bool:
    """Whether the two digits after ``closer`` are the sum of ``buffer[start:closer]`` with or without the closer."""
    digits = _HEX.match(buffer, closer + 1)
    if digits is None:
        return False
    said = int(digits.group(), 16)
    excluding = sum8(buffer[start:closer])
    including = (excluding + buffer[closer]) & 0xFF
    return (mode != "excluding" and said == including) or (mode != "including" and said == excluding)


def sum8(data: Buffer) -> int:
    """The sum of bytes modulo 256; Adler's low word is exact up to 256 bytes and twice as fast as ``sum``."""
    if len(data) <= 256:
        return (adler32(data) - 1) & 0xFF
    return sum(adler32(data[start : start + 256]) - 1 for start in range(0, len(data), 256)) & 0xFF


def _after_trailer(buffer: Buffer, at: int, trailer: str, patience: Patience) -> int | None:
    """Where CR LF ends, whatever of it is there; None while it may still come."""
    for code in _TRAILERS[trailer]:
        if at == len(buffer):
            return None if patience is Patience.ALIVE else at
        if buffer[at] == code:
            at += 1
        elif code == LF_CODE or buffer[at] != LF_CODE:
            return at
    return at


def _after_damage(buffer: Buffer, at: int, patience: Patience) -> int | None:
    """Where a bad frame ends: its ETX may be the damaged byte, and a NAK into the middle of it would be lost."""
    found = _BAD_END.search(buffer, at)
    if found is not None:
        return found.end()
    return None if patience is Patience.ALIVE else len(buffer)
