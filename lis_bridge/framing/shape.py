"""Blocks between a start and an end code in a buffer: where they stand and whether they are sound. Knows bytes, never a line.

A new start inside an open block means that the first was cut off. The check characters after an end may be any byte, also a start
code, so they are counted, never searched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from lis_bridge.framing.checks import RULES, CheckRule
from lis_bridge.framing.profile import Profile

Buffer = bytes | bytearray

CLOCK_BYTES = 6
_NOT_BCD = re.compile(rb"[^\x00-\x09\x10-\x19\x20-\x29\x30-\x39\x40-\x49\x50-\x59\x60-\x69\x70-\x79\x80-\x89\x90-\x99]")


@dataclass(frozen=True, slots=True)
class Shape:
    """A block protocol, compiled. ``step``: 2 where every code is two bytes wide (UTF-16) and stands at an even distance."""

    starts: tuple[bytes, ...]
    ends: tuple[bytes, ...]
    outside: re.Pattern[bytes]
    inside: re.Pattern[bytes]
    check: CheckRule
    keep: bool
    length: int
    clock: bool
    ignored: bytes
    step: int

    @property
    def longest(self) -> int:
        return max(map(len, (*self.starts, *self.ends)))


class Piece(NamedTuple):
    """A piece of the line, ``buffer[start:stop]``, and its text."""

    kind: str  # noise, clock, prelude, block, bad, cut
    start: int
    stop: int
    text_start: int = 0
    text_stop: int = 0


def shape(
    starts: Iterable[bytes],
    ends: Iterable[bytes],
    *,
    check: str = "",
    keep: bool = False,
    length: int = 0,
    clock: bool = False,
    prelude: bytes = b"",
    ignored: bytes = b"\r\n",
    step: int = 1,
) -> Shape:
    """A shape from its codes; of codes that begin alike the longest is tried first."""
    starts, ends = _longest_first(starts), _longest_first(ends)
    singles = tuple(prelude[at : at + 1] for at in range(len(prelude)))
    outside, inside = _any_of((*starts, *singles)), _any_of((*ends, *starts))
    return Shape(starts, ends, outside, inside, RULES[check], keep, length, clock, ignored, step)


def shape_of(profile: Profile) -> Shape:
    """The shape that a profile of kind ``block`` declares."""
    return shape(
        map(bytes.fromhex, profile.start),
        map(bytes.fromhex, profile.end),
        check=profile.check,
        keep=profile.keep,
        length=profile.length,
        clock=profile.skip == "clock",
        prelude=bytes.fromhex(profile.prelude),
        ignored=bytes.fromhex(profile.ignore),
    )


def next_piece(buffer: Buffer, at: int, form: Shape, *, since: int = 0, final: bool = False) -> Piece | None:
    """The next piece from ``at``; None when more bytes must come first. ``since``: no code ends before this offset."""
    if form.clock:
        clock = buffer[at : at + CLOCK_BYTES]
        if clock[:1] == b" " and _NOT_BCD.search(clock) is None and not (final and len(clock) < CLOCK_BYTES):
            return Piece("clock", at, at + CLOCK_BYTES) if len(clock) == CLOCK_BYTES else None
    if not form.starts:
        return _open(buffer, at, at, form, since, final)
    found = form.outside.search(buffer, at)
    if found is None:
        stop = len(buffer) if final else max(at, len(buffer) - form.longest + 1)
        return Piece("noise", at, stop) if stop > at else None
    if found.start() > at:
        return Piece("noise", at, found.start())
    if found.group() not in form.starts:
        return Piece("prelude", at, found.end())
    return _open(buffer, at, found.end(), form, since, final)


def _open(buffer: Buffer, start: int, text_start: int, form: Shape, since: int, final: bool) -> Piece | None:
    """The block that begins at ``start``, whole or cut off by the next start."""
    position = max(since, text_start + form.check.before)
    if form.length:
        counted = _counted(buffer, start, text_start, form, final)
        if counted is not False:
            return counted
        position = text_start
    while True:
        at, code = _first_of((*form.ends, *form.starts), buffer, position)
        if not code:
            return _unended(buffer, start, text_start, form) if final else None
        if form.step == 1 or (at - start) % form.step == 0:
            break
        position = at + 1
    if code in form.ends:
        return _ended(buffer, start, text_start, at, at + len(code), form, final)
    kind = "cut" if at > text_start else "noise"
    return Piece(kind, start, at, text_start, at)


def _first_of(codes: tuple[bytes, ...], buffer: Buffer, position: int) -> tuple[int, bytes]:
    """Where the first of the codes stands, and which; of two at one place the one named first, none where the code is empty.

    Looked for in pieces that grow: a code that never comes is not looked for behind one that is near.
    """
    size = 1024
    while position < len(buffer):
        beyond, found = position + size, b""
        for code in codes:
            at = buffer.find(code, position, beyond + len(code) - 1)
            if at >= 0 and at < beyond:
                beyond, found = at, code
        if found:
            return beyond, found
        position, size = beyond, 2 * size
    return position, b""


def _counted(buffer: Buffer, start: int, text_start: int, form: Shape, final: bool) -> Piece | Literal[False] | None:
    """The block that says its own length, so that end codes inside it mean nothing; False where the count leads to no end."""
    digits = bytes(buffer[text_start : text_start + form.length])
    if len(digits) < form.length:
        return False if final else None
    if not digits.isdigit():
        return False
    stop = text_start + int(digits)
    if len(buffer) < stop + form.longest and not final:
        return None
    end = next((code for code in form.ends if buffer.startswith(code, stop)), None)
    return False if end is None else _ended(buffer, start, text_start, stop, stop + len(end), form, True)


def _ended(buffer: Buffer, start: int, text_start: int, end: int, after: int, form: Shape, final: bool) -> Piece | None:
    stop = after + form.check.after
    if len(buffer) < stop and not final:
        return None
    fits = form.check.fits(bytes(buffer[text_start:end]), bytes(buffer[end:after]), bytes(buffer[after:stop]))
    place = (start, after) if form.keep else (text_start, end)
    return Piece("block" if fits else "bad", start, min(stop, len(buffer)), *place)


def _unended(buffer: Buffer, start: int, text_start: int, form: Shape) -> Piece | None:
    stop = len(buffer)
    if not bytes(buffer[text_start:stop]).strip(form.ignored):
        return Piece("noise", start, stop) if stop > start else None
    return Piece("cut", start, stop, start if form.keep else text_start, stop)


def _longest_first(codes: Iterable[bytes]) -> tuple[bytes, ...]:
    return tuple(sorted(codes, key=len, reverse=True))


def _any_of(codes: tuple[bytes, ...]) -> re.Pattern[bytes]:
    return re.compile(b"|".join(map(re.escape, codes)) if codes else rb"(?!)")
