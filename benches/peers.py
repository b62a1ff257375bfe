"""Other people's parsers, asked for the same nine fields of every result. A peer that is not installed is left out.

The nine: code, name and system (components of OBX-3), value, unit, range, flag, status and time. Each is read the way its library offers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from types import ModuleType
from typing import Any

import hl7

PLAIN = (5, 6, 7, 8, 11, 14)
Row = tuple[str, ...]
Read = Callable[[bytes], list[Row]]


def found(name: str) -> ModuleType | None:
    """The module, or None where it is not installed."""
    try:
        return import_module(name)
    except ImportError:
        return None


def python_hl7(message: bytes) -> hl7.Message:
    """python-hl7's parse alone; it reads nothing."""
    return hl7.parse(message.decode())


def python_hl7_read(message: bytes) -> list[Row]:
    return [
        (*(str(obx[3][0][part]) for part in range(3)), *(str(obx[field]) for field in PLAIN))
        for obx in hl7.parse(message.decode()).segments("OBX")
    ]


def split(message: bytes) -> list[list[str]]:
    """The floor in this language: every segment split at every bar, nothing read."""
    return [segment.split("|") for segment in message.decode().split("\r")]


def split_read(message: bytes) -> list[Row]:
    return [(*row[3].split("^"), *(row[field] for field in PLAIN)) for row in split(message) if row[0] == "OBX"]


def _hl7lw(module: Any) -> Read:
    parser = module.Hl7Parser()

    def read(message: bytes) -> list[Row]:
        rows = []
        for obx in parser.parse_message(message).get_segments("OBX"):
            coded = module.Hl7Field(parser, obx[3])[1]
            rows.append((coded[1][1], coded[2][1], coded[3][1], *(obx[field] for field in PLAIN)))
        return rows

    return read


def _medforge(module: Any) -> Read:
    def read(message: bytes) -> list[Row]:
        rows = []
        for obx in module.parse(message.decode()).segments_by_name("OBX"):
            coded = obx.field(3)
            rows.append((*(coded.component(part).value for part in (1, 2, 3)), *(obx.field(field).value for field in PLAIN)))
        return rows

    return read


def _hl7kit(module: Any) -> Read:
    fields = ("3.1", "3.2", "3.3", *PLAIN)
    paths = [[f"OBX[{row}]-{field}" for field in fields] for row in range(1, 1001)]

    def read(message: bytes) -> list[Row]:
        parsed = module.parse(message)
        get = parsed.get
        return [tuple(get(path) or "" for path in row) for row in paths[: parsed.segments().count("OBX")]]

    return read


_READERS: dict[str, Callable[[Any], Read]] = {"hl7lw": _hl7lw, "medforge": _medforge, "hl7kit": _hl7kit}


def readers() -> Iterable[tuple[str, Read]]:
    """Every installed peer with how it reads the nine fields."""
    for name, make in _READERS.items():
        module = found(name)
        if module is not None:
            yield name, make(module)


def astm(frames: bytes) -> list[Any] | None:
    """Records of one transmission as the ``astm`` package (``astm-2025`` on PyPI) decodes them, frame by frame, without typing them.

    None where it is not installed. Its ``decode`` wants one frame at a time, as its own server hands them over.
    """
    codec = found("astm.codec")
    if codec is None:
        return None
    return [record for frame in frames.strip(b"\x05\x04").split(b"\x02")[1:] for record in codec.decode(b"\x02" + frame)]
