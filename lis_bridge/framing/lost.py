"""A byte that a logger swallowed, put back where the driver says that it stood. Used by ``decode`` and import only.

The frame's own checksum is the proof: the byte goes back to every place that the expressions find, and the frame counts only if its sum then fits.
"""

from __future__ import annotations

import re
from functools import lru_cache

from lis_bridge.framing.frames import Buffer, Token, checksum_fits
from lis_bridge.framing.profile import Profile


def places_of(raw: bytes, bad: Token, profile: Profile) -> tuple[int, ...]:
    """The offsets in ``raw`` before which the lost byte stood in a frame with a bad checksum; none where the sum does not prove them."""
    if not profile.lost or bad.kind != "frame":
        return ()
    text = raw[bad.text_start : bad.text_stop]
    ends = {found.end() for pattern in _compiled(profile.lost_at) for found in pattern.finditer(text)}
    places = tuple(bad.text_start + end for end in sorted(ends))
    begin = bad.start + 1
    mended = b"".join(put_back(raw, begin, bad.text_stop, places, profile))
    frame = mended + raw[bad.text_stop : bad.text_stop + 3]
    return places if places and checksum_fits(frame, 0, len(mended), profile.checksum) else ()


def put_back(raw: Buffer, begin: int, end: int, places: tuple[int, ...], profile: Profile) -> list[Buffer]:
    """``raw[begin:end]`` in runs, with the lost byte as a run of its own before each place."""
    runs: list[Buffer] = []
    at = begin
    for place in places:
        runs += [raw[at:place], bytes.fromhex(profile.lost)]
        at = place
    return [*runs, raw[at:end]]


@lru_cache(maxsize=64)
def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[bytes], ...]:
    return tuple(re.compile(pattern.encode()) for pattern in patterns)
