"""Framed LIS2-A2 with every checksum verified, beside the ``astm`` package."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benches import messages, peers, subjects
from benches.race import Contestant, Race

SIZE = 220


def test_reading_framed_lis2(race: Callable[..., Race]) -> None:
    """LIS2-A2 in LIS1-A frames, checksums verified: bytes to 220 mapped observations (µs a message)"""
    pytest.importorskip("lis_bridge.framing")
    records = [messages.lis2(subjects.menu(SIZE), tube) for tube in subjects.tubes(SIZE)]
    bare = [b"".join(one) for one in records]
    framed = [messages.framed(one) for one in records]
    packed = [messages.packed(one) for one in records]
    plan = subjects.plan(subjects.LIS2_DRIVER, SIZE)
    expected = plan.decode(framed[7])
    assert not expected.faults
    assert [one.value for one in expected.messages[0].observations] == list(subjects.tubes(SIZE)[7].values)
    assert all(one.test and one.number is not None and not one.problem for one in expected.messages[0].observations)
    assert len(plan.decode(packed[7]).messages[0].observations) == SIZE
    theirs = peers.astm(framed[7])
    others = [Contestant("astm (decoded, not typed)", peers.astm, framed)] if theirs is not None else []
    assert theirs is None or len(theirs) == SIZE + 4
    race(
        [
            Contestant("lis-bridge, framed", plan.decode, framed),
            Contestant("lis-bridge, frames of 240", plan.decode, packed),
            Contestant("lis-bridge, bare", plan.decode, bare),
            Contestant("str.split", _split, bare),
            *others,
        ],
        goals={"astm (decoded, not typed)": 1 / 6},
        reference="str.split",
    )


def _split(text: bytes) -> list[list[str]]:
    return [record.split("|") for record in text.decode().split("\r")]
