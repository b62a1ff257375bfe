"""What loggers and middleware do to a line, and how far it can be undone. Used by ``decode`` and import only.

Headers between chunks, LF after each CR, a first STX that was never written, frames whose control characters are gone and whose numbers
are left in the text. Every mend is named in ``faults``; bytes are left out, never made up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

import msgspec

from lis_bridge.core.faults import Fault
from lis_bridge.core.starts import Starts
from lis_bridge.framing.body import Body, composed, without
from lis_bridge.framing.profile import Profile
from lis_bridge.framing.shape import Piece, Shape, next_piece
from lis_bridge.framing.stored import Stored

_LOGGER = re.compile(
    rb"\A\xef\xbb\xbf"
    rb"|(?:\r\n\r\n|\r?\n)?\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\]# RECV [A-Z]+>\r\n"
    rb"|(?:\r\n)?DateTime: [^\r\n]{1,40}? R:"
)
_ADDED_LF = re.compile(rb"\r(\n)")
_DOUBLED_CR = re.compile(rb"\r(\r)(?=\n)")
_WRAPS = re.compile(rb"\r\n")
_ALL: Starts = ((0, 0),)
_SHORTEST = 16
"""Text before an end code without its start is believed from this length."""

Reader = Callable[[bytes], list[Body]]


def around_logger(raw: bytes, read: Reader, own: bytes = b"") -> list[Body]:
    """What ``read`` finds once the logger's own lines are left out, and the bytes ``own`` wherever they stand."""
    cleaned, starts = without(raw, re.compile(_LOGGER.pattern + b"|" + re.escape(own)) if own else _LOGGER)
    return read(raw) if len(cleaned) == len(raw) else _named(read(cleaned), starts, len(raw) - len(cleaned))


def undoubled(raw: bytes, read: Reader) -> list[Body]:
    """What ``read`` finds where a text logger wrote CR CR LF for CR LF, if more texts are whole, by their checks, than as it stands."""
    found = read(raw)
    text, starts = without(raw, _DOUBLED_CR)
    if len(text) == len(raw):
        return found
    other = read(text)
    if _whole(other) <= _whole(found):
        return found
    fault = Fault("line ends doubled", f"{len(raw) - len(text)} bytes", "CR CR LF was read as CR LF; the checks fit so")
    named = [composed(body, starts) for body in other]
    return [msgspec.structs.replace(named[0], faults=(fault, *named[0].faults)), *named[1:]]


def _whole(bodies: list[Body]) -> int:
    return sum(body.complete for body in bodies)


def stored_frames(raw: bytes, profile: Profile) -> list[Body]:
    """LIS1-A frames of a log: as it stands, without the logger's lines, or without the LF that it added, whichever has most sound frames."""
    best = Stored(raw, profile, repair=True)
    found = best.bodies
    cleaned, starts = without(raw, _LOGGER)
    if best.frames and not best.damaged:
        return found
    for text, inner in ((cleaned, _ALL), without(cleaned, _ADDED_LF)):
        other = Stored(text, profile, repair=True)
        if (other.damaged, -other.frames) < (best.damaged, -best.frames):
            best = other
            found = _named([composed(body, inner) for body in other.bodies], starts, len(raw) - len(text))
    return found


def _named(bodies: list[Body], starts: Starts, size: int) -> list[Body]:
    fault = Fault("logger text", f"{size} bytes", "The logger's own text was left out")
    named = [composed(body, starts) for body in bodies]
    return [msgspec.structs.replace(named[0], faults=(fault, *named[0].faults)), *named[1:]] if named else []


def blocks(raw: bytes, form: Shape, body_of: Callable[[bytes, Piece], Body]) -> list[Body]:
    """Blocks of a log: also those whose start code or check character was never written, or that lost bytes that their check does not count."""
    found: list[Body] = []
    at = 0
    while at < len(raw) and (piece := next_piece(raw, at, form, final=True)) is not None:
        at = piece.stop
        if piece.kind == "noise":
            found.extend(_unstarted(raw, piece, form))
        elif piece.kind == "bad" and (stop := _unchecked(raw, piece, form)):
            at = stop
            fault = Fault("check missing", f"byte {piece.start}", "The next block follows the end at once")
            found.append(msgspec.structs.replace(body_of(raw, piece._replace(kind="block")), faults=(fault,)))
        elif piece.kind in ("bad", "cut") and (whole := _shortened(raw, piece, form)):
            at = whole.stop
            fault = Fault(
                "length wrong", f"byte {piece.start}", "Shorter than it says: the log lost bytes (NUL); its checksum fits"
            )
            found.append(msgspec.structs.replace(body_of(raw, whole), faults=(fault,)))
        elif piece.kind in ("block", "bad", "cut"):
            found.append(body_of(raw, piece))
    return found


def _shortened(raw: bytes, bad: Piece, form: Shape) -> Piece | None:
    """The block that counts its bytes, from the same start to the first end at which its check fits; None where there is none."""
    if not form.length:
        return None
    count = raw[bad.text_start : bad.text_start + form.length]
    stop = bad.text_start + int(count) if count.isdigit() else bad.text_start
    for end in form.inside.finditer(raw, bad.text_start, stop):
        text = raw[bad.text_start : end.start()]
        if end.group() in form.ends and form.check.fits(text, end.group(), b""):
            return Piece("block", bad.start, end.end(), bad.text_start, end.start())
    return None


def _unstarted(raw: bytes, noise: Piece, form: Shape) -> Iterator[Body]:
    at = noise.start
    for end in form.inside.finditer(raw, noise.start, noise.stop):
        text = raw[at : end.start()]
        if len(text.strip(form.ignored)) >= _SHORTEST and form.check.after == 0 and form.check.fits(text, end.group(), b""):
            fault = Fault("start missing", f"byte {at}", "The log began late; the start of this block may be missing too")
            yield Body(text, ((0, at),), True, (fault,))
        at = end.end()


def _unchecked(raw: bytes, bad: Piece, form: Shape) -> int | None:
    """Where the next start stands if it stands where check characters should, else None."""
    end = bad.stop - form.check.after
    return end if form.check.after and any(raw.startswith(code, end) for code in form.starts) else None


def unwrapped(body: Body) -> Body:
    """A text without the line ends that a terminal put into it."""
    text, starts = without(body.text, _WRAPS)
    if len(text) == len(body.text):
        return body
    fault = Fault("line ends inside", f"{len(body.text) - len(text)} bytes", "The terminal's CR LF were left out")
    return composed(Body(text, starts, body.complete, (*body.faults, fault)), body.starts)


_MSH = re.compile(rb"(?:\A|(?<=[\r\n]))(?=MSH[^A-Za-z0-9\s])")


def bare_hl7(raw: bytes) -> list[Body]:
    """HL7 messages that were kept without their envelope, each from MSH to before the next."""
    begins = [found.start() for found in _MSH.finditer(raw)]
    fault = Fault("no envelope", "MLLP", "Kept without VT and FS; whether the end is there cannot be seen")
    return [Body(raw[begin:stop], ((0, begin),), True, (fault,)) for begin, stop in pairwise([*begins, len(raw)])]
