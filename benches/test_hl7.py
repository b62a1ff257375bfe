"""Bytes of an HL7 message to observations in the laboratory's words, beside what others need to read the same fields."""

from __future__ import annotations

from collections.abc import Callable

from benches import messages, peers, subjects
from benches.race import Contestant, Race

SIZE = 220


def test_reading_hl7(race: Callable[..., Race]) -> None:
    """HL7: bytes to 220 mapped observations (µs a message)"""
    texts = subjects.hl7(SIZE)
    want = peers.python_hl7_read(texts[7])
    plan = subjects.plan(subjects.HL7_DRIVER, SIZE)
    (message,) = plan.decode(messages.mllp(texts[7])).messages
    assert [(one.code, one.value, one.unit, one.status) for one in message.observations] == [
        (code, value, unit, status) for _, code, _, value, unit, _, _, status, _ in want
    ]
    assert all(one.test and one.number is not None and not one.problem for one in message.observations)
    others = [("python-hl7, parsed only", peers.python_hl7), ("python-hl7", peers.python_hl7_read), *peers.readers()]
    for _, read in others[1:]:
        assert read(texts[7]) == want
    race(
        [
            Contestant("lis-bridge, mapped", plan.decode, [messages.mllp(text) for text in texts]),
            Contestant("str.split", peers.split, texts),
            Contestant("str.split, nine fields", peers.split_read, texts),
            *(Contestant(name, read, texts) for name, read in others),
        ],
        at_most={
            "python-hl7, parsed only": 1 / 50,
            "medforge": 1 / 8,
            "hl7kit": 1 / 8,
            "hl7lw": 1 / 3,
            "str.split": 3.5,
        },
        reference="str.split",
    )
