"""Do these bytes look as if the line were set right? Knows bytes, never a device.

    sent 7E1, read 8N1    bit 7 of every byte is its parity: the set of bytes with an even number of ones, some above 7F
    wrong speed           most bytes are no text, many are 00, 80, F8, FE, FF
    right                 frames whose checksums hold, or text with the control characters of a protocol

A frame whose checksum holds proves the setting; text alone makes it likely, because two speeds never both give text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from lis_bridge.framing.frames import sum8

Verdict = Literal["proven", "likely", "wrong", "unsure"]

ENOUGH = 24
"""Bytes below which only a checksum convinces."""
_TEXT = frozenset(range(0x20, 0x7F)) | frozenset(
    (0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x15, 0x17, 0x1C)
)
_LIKELY, _WRONG = 0.97, 0.75
_FRAME = re.compile(rb"\x02([0-9][^\x02\x03\x17]*[\x03\x17])([0-9A-F]{2})")
_HANZI = re.compile(rb"[\xb0-\xf7][\xa1-\xfe]")
_PARITIES = (("E", 0), ("O", 1))


@dataclass(frozen=True, slots=True)
class Fit:
    """What the bytes say of the setting under which they were read; ``better`` is a format that would explain them."""

    verdict: Verdict
    why: str
    better: str | None = None


def judge(raw: bytes) -> Fit:
    """Judge bytes that were read with eight data bits and no parity."""
    frames = sum(int(found[2], 16) == sum8(found[1]) for found in _FRAME.finditer(raw))
    if frames:
        return Fit("proven", f"{frames} LIS1-A frames with right checksums")
    share = _share(raw)
    if len(raw) < ENOUGH:
        return Fit("unsure", f"only {len(raw)} bytes")
    if share >= _LIKELY:
        return Fit("likely", f"{share:.0%} of {len(raw)} bytes are text or control characters")
    for letter, odd in _PARITIES:
        if all(byte.bit_count() % 2 == odd for byte in raw) and _share(_stripped(raw)) >= _LIKELY:
            return Fit("wrong", "bit 7 of every byte is its parity", f"7{letter}1")
    if all(byte & 0x80 for byte in raw) and _share(_stripped(raw)) >= _LIKELY:
        return Fit("wrong", "bit 7 of every byte is set", "7M1")
    if share < _WRONG:
        return Fit("wrong", f"only {share:.0%} of {len(raw)} bytes are text")
    return Fit("unsure", f"{share:.0%} of {len(raw)} bytes are text")


def _share(raw: bytes) -> float:
    """The share of bytes that belong to text; Chinese counts in pairs of GB2312 only among ASCII, which the records of no protocol lack."""
    plain = sum(byte in _TEXT for byte in raw)
    if plain * 2 > len(raw):
        plain = sum(byte in _TEXT for byte in _HANZI.sub(b"  ", raw))
    return plain / len(raw) if raw else 0.0


def _stripped(raw: bytes) -> bytes:
    return bytes(byte & 0x7F for byte in raw)
