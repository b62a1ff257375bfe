"""Whether damage shows: a capture that is cut or has a flipped bit gives a fault or the same results, never others.

What counts are the results that could be filed: patients' groups that a save point closed. Flips are asked of captures whose framing has a
checksum; of the others the driver's README must say that there is none (see ``papers``). A flipped copy is unframed first, and only decoded
where its texts are not those of the capture. ``Subject.effort`` says how many copies of each capture are looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lis_bridge.catalogue.captures import Capture
from lis_bridge.catalogue.checks.finding import Finding
from lis_bridge.catalogue.checks.subject import Subject
from lis_bridge.catalogue.plan import Plan
from lis_bridge.core.faults import Fault
from lis_bridge.core.results import Message, Observation
from lis_bridge.core.sayings import saying
from lis_bridge.framing import Body, Discarded, MessageReceived, make, unframe

LONG = 20_000
LONG_COPIES = 500
"""Captures beyond ``LONG`` bytes are cut at so many places at most, also when the check is thorough: each is decoded from its start."""

Results = frozenset[tuple[object, ...]]


def truncation(subject: Subject) -> Iterator[Finding]:
    """A capture that ends early gives fewer results, never others."""
    for capture in subject.captures:
        raw, known = capture.raw, _known(subject.plan, capture.raw)
        for stop in _stops(subject, len(raw)):
            other = _results(subject.plan.decode(raw[:stop]).messages) - known.results
            if other:
                yield _finding("truncation", capture, saying("cut after byte {} gives other results", stop), other)
                break


def _stops(subject: Subject, size: int) -> Iterable[int]:
    return range(0, size, -(-size // LONG_COPIES)) if size > LONG else subject.sampled(size, share=4)


def flips(subject: Subject) -> Iterator[Finding]:
    """A flipped bit in a capture whose framing has a checksum gives a fault or the same results."""
    for capture in subject.captures:
        if is_checked(subject, capture.raw):
            yield from _flipped(subject, capture)


def is_checked(subject: Subject, raw: bytes) -> bool:
    """True where the framings with a checksum read these bytes."""
    guarded = subject.guarded
    return bool(guarded) and any(body.text and body.complete for body in unframe(raw, guarded))


def _flipped(subject: Subject, capture: Capture) -> Iterator[Finding]:
    raw, known = capture.raw, _known(subject.plan, capture.raw)
    for at, bit in _places(subject, len(raw)):
        wrong = known.differs(subject.plan, raw[:at] + bytes([raw[at] ^ (1 << bit)]) + raw[at + 1 :])
        if wrong is not None:
            yield _finding("flips", capture, saying("bit {} of byte {} flipped {}", bit, at, wrong[0]), wrong[1])
            return


def _places(subject: Subject, size: int) -> Iterator[tuple[int, int]]:
    """Byte and bit: all bits when thorough, else another bit of each sampled byte."""
    for at in subject.sampled(size):
        yield from ((at, bit) for bit in (range(8) if not subject.effort else (at % 8,)))


@dataclass(frozen=True, slots=True)
class _Known:
    """What may come out of damaged copies of a capture. ``faults`` counts what is wrong with the capture itself: a flip that undoes one of
    them is no single error any more, and two can cancel in any sum.
    """

    bodies: frozenset[bytes]
    results: Results
    strict: Results
    faults: int

    def differs(self, plan: Plan, raw: bytes) -> tuple[str, Results] | None:
        """What is wrong with a damaged copy, and the results that it is about; None where all is well."""
        bodies = unframe(raw, plan.profiles)
        if _faults(bodies) < self.faults:
            return None
        news = [body for body in bodies if body.text and not (body.complete and body.text in self.bodies)]
        if not news and _shows(bodies):
            return None
        messages, faults = _read(plan, news)
        other = _results(messages) - self.results
        if other:
            return saying("gives other results"), other
        if faults or _shows(bodies):
            return None
        lost = self.strict - _results(_read(plan, bodies)[0])
        return (saying("loses results without a word"), lost) if lost and not _discards(plan, raw) else None


def _discards(plan: Plan, raw: bytes) -> bool:
    """True where the live framer keeps evidence of what it could not use."""
    framer = make(plan.profiles)
    events = [*framer.receive(raw, 0.0), *framer.close(0.0)]
    return any(isinstance(event, Discarded) or (isinstance(event, MessageReceived) and not event.complete) for event in events)


def _shows(bodies: Sequence[Body]) -> bool:
    """True where the bytes themselves say that something is wrong with them."""
    return any(body.faults or not body.complete for body in bodies) or not bodies


def _read(plan: Plan, bodies: Iterable[Body]) -> tuple[list[Message], list[Fault]]:
    read = [plan.decode_body(body, complete=body.complete) for body in bodies if body.text]
    return [message for messages, _ in read for message in messages], [fault for _, faults in read for fault in faults]


def _known(plan: Plan, raw: bytes) -> _Known:
    bodies, repaired = unframe(raw, plan.profiles), unframe(raw, plan.profiles, repair=True)
    strict = _results(plan.decode(raw).messages)
    texts = frozenset(body.text for body in (*bodies, *repaired) if body.text and body.complete)
    return _Known(texts, strict | _results(plan.decode(raw, repair=True).messages), strict, _faults(bodies))


def _faults(bodies: Sequence[Body]) -> int:
    return sum(len(body.faults) for body in bodies)


def _results(messages: Iterable[Message]) -> Results:
    """What could be filed: every field that reaches a person or the LIS."""
    return frozenset(
        _said(message, seen)
        for message in messages
        if message.kind == "patient" and message.closed
        for seen in message.observations
    )


def _said(message: Message, seen: Observation) -> tuple[object, ...]:
    who = (message.specimen, message.patient, message.series, message.dated)
    return (*who, seen.code, seen.test, seen.value, seen.unit, seen.low, seen.high, seen.flags, seen.status, seen.observed_at)


def _finding(check: str, capture: Capture, done: str, other: Results) -> Finding:
    codes = ", ".join(sorted({str(said[4]) for said in other})[:3])
    hint = "A part of the text is trusted that nothing guards: mend framing or layout, or waive it with the reason"
    return Finding(check, str(capture.file), codes, done, hint)
