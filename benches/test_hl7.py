"""Bytes of an HL7 message to observations in the laboratory's words, beside what others need to read the same fields."""

from __future__ import annotations

from collections.abc import Callable

from benches import messages, peers, subjects
from benches.race import Contestant, Race

SIZE = 220


def test_reading_hl7(race: Callable[..., Race]) -> None:
    """HL7: bytes to 220 mapped observations, beside reading nine fields of each (µs a message)"""
    texts = [messages.standard(subjects.menu(SIZE), tube) for tube in subjects.tubes(SIZE)]
    want = peers.python_hl7_read(texts[7])
    plan = subjects.standard_plan(SIZE)
    (message,) = plan.decode(messages.mllp(texts[7])).messages
    assert [(one.code, one.name, one.value, one.unit, f"{one.low}-{one.high}", one.status) for one in message.observations] == [
        (code, name, value, unit, limits, status) for code, name, _, value, unit, limits, _, status, _ in want
    ]
    assert all(one.test and one.number is not None and one.observed_at and not one.problem for one in message.observations)
    others = [("python-hl7", peers.python_hl7_read), ("str.split, nine fields", peers.split_read), *peers.readers()]
    assert [name for name, read in others if read(texts[7]) != want] == []
    race(
        [
            Contestant("lis-bridge, mapped", plan.decode, [messages.mllp(text) for text in texts]),
            Contestant("str.split", peers.split, texts),
            Contestant("python-hl7, parsed only", peers.python_hl7, texts),
            *(Contestant(name, read, texts) for name, read in others),
        ],
        goals={
            "python-hl7, parsed only": 1 / 50,
            "medforge": 1 / 8,
            "hl7kit": 1 / 8,
            "hl7lw": 1 / 3,
            "str.split": 3.5,
        },
        reference="str.split",
    )


def test_reading_a_chemistry_line(race: Callable[..., Race]) -> None:
    """HL7 of a Mindray line: 220 mapped observations; all numbers, and less even messages (µs a message)"""
    texts = subjects.hl7(SIZE)
    mixed = [messages.hl7(subjects.menu(SIZE), messages.mixed(tube)) for tube in subjects.tubes(SIZE)]
    plan = subjects.plan(subjects.HL7_DRIVER, SIZE)
    (message,) = plan.decode(messages.mllp(mixed[7])).messages
    assert sum(one.number is None for one in message.observations) == SIZE // 20
    assert sum(bool(one.comparator) for one in message.observations) == SIZE // 20
    rows = plan.decode(messages.mllp(texts[7])).messages[0].observations
    for uneven in (messages.trimmed, messages.noted):
        (message,) = plan.decode(messages.mllp(uneven(texts[7]))).messages
        assert [(one.code, one.number, one.low) for one in message.observations] == [
            (one.code, one.number, one.low) for one in rows
        ]
    race(
        [
            Contestant("all numbers", plan.decode, [messages.mllp(text) for text in texts]),
            Contestant("every tenth with a comparator or a word", plan.decode, [messages.mllp(text) for text in mixed]),
            Contestant("records of two widths", plan.decode, [messages.mllp(messages.trimmed(text)) for text in texts]),
            Contestant("a comment behind every tenth", plan.decode, [messages.mllp(messages.noted(text)) for text in texts]),
            Contestant("str.split", peers.split, texts),
        ],
        goals={"str.split": 3.5},
        reference="str.split",
    )
