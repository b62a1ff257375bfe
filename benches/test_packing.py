"""How long bytes are packed: what it costs, and how many bytes of a result are left."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec
import pytest

from benches import messages, subjects
from benches.race import Contestant, Figure, Outcome, Race
from lis_bridge.core.reports import Head, Report
from lis_bridge.forward.oru import Builder
from lis_bridge.settings import Destination
from lis_bridge.storage import packing
from lis_bridge.storage.packing import zstd

SIZE = 220
NOW = datetime(2026, 3, 17, 10, tzinfo=subjects.ZONE)


def raw() -> list[bytes]:
    return [messages.mllp(text) for text in subjects.hl7(SIZE)]


def events() -> list[bytes]:
    plan, encode = subjects.plan(subjects.HL7_DRIVER, SIZE), msgspec.msgpack.Encoder().encode
    return [encode(plan.decode(one).messages[0].observations) for one in raw()]


def orus() -> list[bytes]:
    plan = subjects.plan(subjects.HL7_DRIVER, SIZE)
    builder = Builder(Destination.model_validate({"id": "lis", "link": "mllp://127.0.0.1:2575"}), subjects.catalogue())
    decoded = [plan.decode(one).messages[0].observations for one in raw()]
    return [
        builder.build(Head(f"T-{at}", f"T-{at}"), [Report(row, "F", "line-1") for row in rows], f"LB-{at:010d}", NOW)
        for at, rows in enumerate(decoded)
    ]


@pytest.mark.parametrize("made", [raw, events, orus], ids=["raw", "event", "oru"])
def test_packing(race: Callable[..., Race], outcome: Outcome, made: Callable[[], list[bytes]]) -> None:
    """Packing the bytes of 220 results (µs a message)"""
    outcome.question = f"Packing the bytes of 220 results: {made.__name__} (µs a message)"
    model, *texts = made()
    dictionary = zstd.ZstdDict(model, is_raw=True)
    ways: dict[str, Callable[[bytes], bytes]] = {
        "zstd 1 beside a model": lambda data: zstd.compress(data, packing.LEVEL, zstd_dict=dictionary.as_digested_dict),
        "zstd 1 alone": lambda data: zstd.compress(data, packing.LEVEL),
        "zstd 3 alone": lambda data: zstd.compress(data, 3),
        "zlib 1": lambda data: zlib.compress(data, 1),
        "zlib 6": lambda data: zlib.compress(data, 6),
    }
    assert all(zstd.decompress(ways["zstd 1 beside a model"](text), zstd_dict=dictionary) == text for text in texts)
    race([Contestant(name, way, texts) for name, way in ways.items()], goals={}, reference="zlib 1")
    outcome.figures += [Figure(f"{name}: bytes a result", _bytes(way, texts), "B") for name, way in ways.items()]


def _bytes(way: Callable[[bytes], bytes], texts: Sequence[bytes]) -> float:
    return sum(len(way(text)) for text in texts) / len(texts) / SIZE
