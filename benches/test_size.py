"""What a result costs as messages grow, in time and in memory."""

from __future__ import annotations

import base64
import random
import tracemalloc
from collections.abc import Callable, Mapping

from benches import by_hand, messages, peers, subjects
from benches.race import LAPS, Contestant, Figure, Outcome, Race

SIZES = (20, 220, 1000, 2000)
COUNTS = {20: 400, 220: 200, 1000: 50, 2000: 25}


def test_cost_of_a_result(race: Callable[..., Race], outcome: Outcome) -> None:
    """HL7: cost of a result as the message grows (µs a result)"""
    contestants = []
    for size in reversed(SIZES):
        texts = [messages.mllp(text) for text in subjects.hl7(size, COUNTS[size])]
        contestants.append(Contestant(f"{size} results", subjects.plan(subjects.HL7_DRIVER, size).decode, texts, per=size))
    ran = race(contestants, goals={}, reference="220 results")
    flat = ran.ratio("20 results", "2000 results")
    outcome.figures[-1] = Figure("20 results / 2000 results", flat, "×", goal=1.25, guarded=True)
    floor = Race([Contestant(str(size), peers.split, subjects.hl7(size, COUNTS[size]), per=size) for size in (20, 2000)])
    for _ in range(LAPS):
        floor.lap()
    outcome.figures.append(Figure("the same of str.split", floor.ratio("20", "2000"), "×"))
    outcome.figures.append(Figure("a message's own cost", _own(outcome.costs), "µs"))
    hand = Race([_by_hand(size) for size in (2000, 220, 20)])
    for _ in range(LAPS):
        hand.lap()
    outcome.figures.append(
        Figure("20 / 2000, decoded by hand for this form alone", hand.ratio("20 results", "2000 results"), "×")
    )
    outcome.figures.append(Figure("a message's own cost then", _own(hand.costs()), "µs"))
    marginal = [
        (outcome.costs[f"{big} results"] * big - outcome.costs[f"{small} results"] * small) / (big - small)
        for small, big in ((20, 220), (220, 2000))
    ]
    outcome.figures.append(Figure("one more result, 220 to 2000 / 20 to 220", marginal[1] / marginal[0], "×", goal=1.25))


def _own(costs: Mapping[str, float]) -> float:
    """What a message of 20 costs besides its results, when a result costs as much as it does from 20 to 220."""
    return costs["20 results"] * 20 - 20 * (costs["220 results"] * 220 - costs["20 results"] * 20) / 200


def _by_hand(size: int) -> Contestant:
    texts, plan = [messages.mllp(text) for text in subjects.hl7(size, COUNTS[size])], subjects.plan(subjects.HL7_DRIVER, size)
    decode = by_hand.decoder(plan, texts[0])
    assert all(decode(text) == plan.decode(text) for text in texts)
    return Contestant(f"{size} results", decode, texts, per=size)


def test_image_beside_results(race: Callable[..., Race], outcome: Outcome) -> None:
    """HL7: a base64 image of 400 kB beside 220 results (µs a message)"""
    data = base64.b64encode(random.Random(messages.SEED).randbytes(300_000))
    plain = [messages.mllp(text) for text in subjects.hl7(220, 50)]
    picture = b"OBX|999|ED|SCATTER||Instrument^Image^PNG^Base64^" + data + b"||||||F\r"
    drawn = [messages.mllp(text + picture) for text in subjects.hl7(220, 50)]
    plan = subjects.plan("mindray-bc", 220)
    (message,) = plan.decode(drawn[0]).messages
    assert [image.size for image in message.images] == [300_000]
    race([Contestant("with the image", plan.decode, drawn), Contestant("without", plan.decode, plain)], goals={}, reference="")
    more = (outcome.costs["with the image"] - outcome.costs["without"]) / 1000
    outcome.figures.append(Figure("the image's share", more, "ms", goal=2.0))


def test_memory_of_a_message(benchmark: Callable[..., object], outcome: Outcome) -> None:
    """HL7: memory while one message is decoded, against its size"""
    for size in (220, 2000):
        (text,) = (messages.mllp(text) for text in subjects.hl7(size, 1))
        plan = subjects.plan(subjects.HL7_DRIVER, size)
        plan.decode(text)
        outcome.figures.append(
            Figure(f"peak, {size} results", _peak(plan.decode, text) / len(text), "× size", goal=12, guarded=True)
        )
    benchmark(plan.decode, text)


def _peak(call: Callable[[bytes], object], text: bytes) -> int:
    tracemalloc.start()
    try:
        call(text)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
