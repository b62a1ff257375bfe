"""One tube in many messages beside the same tube in one."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import msgspec

from benches import messages, subjects
from benches.race import Contestant, Race
from lis_bridge.core.results import Message
from lis_bridge.tubes.assembly import Context, file
from lis_bridge.tubes.state import TubeState

SIZE = 220
CONTEXT = Context("line-1")


def test_assembling_a_tube(race: Callable[..., Race]) -> None:
    """Tube assembly: 220 results in as many messages as the analyzer likes (µs a tube)"""
    plan = subjects.plan(subjects.HL7_DRIVER, SIZE)
    whole = [plan.decode(messages.mllp(text)).messages for text in subjects.hl7(SIZE, 100)]
    single = [_parted(one) for (one,) in whole]
    together, apart = _filed(whole[7]), _filed(single[7])
    assert len(together.reported()) == len(apart.reported()) == len({one.test for one in whole[7][0].observations})
    race(
        [Contestant("220 messages", _filed, single), Contestant("one message", _filed, whole)],
        goals={"one message": 4},
        reference="one message",
    )


def _parted(message: Message) -> tuple[Message, ...]:
    """A message for every result; each names the patient anew, as if it had been decoded by itself."""
    return tuple(
        msgspec.structs.replace(message, observations=(one,), patient=copy.deepcopy(message.patient))
        for one in message.observations
    )


def _filed(parts: Sequence[Message]) -> TubeState:
    state = TubeState(1, "26031000007")
    for part in parts:
        file(state, part, CONTEXT)
    return state
