"""What waits for a mapping in a tube that its message does not name: a person placed it there, or moved it. Pure.

A replay reads the message anew. Its key leads to the tube that the person took the results from, or to none at all.
"""

from __future__ import annotations

from lis_bridge.core.results import Message, Observation
from lis_bridge.tubes.runs import same, source_of, token_of
from lis_bridge.tubes.state import HELD, MAPPED, Run, TubeState


def mended(state: TubeState, message: Message, analyzer: str) -> Message:
    """Of a message those rows that wait in this tube for what they now have, without its patient: the person said whose they are.

    What broke off with the message was let go when it was taken here, so the rows are as of a whole one.
    """
    source = source_of(message, analyzer)
    rows = tuple(row for row in message.observations if _waits(state, source, row))
    return Message("patient", observations=rows, stat=message.stat, serial=message.serial)


def _waits(state: TubeState, source: str, row: Observation) -> bool:
    runs = state.slots.get((source, row.key, row.aspect), ())
    return any(_is_mended(state, run, row) for run in runs if run.standing is HELD)


def _is_mended(state: TubeState, run: Run, row: Observation) -> bool:
    """True for this very row of its message, read otherwise than it was."""
    return (
        state.holds[run.hold].reason in MAPPED
        and run.row.problem != row.problem
        and run.row.span == row.span
        and run.token == token_of(row)
        and same(run.row, row)
    )
