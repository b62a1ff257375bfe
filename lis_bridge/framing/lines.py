"""Texts made of lines: each line a message, or groups from a first line to a last one, to the next first one or to silence.

    1 PTs 12.1 CR LF                          every line
    !000a… CR LF !001f… CR LF !002h… CR LF    ``first`` = "^!\\d{3}a", ``last`` = "^!\\d{3}h", ``mark`` = "21", ``check`` = "sum inside"

A line that fails its check is dropped and the group is not complete; with ``mark`` the next line is found even where the end of the
one before is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from lis_bridge.core.faults import Fault
from lis_bridge.framing.checks import RULES, CheckRule
from lis_bridge.framing.damage import Damage
from lis_bridge.framing.events import EVIDENCE_BYTES, Discarded, Event, FrameReceived, MessageReceived, Send
from lis_bridge.framing.profile import Profile

Buffer = bytes | bytearray


class Line(NamedTuple):
    """``buffer[start:stop]`` with its end; ``sound`` when the check fits and the end is there."""

    start: int
    stop: int
    sound: bool


@dataclass(frozen=True, slots=True)
class Form:
    """A line protocol, compiled."""

    codes: re.Pattern[bytes]
    ends: re.Pattern[bytes]
    first: re.Pattern[bytes] | None
    last: re.Pattern[bytes] | None
    check: CheckRule

    @property
    def grouped(self) -> bool:
        return self.first is not None or self.last is not None


def form_of(profile: Profile) -> Form:
    """The form that a profile of kind ``lines`` declares."""
    mark = bytes.fromhex(profile.mark)
    codes = b"|".join(re.escape(bytes.fromhex(code)) for code in profile.end)
    ends = codes + (rb"|(?=" + re.escape(mark) + rb")" if mark else b"")
    return Form(re.compile(codes), re.compile(ends), _compiled(profile.first), _compiled(profile.last), RULES[profile.check])


def next_line(buffer: Buffer, at: int, form: Form, *, since: int = 0, final: bool = False) -> Line | None:
    """The next line from ``at``; None when its end has not come."""
    found = form.codes.match(buffer, at) or form.ends.search(buffer, max(at + 1, since))
    if found is None and not (final and at < len(buffer)):
        return None
    stop = found.end() if found else len(buffer)
    text = bytes(buffer[at:stop])
    # The blank line of a stream is no torn one.
    sound = not text.strip() or form.check.fits(text.rstrip(b"\r\n"), b"", b"")
    return Line(at, stop, sound and found is not None and bool(found.group()))


class Lines:
    """A ``Framer`` of lines."""

    def __init__(self, profile: Profile) -> None:
        self.deadline: float | None = None
        self._form = form_of(profile)
        self._reply, self._refusal = bytes.fromhex(profile.reply), bytes.fromhex(profile.refusal)
        self._max, self._quiet = profile.max_message, profile.quiet
        self._buffer = bytearray()
        self._seen = 0
        self._now = 0.0
        self._group: list[bytes] = []
        self._held = 0
        self._damage = Damage()
        self._saved: tuple[list[bytes], int, Damage, bytes | None] = (self._group, 0, Damage(), None)

    def receive(self, data: bytes, now: float) -> list[Event]:
        self._saved = (self._group, len(self._group), self._damage, None)
        self._buffer += data
        found = self._advance(final=False)
        if len(self._buffer) + self._held > self._max:
            found += self._overflow()
        waiting = self._quiet and (self._group or self._buffer)
        self.deadline = now + self._quiet if waiting else None
        return found

    def tick(self, now: float) -> list[Event]:
        if self.deadline is None or now < self.deadline:
            return []
        return self.close(now)

    def close(self, now: float) -> list[Event]:
        self._saved = (self._group, len(self._group), self._damage, bytes(self._buffer))
        self.deadline, self._now = None, now
        return [*self._advance(final=True), *self._finish(self._form.last is None)]

    def refused(self) -> None:
        self._group, count, self._damage, rest = self._saved
        del self._group[count:]
        self._held = sum(map(len, self._group))
        if rest is not None:
            self._buffer[:], self._seen = rest, 0
            self.deadline = self._now + self._quiet if self._quiet else None

    def _advance(self, *, final: bool) -> list[Event]:
        found: list[Event] = []
        at, since = 0, self._seen
        while at < len(self._buffer):
            line = next_line(self._buffer, at, self._form, since=since, final=final)
            if line is None:
                break
            found += self._take(line)
            at, since = line.stop, 0
        del self._buffer[:at]
        self._seen = len(self._buffer)
        return found

    def _take(self, line: Line) -> list[Event]:
        raw = bytes(self._buffer[line.start : line.stop])
        if not raw.strip() and not self._ends(raw):
            return []
        if not self._form.grouped:
            ended = line.sound or not self._form.codes.search(raw)
            return [MessageReceived(raw, line.sound, self._reply, self._refusal)] if ended else self._refuse(raw)
        before = self._finish(self._form.last is None) if self._form.first and self._form.first.search(raw) else []
        if not line.sound:
            self._damage = self._damage.after(raw, sound=False)
            return [*before, *self._refuse(raw)]
        self._group.append(raw)
        self._held += len(raw)
        self._damage = self._damage.after(raw, sound=True)
        found = [*before, FrameReceived(raw, self._reply, self._refusal)]
        return found + self._finish(True) if self._ends(raw) else found

    def _refuse(self, raw: bytes) -> list[Event]:
        fault = Fault("bad checksum", f"{len(raw)} bytes", "The line is refused; check cable, speed and parity")
        return [Discarded(raw[:EVIDENCE_BYTES], fault), *([Send(self._refusal)] if self._refusal else [])]

    def _ends(self, raw: bytes) -> bool:
        return self._form.last is not None and self._form.last.search(raw) is not None

    def _finish(self, complete: bool) -> list[Event]:
        raw, whole = b"".join(self._group), self._damage.whole
        self._group, self._held, self._damage = [], 0, Damage()
        return [MessageReceived(raw, complete and whole)] if raw.strip() else []

    def _overflow(self) -> list[Event]:
        fault = Fault("message too long", f"{len(self._buffer)} bytes", f"More than {self._max} bytes without an end")
        found = [*self._finish(False), Discarded(bytes(self._buffer[:EVIDENCE_BYTES]), fault)]
        self._buffer.clear()
        self._seen = 0
        return found


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of stored bytes that belong together, as places in them; ``torn`` are the places of lines that were dropped."""

    lines: tuple[tuple[int, int], ...]
    complete: bool
    torn: tuple[int, ...]


def groups(raw: bytes, form: Form) -> Iterator[Group]:
    """The groups of stored bytes by the same rules."""
    kept: list[tuple[int, int]] = []
    torn: list[int] = []
    damage = Damage()
    at = 0
    while (line := next_line(raw, at, form, final=True)) is not None:
        at = line.stop
        text = raw[line.start : line.stop]
        ends = form.last is not None and form.last.search(text) is not None
        if not text.strip() and not ends:
            continue
        if form.first is not None and form.first.search(text) and (kept or torn):
            yield Group(tuple(kept), form.last is None and damage.whole, tuple(torn))
            kept, torn, damage = [], [], Damage()
        damage = damage.after(text, sound=line.sound)
        if line.sound:
            kept.append((line.start, line.stop))
        else:
            torn.append(line.start)
        if ends or not form.grouped:
            yield Group(tuple(kept), damage.whole, tuple(torn))
            kept, torn, damage = [], [], Damage()
    if kept or torn:
        yield Group(tuple(kept), form.last is None and damage.whole, tuple(torn))


def _compiled(pattern: str) -> re.Pattern[bytes] | None:
    return re.compile(pattern.encode()) if pattern else None
