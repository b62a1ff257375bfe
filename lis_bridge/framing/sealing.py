"""Check characters set anew after a text was changed in place: every frame or block that was sound before is sound again.

What was damaged before stays damaged: a capture that shows a bad checksum goes on showing it. Check characters are found by trying all that
may stand there, so that a rule says only once, in ``checks``, what fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product

from lis_bridge.framing import lines, numbered, shape
from lis_bridge.framing.checks import CheckRule
from lis_bridge.framing.frames import Patience, checksum_fits, scan, sum8
from lis_bridge.framing.lost import places_of, put_back
from lis_bridge.framing.profile import Profile
from lis_bridge.framing.shape import next_piece
from lis_bridge.framing.sniff import Framings


def resealed(before: bytes, after: bytes, profiles: Profile | Sequence[Profile]) -> bytes:
    """``after`` with right check characters where ``before``, of the same length, had right ones."""
    framings = Framings((profiles,) if isinstance(profiles, Profile) else profiles)
    result = bytearray(after)
    for profile in framings.spoken(before):
        seal = _SEALS.get(profile.kind)
        if seal is not None:
            seal(before, result, profile)
    return bytes(result)


def _frames(before: bytes, result: bytearray, profile: Profile) -> None:
    """LIS1-A: two digits behind ETX or ETB; the rule that held before is kept, and the digits' letter case.

    A frame whose sum proved that a logger had swallowed bytes goes on proving it.
    """
    at = 0
    while (token := scan(before, at, profile, Patience.GONE, stored=True)) is not None:
        at = max(token.stop, at + 1)
        if token.kind != "frame" or profile.checksum == "none":
            continue
        start, closer = token.start + 1, token.text_stop
        lost = places_of(before, token, profile)
        said = b"".join(put_back(before, start, closer, lost, profile))
        told = b"".join(put_back(result, start, closer, lost, profile)) + before[closer : closer + 1]
        for mode in ("including", "excluding"):
            if checksum_fits(said + before[closer : closer + 3], 0, len(said), mode):
                total = sum8(told if mode == "including" else told[:-1])
                digits = b"%02x" % total if before[closer + 1 : closer + 3].islower() else b"%02X" % total
                result[closer + 1 : closer + 3] = digits
                break


def _blocks(before: bytes, result: bytearray, profile: Profile) -> None:
    form, at = shape.shape_of(profile), 0
    while (piece := next_piece(before, at, form, final=True)) is not None:
        at = piece.stop
        if piece.kind == "block":
            end = next((code for code in form.ends if before.startswith(code, piece.text_stop)), b"")
            _set(before, result, piece.text_start, piece.text_stop, end, form.check)


def _lines(before: bytes, result: bytearray, profile: Profile) -> None:
    form, at = lines.form_of(profile), 0
    while (line := lines.next_line(before, at, form, final=True)) is not None:
        at = line.stop
        if line.sound:
            text = before[line.start : line.stop].rstrip(b"\r\n")
            _set(before, result, line.start, line.start + len(text), b"", form.check)


def _set(before: bytes, result: bytearray, start: int, stop: int, end: bytes, rule: CheckRule) -> None:
    """Try what may stand at the check's place until it fits."""
    found = rule.inside.search(before, start, stop) if rule.inside else None
    first, last = found.span(1) if found else (stop + len(end), stop + len(end) + rule.after)
    for digits in _candidates(before[first:last]):
        result[first:last] = digits
        if rule.fits(bytes(result[start:stop]), end, bytes(result[last - rule.after : last])):
            return


def _candidates(before: bytes) -> Iterator[bytes]:
    """Check characters like those that stood there, which come first: nothing may have changed."""
    yield before
    if len(before) == 1:
        yield from (bytes([byte]) for byte in range(256))
    elif before:
        alphabet = b"0123456789abcdef" if before.islower() else b"0123456789ABCDEF"
        for letters in (alphabet, bytes(range(0x30, 0x40))):
            yield from map(bytes, product(letters, repeat=len(before)))


def _numbered(before: bytes, result: bytearray, profile: Profile) -> None:
    at = 0
    while (block := numbered.next_block(before, at)) is not None:
        at = block.stop if block.sound else block.inside
        if block.sound:
            result[block.stop - 5 : block.stop - 1] = b"%04X" % numbered.crc16(
                result[block.data : block.data + numbered.DATA_BYTES]
            )


_SEALS: dict[str, Callable[[bytes, bytearray, Profile], None]] = {
    "lis1a": _frames,
    "block": _blocks,
    "lines": _lines,
    "numbered": _numbered,
}
