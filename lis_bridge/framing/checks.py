"""Check characters of block and line protocols, as data: how many stand after the end, and whether they fit.

``inside``: they are the last characters of the text. Each was verified against captures of the devices named.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import reduce
from operator import xor
from typing import NamedTuple

from lis_bridge.framing.frames import sum8
from lis_bridge.framing.numbered import crc16

_HEX2 = re.compile(rb"[0-9A-Fa-f]{2}")
_LAST_TWO = re.compile(rb"(..)\Z", re.DOTALL)
_LAST_TWO_OF_LINE = re.compile(rb"(.[^\r\n])[\r\n]*\Z", re.DOTALL)
_LAST_FOUR_OF_LINE = re.compile(rb"(...[^\r\n])[\r\n]*\Z", re.DOTALL)
_HEX4 = re.compile(rb"[0-9A-F]{4}")
_SUM16 = re.compile(rb"\r} ([0-9A-F]{4})\r\Z")


class CheckRule(NamedTuple):
    """``after``: bytes that follow the end code; ``fits(text, end, following)``; ``inside`` finds them, as its group, in the text;
    ``before``: bytes at the text's start that may be any, also codes.
    """

    after: int
    fits: Callable[[bytes, bytes, bytes], bool]
    inside: re.Pattern[bytes] | None = None
    before: int = 0


def _xor(text: bytes, end: bytes, following: bytes) -> bool:
    return following[:1] == bytes([reduce(xor, text + end, 0)])


def _sum(text: bytes, end: bytes, following: bytes) -> bool:
    return _says(following, sum8(text))


def _sum_with_end(text: bytes, end: bytes, following: bytes) -> bool:
    return _says(following, sum8(text + end))


def _sum_inside(text: bytes, end: bytes, following: bytes) -> bool:
    return _says(text[-2:], sum8(text[:-2]))


def _complement_inside(text: bytes, end: bytes, following: bytes) -> bool:
    return _says(text[-2:], -sum8(text[:-2]) & 0xFF)


def _rounded_inside(text: bytes, end: bytes, following: bytes) -> bool:
    """Two characters ``0``…``?``; the high digit is rounded, not cut (HemaCell)."""
    body = text.rstrip(b"\r\n")
    total = sum8(body[:-2])
    return body[-2:] == bytes([0x30 + ((total + 8) >> 4 & 15), 0x30 + (total & 15)])


def _sum16_inside(text: bytes, end: bytes, following: bytes) -> bool:
    """``} XXXX CR`` at the end: the sum of all before ``}`` modulo 65536.

    On a 7-bit line every byte over 7F has lost 128, so the sum may be short by a multiple of it (Micros 60).
    """
    found = _SUM16.search(text)
    if found is None:
        return False
    short = (int(found[1], 16) - sum(text[: found.start() + 1])) & 0xFFFF
    return short % 128 == 0


def _lines(text: bytes, end: bytes, following: bytes) -> bool:
    """The first byte counts the lines of the block, that of the start code among them; it may be CR, LF or any other code."""
    return text[:1] == bytes([text.count(b"\r\n", 1) & 0xFF])


def _crc_inside(text: bytes, end: bytes, following: bytes) -> bool:
    """Four upper-case hex digits at the end: CRC-16/CCITT-FALSE over all before them (GENIBUS without its inversion)."""
    digits = text[-4:]
    return _HEX4.fullmatch(digits) is not None and int(digits, 16) == crc16(text[:-4]) ^ 0xFFFF


def _says(digits: bytes, total: int) -> bool:
    return _HEX2.fullmatch(digits) is not None and int(digits, 16) == total


RULES: dict[str, CheckRule] = {
    "": CheckRule(0, lambda text, end, following: True),
    "xor": CheckRule(1, _xor),  # Hitachi 7150, Olympus AU
    "sum": CheckRule(2, _sum),  # Hitachi 7060, 747
    "sum+end": CheckRule(2, _sum_with_end),
    "sum inside": CheckRule(0, _sum_inside, _LAST_TWO),  # Dimension, Vitros lines
    "complement inside": CheckRule(0, _complement_inside, _LAST_TWO),  # IL 1620, Coulter JT
    "rounded inside": CheckRule(0, _rounded_inside, _LAST_TWO_OF_LINE),  # HemaCell
    "sum16 inside": CheckRule(0, _sum16_inside, _SUM16),  # Micros 60
    "lines": CheckRule(0, _lines, before=1),  # Mejer
    "crc inside": CheckRule(0, _crc_inside, _LAST_FOUR_OF_LINE),  # SD-1000
}
