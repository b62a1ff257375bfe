"""LIS1-A frames in bytes that somebody kept: a journal entry, a capture, a damaged log. One body per message, H to L.

The rules are the receiver's, without replies: a frame with a bad checksum is skipped, and forgotten where the sender sent it again.
A frame that is missing makes a hole, and nothing is joined across a hole: the message ends there, cut off, because what follows may
belong to another specimen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lis_bridge.core.faults import Fault
from lis_bridge.framing.body import Body, nothing, sliced
from lis_bridge.framing.control import CR, ETX_CODE
from lis_bridge.framing.frames import Buffer, Patience, Token, checksum_fits, scan
from lis_bridge.framing.lost import places_of, put_back
from lis_bridge.framing.numbering import follows, is_first
from lis_bridge.framing.profile import Profile
from lis_bridge.framing.records import HEADER, Ending, begins_message

_TEXT_AND_SUM = re.compile(rb"[^\x02-\x05\x17]++([\x03\x17][0-9A-Fa-f]{2})?")
_NUMBERED = re.compile(rb"[0-9][A-Za-z][^A-Za-z0-9\s]")
_REPEATED = "The sender sent it again and the sound frame was taken"
_SKIPPED = "The frame was skipped; ask the analyzer to send the message again"
_RESTORED = "The log had lost {count} of {byte}; its checksum fits with them put back"
_KEPT = "The log may have lost a character; the frame is kept as it stands, compare it with the analyzer"


@dataclass
class _Session:
    """What is joined from one transmission."""

    parts: list[bytes] = field(default_factory=list)
    starts: list[tuple[int, int]] = field(default_factory=list)
    length: int = 0
    ends: list[int] = field(default_factory=list)
    faults: list[tuple[int, Fault]] = field(default_factory=list)
    holes: list[int] = field(default_factory=list)
    ended: bool = True

    def add(self, text: bytes, at: int) -> None:
        self.parts.append(text)
        self.starts.append((self.length, at))
        self.length += len(text)


class Stored:
    """Reads kept frames; ``damaged`` counts the frames that are not sound. ``repair`` keeps frames whose checksum a log has spoilt."""

    def __init__(self, raw: bytes, profile: Profile, *, repair: bool = False) -> None:
        self._raw = raw
        self._profile = profile
        self._repair = repair
        self._wire = False
        self._last = 0
        self._content = b""
        self._pending: list[Token] = []
        self._session = _Session()
        self.frames = 0
        self.damaged = 0
        self.bodies: list[Body] = []
        for token in _tokens(raw, profile):
            self._take(token)
        self._end_session(not self._wire)

    def _take(self, token: Token) -> None:
        if token.kind == "frame" and token.good:
            self._good(token)
        elif self._repair and (places := places_of(self._raw, token, self._profile)):
            self._good(token, places)
        elif token.kind in ("frame", "broken"):
            self._bad(token)
        elif token.kind == "enq":
            self._wire = True
            self._end_session(False)
        elif token.kind == "eot":
            self._wire = True
            self._end_session(True)
        elif self._repair:
            self._unstarted(token)

    def _unstarted(self, noise: Token) -> None:
        """Frames whose STX was never written, believed for their checksum."""
        for found in _TEXT_AND_SUM.finditer(self._raw, noise.start, noise.stop):
            closer = found.start(1)
            begin = _NUMBERED.search(self._raw, found.start(), closer) if found[1] else None
            if begin is None:
                continue
            start = begin.start()
            if checksum_fits(self._raw, start, closer, self._profile.checksum):
                self._note(Fault("start missing", f"byte {start}", "A frame without STX was taken for its checksum"))
                self._good(Token("frame", start - 1, found.end(), self._raw[start], start + 1, closer, self._raw[closer], True))

    def _good(self, token: Token, lost: tuple[int, ...] = ()) -> None:
        self.frames += 1
        content = self._raw[token.start + 1 : token.text_stop + 1]
        if token.number == self._last and content == self._content:
            return
        text = self._raw[token.text_start : token.text_stop]
        self._settle(token.number)
        if not self._in_order(token.number, text):
            before = chr(self._last) if self._last else "none"
            self._hole(Fault("frame missing", f"byte {token.start}", f"Frame {chr(token.number)} came after {before}"))
        self._last, self._content = token.number, content
        if lost:
            hint = _RESTORED.format(count=len(lost), byte=repr(bytes.fromhex(self._profile.lost))[1:])
            self._note(Fault("characters restored", f"byte {token.start}", hint))
        self._join(token, text, lost)

    def _in_order(self, number: int, text: bytes) -> bool:
        known = self._last or (self._wire and not self._session.parts)
        return not known or begins_message(text) or follows(number, self._last, self._profile.numbers)

    def _join(self, token: Token, text: bytes, lost: tuple[int, ...] = ()) -> None:
        session = self._session
        places = [token.text_start, *(place for place in lost for _ in range(2))]
        runs: list[Buffer] = put_back(self._raw, token.text_start, token.text_stop, lost, self._profile) if lost else [text]
        if token.closer == ETX_CODE and not text.endswith((b"\r", b"\n")):
            # ETX ends the record; its place in the raw bytes is where the CR would stand.
            runs[-1] += CR
        for run, place in zip(runs, places, strict=True):
            session.add(bytes(run), place)
        if token.closer == ETX_CODE and self._profile.terminator == "ETX":
            session.ends.append(session.length)

    def _bad(self, token: Token) -> None:
        self.damaged += 1
        self._pending.append(token)

    def _settle(self, number: int) -> None:
        """What becomes of the bad frames before: repeated by the one with ``number``, kept in a repair, or a hole."""
        pending, self._pending = self._pending, []
        repeated = bool(pending) and self._repeats(pending[-1], number)
        latest = {self._number_of(bad): bad for bad in pending}
        for bad in pending:
            kind = "bad checksum" if bad.kind == "frame" else "frame cut off"
            where = f"byte {bad.start}"
            if repeated or latest[self._number_of(bad)] is not bad:
                self._note(Fault(kind, where, _REPEATED))
            elif self._repair and bad.kind == "frame":
                self._note(Fault(kind, where, _KEPT))
                self._join(bad, self._raw[bad.text_start : bad.text_stop])
            else:
                self._hole(Fault(kind, where, _SKIPPED))
            if not repeated and follows(self._number_of(bad), self._last, self._profile.numbers):
                self._last, self._content = self._number_of(bad), b""

    def _repeats(self, bad: Token, number: int) -> bool:
        """Whether the sound frame with ``number`` stands for the bad one: nothing is missing between the last sound one and it."""
        if self._profile.numbers == "any" or not self._last:
            return number == self._number_of(bad) or is_first(number, self._profile.numbers)
        return follows(number, self._last, self._profile.numbers)

    def _number_of(self, bad: Token) -> int:
        return self._raw[bad.start + 1] if bad.stop > bad.start + 1 else -1

    def _note(self, fault: Fault) -> None:
        self._session.faults.append((self._session.length, fault))

    def _hole(self, fault: Fault) -> None:
        self._note(fault)
        self._session.holes.append(self._session.length)

    def _end_session(self, ended: bool) -> None:
        self._settle(-1)
        session, self._session = self._session, _Session()
        self._last, self._content = 0, b""
        session.ended = ended
        self.bodies.extend(_bodies(session, self._profile))


def _tokens(raw: bytes, profile: Profile) -> Iterator[Token]:
    at = 0
    while at < len(raw):
        token = scan(raw, at, profile, Patience.GONE, stored=True)
        if token is None:
            return
        yield token
        at = token.stop


def _bodies(session: _Session, profile: Profile) -> Iterator[Body]:
    """The messages of one transmission, each with the faults that stand in it."""
    text = b"".join(session.parts)
    starts = tuple(session.starts)
    if not text:
        if session.faults:
            yield nothing(*(fault for _, fault in session.faults))
        return
    cuts = messages_in(text, session.ends)
    for number, (begin, end) in enumerate(cuts):
        final = number == len(cuts) - 1
        faults = tuple(fault for at, fault in session.faults if begin <= at < end or (final and at >= end))
        stop = _believed(text, begin, end, session.holes)
        whole = stop == end and _whole(text[begin:end], session, final, profile)
        if profile.terminator == "L" and not begins_message(text[begin : begin + 4]):
            yield nothing(
                *faults,
                Fault("no header", f"byte {starts[0][1]}", "The records before these are missing; their specimen is unknown"),
            )
        elif begin == stop:
            yield nothing(*faults)
        else:
            yield Body(text[begin:stop], sliced(starts, begin, stop), whole, faults)


def _believed(text: bytes, begin: int, end: int, holes: list[int]) -> int:
    """Up to where a message can be believed: its first hole. A hole before an H has nothing behind it that could be misread."""
    if begin in holes and not begins_message(text[begin : begin + 4]):
        return begin
    return min((at for at in holes if begin < at < end), default=end)


def messages_in(text: bytes, ends: list[int]) -> list[tuple[int, int]]:
    """Where the messages of a text stand: from H to before the next H, and to every end that is told."""
    begins = sorted({0, *(found.end() for found in HEADER.finditer(text)), *(end for end in ends if end < len(text))})
    return list(zip(begins, [*begins[1:], len(text)], strict=True))


def _whole(text: bytes, session: _Session, final: bool, profile: Profile) -> bool:
    if profile.terminator == "L":
        return Ending().after(text, False).terminated
    return session.ended and not (final and session.length in session.holes)
