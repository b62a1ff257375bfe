"""Which of a driver's framings the first bytes speak. Data: what each kind begins with.

0B MLLP · 05, then 02 and a digit: LIS1-A · 05 02 H: Snibe · 02 digit letter: LIS1-A without ENQ · H| or 1H|: bare records
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from operator import itemgetter

from lis_bridge.framing.profile import Profile

STANDARD = (
    *(Profile.from_dict({"kind": kind}) for kind in ("mllp", "lis1a", "snibe", "bare-lis2")),
    Profile.from_dict({"kind": "block", "start": "02"}),
)
"""What ``auto`` chooses among."""

LONGEST = 16
"""Bytes that decide at the latest."""

_OPENINGS = {
    "lis1a": rb"\x05(?:\x02[0-9]|[^\x02])|\x02[0-9][A-Za-z]",
    "snibe": rb"\x05?\x02[Hh]",
    "numbered": rb"[0-9A-F]{2}\x02[0-9A-F]{2}",
    "bare-lis2": rb"(?:\A|(?<=[\r\n]))[0-9]?[Hh][^A-Za-z0-9\s]",
}
_BEGUN = {
    "lis1a": rb"\x05?\x02?|\x02[0-9]",
    "snibe": rb"\x05?\x02?",
    "numbered": rb"[0-9A-F]{0,2}|[0-9A-F]{2}\x02[0-9A-F]?",
    "bare-lis2": rb"[0-9]?[Hh]?",
}
_RANK = ("mllp", "lis1a", "snibe", "numbered", "bare-lis2", "block", "lines", "whole")


def candidates(profiles: Sequence[Profile]) -> tuple[Profile, ...]:
    """The profiles to decide among, the one that says most by its first bytes first."""
    found = tuple(one for profile in profiles for one in (STANDARD if profile.kind == "auto" else (profile,)))
    return tuple(sorted(dict.fromkeys(found), key=lambda profile: _RANK.index(profile.kind)))


@lru_cache(maxsize=256)
def opening(profile: Profile) -> re.Pattern[bytes]:
    """What the first bytes of this framing look like."""
    if profile.kind == "mllp":
        return re.compile(rb"\x0b\x00" if profile.wide else rb"\x0b")
    if profile.kind == "block" and profile.start:
        return re.compile(b"|".join(re.escape(code) for code in (*_codes(profile), *map(bytes.fromhex, _each(profile.prelude)))))
    return re.compile(_OPENINGS.get(profile.kind, rb"(?s:.)"))


@lru_cache(maxsize=256)
def begun(profile: Profile) -> re.Pattern[bytes]:
    """What may still become an opening."""
    if profile.kind == "mllp":
        return re.compile(rb"\x0b?" if profile.wide else rb"")
    if profile.kind == "block":
        return re.compile(b"|".join(re.escape(code[:size]) for code in _codes(profile) for size in range(len(code))) or rb"")
    return re.compile(_BEGUN.get(profile.kind, rb""))


def choose(among: Sequence[Profile], head: bytes, at: int) -> Profile | bool | None:
    """The profile that the bytes from ``at`` speak, True while more must come, None when no profile fits."""
    for profile in among:
        if opening(profile).match(head, at):
            return profile
        if begun(profile).fullmatch(head, at):
            return True
    return None


def first_bytes(among: Sequence[Profile]) -> re.Pattern[bytes]:
    """The bytes with which one of the framings may begin."""
    found = [byte for byte in range(256) if choose(among, b"\r" + bytes([byte]), 1)]
    return re.compile(b"|".join(re.escape(bytes([byte])) for byte in found) or rb"(?!)")


class Framings:
    """Framings to decide among for stored bytes, compiled."""

    def __init__(self, profiles: Sequence[Profile]) -> None:
        self.among = candidates(profiles)
        self._openings = tuple((profile, opening(profile)) for profile in self.among)

    def spoken(self, raw: bytes) -> tuple[Profile, ...]:
        """The profiles whose opening stands first in the bytes, the highest rank first; more than one only of kind ``block``."""
        if len(self.among) == 1:
            return self.among
        for best, begins in self._openings:
            if begins.match(raw):
                return self._alike(best, raw, 0)
        # Looking for an opening further on reads all bytes once for every profile.
        found = [(match.start(), profile) for profile, begins in self._openings if (match := begins.search(raw))]
        if not found:
            return ()
        place, best = min(found, key=itemgetter(0))
        return self._alike(best, raw, place)

    def _alike(self, best: Profile, raw: bytes, place: int) -> tuple[Profile, ...]:
        """``best`` with every other block that begins at the same place."""
        if best.kind != "block":
            return (best,)
        return tuple(
            profile
            for profile, begins in self._openings
            if profile is best or (profile.kind == "block" and (found := begins.search(raw)) and found.start() == place)
        )


def _codes(profile: Profile) -> list[bytes]:
    """A block's start codes, each with what its text begins with."""
    return [bytes.fromhex(start + begins) for start in profile.start for begins in profile.begins or ("",)]


def _each(hexadecimal: str) -> list[str]:
    return [hexadecimal[at : at + 2] for at in range(0, len(hexadecimal), 2)]
