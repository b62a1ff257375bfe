"""Bytes that mean harm: the time they take grows with their size and no faster, and they end as faults, never as exceptions."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import pytest

from benches import hostile, messages, subjects
from benches.race import Contestant, Figure, Outcome, Race
from lis_bridge.catalogue.plan import Decoded
from lis_bridge.framing.make import make
from lis_bridge.framing.profile import Profile

HEADER = b"MSH|^~\\&|||||20260317||ORU^R01|1|P|2.3.1||||0\rPID|1\rOBR|1|26031700001\r"
LIS2_HEADER = b"H|\\^&|||Mindray^^|||||||PR|1394-97|20260317\rP|1\rO|1|1^^|26031700001\r"
EIGHT_MB = 1 << 23


def _fields(count: int) -> bytes:
    return HEADER + b"OBX|1|NM|A||" + b"|" * count + b"\r"


def _ragged(count: int) -> bytes:
    return HEADER + b"".join(b"OBX|%d|NM|A%d||1%s\r" % (at, at, b"|" * (at % 7)) for at in range(count // 16))


def _repeats(count: int) -> bytes:
    return HEADER + b"OBX|1|NM|A||" + b"~".join([b"1^2&3"] * count) + b"\r"


def _escapes(count: int) -> bytes:
    return HEADER + b"OBX|1|ST|A||" + b"\\E" * count + b"\\T\\\\X0D\\" * count + b"\r"


def _backslashes(count: int) -> bytes:
    return HEADER + b"OBX|1|ST|A||" + b"\\" * count + b"\r"


def _one_segment(count: int) -> bytes:
    return HEADER + b"OBX|1|ST|A||" + b"x" * count + b"\r"


def _orders(count: int) -> bytes:
    return HEADER + b"".join(b"OBR|%d|S%d\rOBX|1|NM|A||1\r" % (at, at) for at in range(count // 16))


def _same_order(count: int) -> bytes:
    return HEADER + b"OBR|1|26031700001\rOBX|1|NM|A||1\r" * (count // 16)


def _comments(count: int) -> bytes:
    return HEADER + b"OBX|1|NM|A||1\rNTE|1||x\r" * (count // 16)


def _spaces(count: int) -> bytes:
    return HEADER + b"OBX|1|NM|A||" + b" " * count + b"x|U/L|" + b"1" * count + b"-\r"


def _digits(count: int) -> bytes:
    return HEADER + b"OBX|1|NM|A||" + b"9" * count + b"x\r"


def _starts(count: int) -> bytes:
    return b"MSH|^~\\&|\x1c\r\x0b" * (count // 12)


MLLP = {
    "empty fields": _fields,
    "ragged rows": _ragged,
    "repeats": _repeats,
    "escapes": _escapes,
    "escape characters only": _backslashes,
    "one segment": _one_segment,
    "orders": _orders,
    "the same order again and again": _same_order,
    "comments": _comments,
    "blanks": _spaces,
    "digits": _digits,
    "empty messages": _starts,
}


@pytest.mark.parametrize("name", MLLP)
def test_hostile_hl7_is_linear(name: str, race: Callable[..., Race], outcome: Outcome) -> None:
    """Hostile HL7"""
    outcome.question = f"Hostile HL7, {name}: cost of a byte at four times the size (µs a kB)"
    make = MLLP[name]
    _linear(
        race, outcome, subjects.plan(subjects.HL7_DRIVER, 20).decode, [messages.mllp(make(count)) for count in (50_000, 200_000)]
    )


def _frames(count: int) -> bytes:
    return b"\x05" + b"\x021H|\\^&\r\x1700\r\n" * (count // 16)


def _enquiries(count: int) -> bytes:
    return b"\x05" * count


def _unending(count: int) -> bytes:
    return b"\x05\x021" + b"R" * count


def _components(count: int) -> bytes:
    return messages.packed([LIS2_HEADER, b"R|1|" + b"^" * count + b"|1\r", b"L|1|N\r"])


LIS1A = {
    "bad checksums": _frames,
    "enquiries only": _enquiries,
    "a frame without end": _unending,
    "components": _components,
}


@pytest.mark.parametrize("name", LIS1A)
def test_hostile_lis2_is_linear(name: str, race: Callable[..., Race], outcome: Outcome) -> None:
    """Hostile LIS2-A2"""
    outcome.question = f"Hostile LIS2-A2 frames, {name}: cost of a byte at four times the size (µs a kB)"
    make = LIS1A[name]
    _linear(race, outcome, subjects.plan(subjects.LIS2_DRIVER, 20).decode, [make(count) for count in (50_000, 200_000)])


def _linear(race: Callable[..., Race], outcome: Outcome, decode: Callable[[bytes], Decoded], texts: list[bytes]) -> None:
    small, big = texts
    contestants = [
        Contestant("four times the size", decode, [big], per=len(big) // 1000),
        Contestant("once", decode, [small], per=len(small) // 1000),
    ]
    ran = race(contestants, goals={}, reference="", laps=5)
    outcome.figures[-1] = Figure("four times the size / once", ran.ratio("four times the size", "once"), "×", at_most=1.6)


@pytest.mark.parametrize("driver", hostile.CAPTURED)
def test_hostile_bytes_are_linear_for_every_driver(driver: str, outcome: Outcome) -> None:
    """Hostile bytes by driver"""
    outcome.question = f"Hostile bytes for {driver}, over its frames and expressions: the worst growth at four times the size"
    plan, raw = hostile.plan(driver), hostile.capture(driver)
    outcome.figures.append(
        _worst(lambda text: plan.decode(text, repair=True), hostile.texts(raw, 2000), hostile.texts(raw, 8000))
    )
    outcome.figures.append(_worst(lambda text: _fed(plan.profiles, text), hostile.texts(raw, 2000), hostile.texts(raw, 8000)))
    outcome.figures[-1] = replace(outcome.figures[-1], name="fed in pieces of 7 bytes")


def test_hostile_bytes_are_linear_for_recognition(outcome: Outcome) -> None:
    """Hostile bytes for the recognition of drivers: the worst growth at four times the size"""
    raw = hostile.capture("mindray-bs")
    outcome.figures.append(_worst(hostile.LIBRARY.identify, hostile.texts(raw, 16_000), hostile.texts(raw, 64_000)))


def _fed(profiles: Sequence[Profile], raw: bytes) -> None:
    framer = make(profiles)
    for at in range(0, len(raw), 7):
        framer.receive(raw[at : at + 7], at / 1000)
    framer.close(len(raw) / 1000)


def _worst(call: Callable[[bytes], object], small: Iterable[bytes], big: Iterable[bytes]) -> Figure:
    """Growth is 4 where it is linear, 16 where it is square; what is done in 10 ms cannot be told from noise."""
    gc.disable()
    try:
        growth = max(_growth(call, one, four) for one, four in zip(small, big, strict=True))
    finally:
        gc.enable()
    return Figure("decoded", growth, "× time", at_most=8.0)


def _growth(call: Callable[[bytes], object], one: bytes, four: bytes) -> float:
    cost = _timed(call, four)
    if cost < 0.01:
        return 0.0
    return min(cost, _timed(call, four)) / max(1e-9, min(_timed(call, one) for _ in range(3)))


def _timed(call: Callable[[bytes], object], text: bytes) -> float:
    begun = time.process_time()
    call(text)
    return time.process_time() - begun


def test_a_segment_of_64_megabytes(benchmark: Callable[..., Decoded], outcome: Outcome) -> None:
    """One HL7 segment of 64 MB"""
    plan = subjects.plan(subjects.HL7_DRIVER, 20)
    text = messages.mllp(_one_segment(8 * EIGHT_MB))
    found = benchmark.pedantic(plan.decode, args=(text,), rounds=2)  # type: ignore[attr-defined]
    assert len(found.messages[0].observations) <= 1
    stats = benchmark.stats  # type: ignore[attr-defined]
    if stats:
        outcome.figures.append(Figure("wall time", stats.stats.min, "s", at_most=5.0))
