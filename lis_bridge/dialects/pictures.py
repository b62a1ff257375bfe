"""Pictures in records of their own below an order: ``M|1|HISTOGRAM|RBC/PLT|RbcAlongRes|limits|FLOATLE-stream/deflate:base64^…``.

They are counted and named, never drawn: a picture is no result.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lis_bridge.core.results import Image
from lis_bridge.dialects.grammar import Grammar
from lis_bridge.dialects.paths import Path
from lis_bridge.dialects.sections import lines_of

ROOM = 16 * 1024 * 1024
"""Bytes that the packed pictures of a message are unpacked to; what goes beyond is counted up to there."""


@dataclass(frozen=True, slots=True)
class Form:
    """Which records are pictures, and where their parts stand; ``packed``: deflate without a head (RFC 1951) before base64."""

    record: str
    only: tuple[tuple[Path, re.Pattern[str]], ...]
    code: Path
    format: Path
    data: Path
    packed: bool


def read(text: str, raw: bytes, grammar: Grammar, order: str, form: Form, *, complete: bool) -> Iterator[tuple[int, Image]]:
    """The pictures of a message, each with the number of ``order`` records that stand above it."""
    lines, spans = lines_of(text, raw, complete=complete)
    orders, room = 0, ROOM
    for line, span in zip(lines, spans, strict=False):
        name = line.partition(grammar.field)[0].strip().upper()
        orders += name == order
        if name != form.record:
            continue
        fields = line.split(grammar.field)
        if all(pattern.fullmatch(grammar.pick(fields, path).strip()) for path, pattern in form.only):
            data = grammar.pick(fields, form.data)
            size = _size(data, packed=form.packed, room=room)
            room = max(0, room - size)
            coding = "deflate base64" if form.packed else "base64"
            yield orders, Image(grammar.pick(fields, form.code), grammar.pick(fields, form.format), size, span, data, coding)


def by_section(found: Sequence[tuple[int, Image]], opened: Sequence[bool]) -> list[tuple[Image, ...]]:
    """The pictures of each section; ``opened`` says which sections an order record begins."""
    orders = 0
    by_order: dict[int, list[Image]] = {}
    for number, image in found:
        by_order.setdefault(number, []).append(image)
    below: list[tuple[Image, ...]] = []
    for opens in opened:
        orders += opens
        below.append(tuple(by_order.pop(orders, ())))
    return below


def _size(data: str, *, packed: bool, room: int) -> int:
    try:
        sent = base64.b64decode(data, validate=True)
        # A limit of 0 would mean none.
        return len(zlib.decompressobj(-zlib.MAX_WBITS).decompress(sent, room)) if packed and room else len(sent)
    except (binascii.Error, ValueError, zlib.error):
        return len(data) * 3 // 4
