"""Openings so plain that they overrule a choice among framings which has brought nothing but noise.

Noise may look like the first bytes of any framing; nobody writes VT MSH, or STX, a digit and an H with its separators, by chance.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from lis_bridge.framing.control import ENQ, VT
from lis_bridge.framing.events import MessageReceived
from lis_bridge.framing.profile import Profile

_MARKS = rb"[!-/:-@\[-`{-~]"  # what separators are taken from; bytes beyond ASCII are not
_PLAIN = {
    "mllp": rb"\x0bMSH" + _MARKS,
    "lis1a": rb"\x02[0-9]H" + _MARKS * 3,
    "snibe": rb"\x02H" + _MARKS * 3,
    "bare-lis2": rb"(?<=[\r\n])H" + _MARKS * 3,
}
_HEAD_BYTES = 16
_GREETED = frozenset({"lis1a", "snibe", "auto"})
"""Framings that begin with an ENQ."""


@lru_cache(maxsize=256)
def plain(profile: Profile) -> re.Pattern[bytes] | None:
    """What nothing but this framing begins with; None for one that has no such opening."""
    if profile.wide:
        return re.compile(rb"\x0b\0M\0S\0H\0")
    return re.compile(_PLAIN[profile.kind]) if profile.kind in _PLAIN else None


def rival(among: Sequence[Profile], chosen: Profile, data: bytes) -> tuple[int, Profile] | None:
    """Where another framing plainly begins, the first one; an ENQ alone counts where the chosen framing knows none."""
    found = [
        (match.start(), profile)
        for profile in among
        if profile != chosen and (begins := plain(profile)) and (match := begins.search(data))
    ]
    if found:
        return min(found, key=lambda one: one[0])
    greeted = [profile for profile in among if profile.kind in _GREETED]
    return (0, greeted[0]) if data == ENQ and greeted and chosen.kind not in _GREETED else None


def proves(profile: Profile, message: MessageReceived) -> bool:
    """Whether a message shows that its framing was chosen rightly: noise has short lines and empty blocks as well, but no header."""
    begins = plain(profile)
    if begins is None:
        return message.complete and len(message.raw) > _HEAD_BYTES
    return begins.search(b"\r" + message.raw[:_HEAD_BYTES]) is not None


def open_end(data: bytes) -> int:
    """How many bytes at the end may yet become VT MSH; a block's first bytes must not be split between two framings."""
    at = data.rfind(VT, -8)
    return len(data) - at if at >= 0 and (VT + b"MSH").startswith(data[at : at + 4].replace(b"\0", b"")) else 0
