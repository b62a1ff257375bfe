"""The hot path of LIS1-A: a transmission without a single damaged byte, unframed by whole-buffer operations.

Anything unusual gives None, and ``stored`` reads the same bytes frame by frame; both agree on every input (property test).
Each step is one call over all frames: what stands at a fixed place in each frame is gathered and compared as one string.
"""

from __future__ import annotations

import re
from array import array
from itertools import accumulate
from operator import itemgetter
from sys import byteorder
from zlib import adler32

from lis_bridge.core.starts import LineStarts
from lis_bridge.framing.body import Body
from lis_bridge.framing.control import CR, ENQ, EOT, ETB, ETX, LF, STX
from lis_bridge.framing.frames import sum8
from lis_bridge.framing.records import begins_message

_FRAMES = 4096
_CYCLE = b"12345670" * (_FRAMES // 8 + 1)
_NUMBER = itemgetter(0)
_TAIL = 6
"""At the end of each frame: the last character of its text, ETX or ETB, two digits, CR, LF."""
_OVERHEAD = 7
"""Bytes between two texts: ETX, two digits, CR LF, STX, number."""
_ADLER_EXACT = 256
"""Up to so many bytes Adler's low word is 1 + their sum."""
_LOW = slice(0, None, 4) if byteorder == "little" else slice(3, None, 4)
# From a checksum's value: the low byte of Adler over the whole frame, which takes in the two digits and CR LF.
_WHOLE = bytes((value + sum(f"{value:02X}\r\n".encode()) + 1) & 0xFF for value in range(256))
_NEXT_HEADER = re.compile(rb"\r[Hh]")
_NOT_IN_TEXT = (ETX, EOT, ENQ, ETB, LF)


def unframe_clean(raw: bytes) -> Body | None:
    """The one LIS2-A2 message of sound frames in order, its checksums over ETX or ETB; None where anything is unusual."""
    begin = 1 if raw[:1] == ENQ else 0
    end = len(raw) - 1 if raw[-1:] == EOT else len(raw)
    parts = raw[begin:end].split(STX)
    if parts.pop(0) or not parts or len(parts) > _FRAMES or (begin and parts[0][:1] != b"1"):
        return None
    tails = b"".join([part[-_TAIL:] for part in parts])
    if len(tails) != _TAIL * len(parts) or not _in_form(parts, tails):
        return None
    texts = [part[1:-5] for part in parts]
    lengths = list(map(len, texts))
    if not _sums_fit(parts, tails, max(lengths)):
        return None
    text = b"".join(texts)
    if not _one_message(text):
        return None
    shifts = range(begin + 2, begin + 2 + _OVERHEAD * len(texts), _OVERHEAD)
    starts = [(offset, offset + shift) for offset, shift in zip(accumulate(lengths[:-1], initial=0), shifts, strict=True)]
    by_line = tails[0::_TAIL] == CR * len(texts)
    return Body(text, LineStarts(starts) if by_line else tuple(starts), True, ())


def _in_form(parts: list[bytes], tails: bytes) -> bool:
    """Numbers in order; ETX or ETB, CR and LF in their places; each ETX at the end of a record."""
    count = len(parts)
    closers = tails[1::_TAIL]
    if closers.strip(b"\x03\x17") or tails[4::_TAIL] != CR * count or tails[5::_TAIL] != LF * count:
        return False
    if tails.count(b"\r\x03") != closers.count(ETX):
        return False
    first = _CYCLE.find(parts[0][:1])
    return first >= 0 and _CYCLE.startswith(bytes(map(_NUMBER, parts)), first)


def _sums_fit(parts: list[bytes], tails: bytes, longest: int) -> bool:
    digits = bytearray(2 * len(parts))
    digits[0::2], digits[1::2] = tails[2::_TAIL], tails[3::_TAIL]
    if not digits.isalnum() or digits != digits.upper():
        return False
    try:
        said = bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        return False
    if longest + _TAIL <= _ADLER_EXACT:
        return array("I", map(adler32, parts)).tobytes()[_LOW] == said.translate(_WHOLE)
    return bytes([sum8(part[:-4]) for part in parts]) == said


def _one_message(text: bytes) -> bool:
    """One message from H to L, without control characters of the link inside."""
    if not begins_message(text) or text[-1:] != CR or _NEXT_HEADER.search(text):
        return False
    last = text[text.rfind(CR, 0, -1) + 1 : -1]
    return last[:1] == b"L" and not last[1:2].isalnum() and not any(code in text for code in _NOT_IN_TEXT)
