"""Wire bytes for people: printable ASCII as it is, control characters by their names, every other byte as ``<xE4>``."""

from __future__ import annotations

import re
from collections.abc import Iterator

NAMES = (
    *("NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "HT", "LF", "VT", "FF", "CR", "SO", "SI"),
    *("DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US"),
)
"""ASCII control characters by code (ISO/IEC 646); the x of the others keeps FF the form feed."""

_SHOWN = [
    f"<{NAMES[byte]}>" if byte < len(NAMES) else chr(byte) if 0x20 <= byte < 0x7F else f"<x{byte:02X}>" for byte in range(256)
]
_PART = re.compile(rb"[\x20-\x7e]+|[^\x20-\x7e]")
_LINE_END = re.compile(r"(<CR>(?:<LF>)?|<LF>)")


def legible(raw: bytes, *, lines: bool = True) -> str:
    """``<STX>1H|\\^&<CR>``; with ``lines`` a new line begins behind each CR, LF or CR LF."""
    shown = "".join(map(_SHOWN.__getitem__, raw))
    return _LINE_END.sub(r"\1\n", shown) if lines else shown


def parted(raw: bytes) -> Iterator[tuple[bool, str]]:
    """The same in parts, for who draws names unlike text: True with the name of a byte, False with a run of printable ASCII."""
    for found in _PART.finditer(raw):
        text = found[0]
        yield (False, text.decode("ascii")) if 0x20 <= text[0] < 0x7F else (True, _SHOWN[text[0]][1:-1])
