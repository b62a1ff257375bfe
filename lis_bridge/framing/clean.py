"""The hot path of LIS1-A: a transmission without a single damaged byte, unframed by whole-buffer operations.

Anything unusual gives None, and ``stored`` reads the same bytes frame by frame; both agree on every input (property test).
Checksums use Adler's low word, exact up to 256 bytes (``frames.sum8``), so longer frames are summed one by one.
"""

from __future__ import annotations

from itertools import accumulate
from operator import and_, itemgetter
from zlib import adler32

from lis_bridge.framing.body import Body
from lis_bridge.framing.control import CR, ENQ, EOT, ETB, ETX, LF, STX
from lis_bridge.framing.frames import sum8
from lis_bridge.framing.records import begins_message

_BETWEEN = b"\r\n\x02"
_NUMBER = itemgetter(0)
_FRAMES = 4096
_CYCLE = b"12345670" * (_FRAMES // 8 + 1)
_BYTE = (0xFF,) * _FRAMES
# From a checksum's value: Adler's value of the frame with its two digits at the end, of which the digits are then part.
_WITH_DIGITS = bytes((value + sum(f"{value:02X}".encode()) + 1) & 0xFF for value in range(256))


def unframe_clean(raw: bytes) -> Body | None:
    """The one LIS2-A2 message of sound frames in order, its checksums over ETX or ETB; None where anything is unusual."""
    begin = 1 if raw[:1] == ENQ else 0
    end = len(raw) - 1 if raw[-1:] == EOT else len(raw)
    if raw[begin : begin + 1] != STX or raw[end - 2 : end] != b"\r\n":
        return None
    parts = raw[begin + 1 : end - 2].split(_BETWEEN)
    tails = b"".join([part[-3:] for part in parts])
    if len(tails) != 3 * len(parts) or (begin and parts[0][:1] != b"1") or not _sound(parts, tails):
        return None
    texts = [part[1:-3] for part in parts]
    text = b"".join(texts)
    if not _one_message(text, raw, tails[0::3].count(ETX)):
        return None
    offsets = accumulate(map(len, texts), initial=0)
    # Seven bytes stand between two texts: ETX, checksum, CR LF, STX, number.
    shifts = range(begin + 2, begin + 2 + 7 * len(texts), 7)
    return Body(text, tuple([(offset, offset + shift) for offset, shift in zip(offsets, shifts, strict=False)]), True, ())


def _sound(parts: list[bytes], tails: bytes) -> bool:
    """Numbers in order, ETX or ETB in their place and nowhere else, every checksum right."""
    closers = tails[0::3]
    if closers.strip(b"\x03\x17") or len(parts) > _FRAMES:
        return False
    first = _CYCLE.find(parts[0][:1])
    if first < 0 or not _CYCLE.startswith(bytes(map(_NUMBER, parts)), first):
        return False
    digits = bytearray(2 * len(parts))
    digits[0::2], digits[1::2] = tails[1::3], tails[2::3]
    if not digits.isalnum() or (not digits.isupper() and not digits.isdigit()):
        return False
    try:
        said = bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        return False
    if max(map(len, parts)) <= 256:
        return bytes(map(and_, map(adler32, parts), _BYTE)) == said.translate(_WITH_DIGITS)
    return bytes([sum8(part[:-2]) for part in parts]) == said


def _one_message(text: bytes, raw: bytes, etx: int) -> bool:
    """One message from H to L without control characters of the link, every ETX at the end of a record."""
    if not begins_message(text) or text[-1:] != CR or raw.count(b"\r\x03") != etx:
        return False
    last = text[text.rfind(CR, 0, -1) + 1 : -1]
    if last[:1] != b"L" or last[1:2].isalnum():
        return False
    return not any(code in text for code in _NOT_IN_TEXT)


_NOT_IN_TEXT = (STX, ETX, EOT, ENQ, ETB, LF, b"\rH", b"\rh")
