"""Texts of two bytes a character (UTF-16, Dirui CS-1300), turned into UTF-8 so that everything behind reads them like any other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

import msgspec

from lis_bridge.framing.body import Body, raw_offset

WIDE = "utf-16-le"


def is_wide(charsets: Sequence[str]) -> bool:
    """Whether a manifest's charset says so; raises ValueError where it names others beside, for every text is valid in one of them."""
    if WIDE in charsets and len(charsets) > 1:
        raise ValueError(f"charset: {WIDE} must stand alone")
    return WIDE in charsets


def narrowed(body: Body) -> Body | None:
    """The body as UTF-8, every character mapped to where its first byte stood; None where it is no UTF-16."""
    try:
        # Of a body that was cut off inside a character the half is left out.
        text = body.text[: len(body.text) & ~1].decode(WIDE)
    except UnicodeDecodeError:
        return None
    narrow = accumulate((len(character.encode()) for character in text), initial=0)
    wide = accumulate((len(character.encode(WIDE)) for character in text), initial=0)
    starts = tuple((at, raw_offset(body.starts, place)) for at, place in zip(narrow, wide, strict=True))
    return msgspec.structs.replace(body, text=text.encode(), starts=starts[:-1])


def answered(raw: bytes, reply: Callable[[bytes], bytes | None]) -> bytes | None:
    """The reply to a wide message, as wide as it came; None where ``raw`` is not wide or no reply is owed."""
    try:
        answer = reply(raw.decode(WIDE).encode())
    except UnicodeDecodeError:
        return None
    return None if answer is None else answer.decode().encode(WIDE)
