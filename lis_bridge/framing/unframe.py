"""Stored bytes to message texts, by the rules of the live framers, in one go.

One body per logical message. What is damaged is a fault or a body that is not complete, never a wrong text. ``repair=True`` is for logs:
it mends what loggers break, names each mend in ``faults``, and never invents a byte: what is put back, a checksum proves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter

from lis_bridge.core.faults import Fault
from lis_bridge.framing import lines, logs, mllp, numbered, shape, snibe
from lis_bridge.framing.bare_stored import unframe_bare
from lis_bridge.framing.body import Body, nothing, raw_offset, sliced
from lis_bridge.framing.clean import unframe_clean
from lis_bridge.framing.control import FS, VT
from lis_bridge.framing.damage import Damage
from lis_bridge.framing.profile import Profile
from lis_bridge.framing.records import Ending
from lis_bridge.framing.shape import Piece, Shape, next_piece
from lis_bridge.framing.sniff import Framings
from lis_bridge.framing.stored import Stored, messages_in

__all__ = ["Body", "Framings", "unframe", "unframe_among"]

_TEXT = attrgetter("text")
_NO_MESSAGE = "No message of these framings stands in the bytes; check the driver, or the log's form"


def unframe(raw: bytes, profiles: Profile | Sequence[Profile], *, repair: bool = False) -> list[Body]:
    """The messages in ``raw``; the first bytes that fit decide among several profiles. Never raises for bytes."""
    return unframe_among(raw, Framings((profiles,) if isinstance(profiles, Profile) else profiles), repair=repair)


def unframe_among(raw: bytes, framings: Framings, *, repair: bool = False) -> list[Body]:
    """``unframe`` for framings that were compiled before."""
    found: list[Body] = []
    spoken = framings.spoken(raw)
    if len(spoken) == 1:
        found = _READERS[spoken[0].kind](raw, spoken[0], repair)
    else:
        # Formats of one device differ by their check only (Micros 60): the first that holds is it.
        for profile in spoken:
            tried = _READERS[profile.kind](raw, profile, repair)
            if any(map(_TEXT, tried)):
                found = tried
                break
            found = found or tried
    if repair and not any(map(_TEXT, found)):
        found = _last_resort(raw, framings.among) or found
    return found or ([nothing(Fault("no message", f"{len(raw)} bytes", _NO_MESSAGE))] if raw else [])


def _lis1a(raw: bytes, profile: Profile, mend: bool) -> list[Body]:
    if profile.checksum in ("including", "either") and profile.numbers == "0-7" and profile.terminator == "L":
        body = unframe_clean(raw)
        if body is not None:
            return [body]
    return logs.stored_frames(raw, profile) if mend else Stored(raw, profile).bodies


def _mllp(raw: bytes, profile: Profile, mend: bool) -> list[Body]:
    if not profile.wide and raw[:1] == VT:
        end = raw.find(FS)
        if len(raw) - end <= 2 and end > 0 and raw.find(VT, 1) < 0:
            return [Body(raw[1:end], ((0, 1),), True, ())]
    return _mended(raw, mllp.shape_of(profile)) if mend else _blocks(raw, mllp.shape_of(profile))


def _block(raw: bytes, profile: Profile, mend: bool) -> list[Body]:
    form = shape.shape_of(profile)
    if profile.last:
        return list(_grouped(raw, form, re.compile(profile.last.encode())))
    found = _mended(raw, form, bytes.fromhex(profile.logger)) if mend else _blocks(raw, form)
    return [logs.unwrapped(body) for body in found] if mend and profile.unwrap else found


def _snibe(raw: bytes, profile: Profile, mend: bool) -> list[Body]:
    return [part for body in _blocks(raw, snibe.shape_of()) for part in _split(body)]


def _blocks(raw: bytes, form: Shape) -> list[Body]:
    return [_body_of(raw, piece) for piece in pieces(raw, form) if piece.kind in ("block", "bad", "cut")]


def pieces(raw: bytes, form: Shape) -> Iterator[Piece]:
    """All pieces of stored bytes."""
    at = 0
    while at < len(raw):
        piece = next_piece(raw, at, form, final=True)
        if piece is None:
            return
        yield piece
        at = piece.stop


def _body_of(raw: bytes, piece: Piece) -> Body:
    where = f"byte {piece.start}"
    if piece.kind == "bad":
        return nothing(Fault("bad checksum", where, "The block was skipped; ask the analyzer to send it again"))
    text, starts = raw[piece.text_start : piece.text_stop], ((0, piece.text_start),)
    if piece.kind == "block":
        return Body(text, starts, True, ())
    fault = Fault("message cut off", where, "No end came; ask the analyzer to send it again")
    return Body(text, starts, False, (fault,)) if text else nothing(fault)


def _mended(raw: bytes, form: Shape, logger: bytes = b"") -> list[Body]:
    def read(cleaned: bytes) -> list[Body]:
        return logs.blocks(cleaned, form, _body_of)

    return logs.around_logger(raw, lambda cleaned: logs.undoubled(cleaned, read), logger)


def _grouped(raw: bytes, form: Shape, last: re.Pattern[bytes]) -> Iterator[Body]:
    """Blocks that belong together, codes kept, up to the one in which ``last`` is found."""
    kept: list[Piece] = []
    damage = Damage()
    for piece in pieces(raw, form):
        if piece.kind == "bad":
            yield _body_of(raw, piece)
            if kept or not damage.whole or last.search(raw[piece.text_start : piece.text_stop]) is None:
                damage = damage.after(raw[piece.start : piece.stop], sound=False)
        elif piece.kind == "cut":
            yield nothing(*_body_of(raw, piece).faults)
            if kept:
                yield _group(raw, kept, False)
            kept, damage = [], Damage(torn=bool(kept))
        elif piece.kind == "block":
            kept.append(piece)
            damage = damage.after(raw[piece.start : piece.stop], sound=True)
            if last.search(raw[piece.text_start : piece.text_stop]):
                yield _group(raw, kept, damage.whole)
                kept, damage = [], Damage()
    if kept:
        yield _group(raw, kept, False)


def _group(raw: bytes, kept: Sequence[Piece], complete: bool) -> Body:
    starts: list[tuple[int, int]] = []
    length = 0
    for piece in kept:
        starts.append((length, piece.start))
        length += piece.stop - piece.start
    return Body(b"".join(raw[piece.start : piece.stop] for piece in kept), tuple(starts), complete, ())


def _numbered(raw: bytes, profile: Profile, mend: bool) -> list[Body]:
    return logs.around_logger(raw, lambda cleaned: logs.undoubled(cleaned, _blocks_joined)) if mend else _blocks_joined(raw)


def _blocks_joined(raw: bytes) -> list[Body]:
    return list(_joined(raw))


_BLOCK_FAULTS = {
    "bad": ("bad checksum", "The block was skipped unless it came again"),
    "stray": ("frame number", "The block continues nothing; its sample must be sent again"),
}


def _joined(raw: bytes) -> Iterator[Body]:
    texts: list[tuple[int, bytes]] = []
    faults: list[Fault] = []
    joiner = numbered.Joiner()
    at = 0
    while (block := numbered.next_block(raw, at)) is not None:
        at = block.stop if block.sound else block.inside
        data = raw[block.data : block.data + numbered.DATA_BYTES]
        role = joiner.judge(block, data)
        if texts and (role == "first" or not joiner.total):
            yield _text_of(texts, False, faults)
            texts, faults = [], []
        if role in _BLOCK_FAULTS:
            kind, hint = _BLOCK_FAULTS[role]
            faults.append(Fault(kind, f"byte {block.start}", hint))
        elif role != "repeat":
            texts.append((block.data, data))
        if joiner.whole:
            yield _text_of(texts, True, faults)
            texts, faults = [], []
            joiner.forget()
    if texts or faults:
        yield _text_of(texts, False, faults)


def _text_of(texts: Sequence[tuple[int, bytes]], complete: bool, faults: Sequence[Fault]) -> Body:
    starts = tuple((number * numbered.DATA_BYTES, at) for number, (at, _) in enumerate(texts))
    return Body(b"".join(text for _, text in texts), starts, complete, tuple(faults))


def _lines(raw: bytes, profile: Profile, mend: bool) -> list[Body]:
    return [_lines_of(raw, group) for group in lines.groups(raw, lines.form_of(profile))]


def _lines_of(raw: bytes, group: lines.Group) -> Body:
    faults = tuple(
        Fault("line damaged", f"byte {at}", "The line was dropped: its check or its end is wrong") for at in group.torn
    )
    starts: list[tuple[int, int]] = []
    length = 0
    for start, stop in group.lines:
        if not starts or raw_offset(tuple(starts), length) != start:
            starts.append((length, start))
        length += stop - start
    return Body(b"".join(raw[start:stop] for start, stop in group.lines), tuple(starts), group.complete, faults)


def _bare(raw: bytes, profile: Profile, mend: bool) -> list[Body]:
    return logs.around_logger(raw, _bare_mended) if mend else unframe_bare(raw)


def _bare_mended(raw: bytes) -> list[Body]:
    return unframe_bare(raw, repair=True)


def _whole(raw: bytes, profile: Profile, mend: bool) -> list[Body]:
    return [Body(raw, ((0, 0),), True, ())] if raw else []


def _split(body: Body) -> Iterator[Body]:
    """One body per H…L where an envelope holds several."""
    places = messages_in(body.text, []) if body.text else []
    if len(places) < 2:
        yield body
        return
    for begin, end in places:
        text = body.text[begin:end]
        whole = Ending().after(text, True).terminated and (body.complete or end < len(body.text))
        yield Body(text, sliced(body.starts, begin, end), whole, body.faults)


def _last_resort(raw: bytes, among: Sequence[Profile]) -> list[Body]:
    """Logs that kept the text and lost every control character."""
    kinds = {profile.kind for profile in among}
    records = logs.around_logger(raw, _bare_mended) if kinds & {"lis1a", "snibe", "bare-lis2"} else []
    return records or (logs.bare_hl7(raw) if "mllp" in kinds else [])


_READERS: dict[str, Callable[[bytes, Profile, bool], list[Body]]] = {
    "lis1a": _lis1a,
    "mllp": _mllp,
    "block": _block,
    "snibe": _snibe,
    "numbered": _numbered,
    "lines": _lines,
    "bare-lis2": _bare,
    "whole": _whole,
}
