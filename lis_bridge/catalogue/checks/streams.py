"""Whether a line may bring the bytes in any pieces: the events must be those of the whole."""

from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import pairwise

from lis_bridge.catalogue.checks.finding import Finding
from lis_bridge.catalogue.checks.subject import Subject
from lis_bridge.framing import Event, make

NOW = 0.0
LONG = 50_000
"""Captures beyond this many bytes are fed in pieces of ``PIECE`` bytes in place of single ones, unless the check is thorough."""
PIECE = 61
RANDOM_SPLITS = 5


def splits(subject: Subject) -> Iterable[Finding]:
    """The live framer says the same of a capture for any split of its bytes: whole, byte by byte, in random pieces."""
    for capture in subject.captures:
        raw = capture.raw
        whole = _events(subject, [raw])
        step = PIECE if len(raw) > LONG and subject.effort else 1
        if any(_events(subject, pieces) != whole for pieces in _ways(raw, step)):
            what = "the events depend on how the bytes are split"
            yield Finding("splits", str(capture.file), "framing", what, "A framer remembers too little; see docs/framing.md")


def _ways(raw: bytes, step: int) -> Iterable[list[bytes]]:
    yield [raw[at : at + step] for at in range(0, len(raw), step)]
    chance = random.Random(len(raw))
    for _ in range(RANDOM_SPLITS):
        places = sorted(chance.randrange(len(raw) + 1) for _ in range(4))
        yield [raw[begin:end] for begin, end in pairwise([0, *places, len(raw)])]


def _events(subject: Subject, pieces: Iterable[bytes]) -> list[Event]:
    framer = make(subject.plan.profiles)
    return [*(event for piece in pieces for event in framer.receive(piece, NOW)), *framer.close(NOW)]
