"""What the analyzers send: seeded tubes as prepared bytes, and what the LIS must have of them afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

from benches import messages, subjects
from lis_bridge.catalogue.tests import Test

RESULTS = 220
"""Results of one tube."""


@dataclass(frozen=True)
class Shape:
    """``parts`` messages for each tube, from so many ``analyzers`` at once; ``framed``: LIS1-A, where every frame waits for its ACK."""

    name: str
    title: str
    driver: str
    analyzers: int = 1
    parts: int = 1
    framed: bool = False


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("one", "one message of 220 results a tube", subjects.HL7_DRIVER),
        Shape("twenty", "20 messages of 11 results a tube", subjects.HL7_DRIVER, parts=20),
        Shape("four", "four analyzers at once, one message of 220 results a tube", subjects.HL7_DRIVER, analyzers=4),
        Shape("lis1a", "LIS1-A, 223 frames a tube", subjects.LIS2_DRIVER, framed=True),
    )
}


@dataclass(frozen=True)
class Sent:
    """One tube on the wire: its messages, each in the pieces that are acknowledged one by one."""

    specimen: str
    messages: tuple[tuple[bytes, ...], ...]


@cache
def measured() -> tuple[Test, ...]:
    """The catalogue's tests that the menu is made of: none with critical limits, which seeded values would pass all the time."""
    return tuple(test for test in subjects.measured() if not (test.crit_low or test.crit_high))[:RESULTS]


@cache
def menu() -> messages.Menu:
    """What a tube is tested for."""
    return messages.menu(RESULTS, [test.ucum for test in measured()])


@cache
def codes() -> dict[str, str]:
    """The site's mapping: device code → catalogue test, no two to one test."""
    return {item.code: test.code for item, test in zip(menu(), measured(), strict=True)}


def sent(shape: Shape, tube: messages.Tube) -> Sent:
    """The tube as the shape's analyzers send it."""
    if shape.framed:
        return Sent(tube.specimen, (frames(messages.framed(messages.lis2(menu(), tube))),))
    size = RESULTS // shape.parts
    parts = (slice(at, at + size) for at in range(0, RESULTS, size))
    texts = ((messages.mllp(messages.hl7(menu()[part], sliced(tube, part))),) for part in parts)
    return Sent(tube.specimen, tuple(texts))


def sliced(tube: messages.Tube, part: slice) -> messages.Tube:
    """Some of a tube's results."""
    return replace(tube, values=tube.values[part], flags=tube.flags[part], times=tube.times[part])


def frames(transmission: bytes) -> tuple[bytes, ...]:
    """A transmission in the pieces that LIS1-A acknowledges: ENQ, then frames; the last carries EOT, which gets no answer."""
    pieces = transmission[1:-1].split(b"\x02")[1:]
    return (b"\x05", *(b"\x02" + piece for piece in pieces[:-1]), b"\x02" + pieces[-1])


def shares(shape: Shape, tubes: int, start: int = 0) -> list[list[messages.Tube]]:
    """Seeded tubes, numbered from ``start``, dealt out to the analyzers."""
    dealt: list[list[messages.Tube]] = [[] for _ in range(shape.analyzers)]
    for number, tube in enumerate(messages.tubes(menu(), tubes, start)):
        dealt[number % shape.analyzers].append(tube)
    return dealt


def expected(tubes: Iterable[messages.Tube]) -> dict[str, str]:
    """Specimen → mark of what the LIS must have of it."""
    known = codes()
    items = [known[item.code] for item in menu()]
    return {tube.specimen: mark(f"{test}={value}" for test, value in zip(items, tube.values, strict=True)) for tube in tubes}


def mark(results: Iterable[str]) -> str:
    """Of ``test=value`` texts, each as often as it came; a lost, doubled or changed one gives another mark."""
    return hashlib.sha256("\n".join(sorted(results)).encode()).hexdigest()
