"""Pictures and curves on their way: into the message that is built for a destination, and along with the results that a person moves or holds back.

A picture is told while one of the results that it came with is reported (docs/decisions/0014): nobody knows which of them it shows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from lis_bridge import attachments, outbox
from lis_bridge.core.reports import Head, Picture, Report
from lis_bridge.core.results import Message
from lis_bridge.forward.oru import Builder, Draft
from lis_bridge.settings import Destination
from lis_bridge.tubes import tables, unplaced
from lis_bridge.tubes.desk import OpenHold
from lis_bridge.tubes.events import REPORTING, Outcome, Slot
from lis_bridge.tubes.judging import twin_of
from lis_bridge.tubes.runs import source_of, token_of
from lis_bridge.tubes.state import DISCARDED, HELD, MOVED, REPORTED, SUPERSEDED, Run, TubeState
from lis_bridge.tubes.store import Receipt, Tubes

_HERE = frozenset({REPORTED, SUPERSEDED, HELD, DISCARDED})
"""Standings of results that a tube has, or a person said are none."""
_REPEATED = frozenset({Outcome.REPEAT, Outcome.REMAPPED})


def building(
    tx: Connection, builder: Builder, destination: Destination, local: datetime, drafted: Draft | None = None
) -> outbox.Build:
    """How a message for a destination is built in this transaction: with what it was not told of yet, where it wants pictures.

    ``drafted`` is taken for the very reports that it was made of.
    """

    def plain(head: Head, reports: Sequence[Report], control_id: str) -> bytes:
        draft = drafted if drafted is not None and drafted.reports is reports else builder.draft(reports)
        return builder.finish(head, draft, control_id, local)

    def illustrated(head: Head, reports: Sequence[Report], control_id: str) -> bytes:
        found = attachments.owed(tx, head.key, destination.id)
        pictures = tuple(Picture(one.code, one.media, one.analyzer, one.status, one.data) for one in found)
        message = plain(msgspec.structs.replace(head, pictures=pictures), reports, control_id)
        attachments.told(tx, head.key, destination.id, found)
        return message

    return illustrated if destination.attachments == "forward" else plain


def keep(tx: Connection, tubes: Tubes, receipt: Receipt, message: Message, journal_id: int, analyzer: str, at: datetime) -> None:
    """Keep the pictures of a message that was filed. They wait where no result of it is reported; those of moved results that come again are not kept."""
    if receipt.tube_id is None:
        return
    entry, held = journal_id, False
    if REPORTING.isdisjoint(receipt.outcomes):
        state = tubes.state(tx, receipt.tube_id)
        held = Outcome.HELD in receipt.outcomes
        repeated = None if held else _repeated(state, message, receipt.outcomes, analyzer)
        if repeated is not None and repeated.standing is MOVED:
            return
        if repeated is not None:
            entry, held = _entries(tx, state)[repeated.seq], repeated.standing is not REPORTED
    attachments.keep(tx, receipt.tube_id, entry, analyzer, message, held=held, at=at)


def _repeated(state: TubeState, message: Message, outcomes: Sequence[Outcome], analyzer: str) -> Run | None:
    """Of the results that a message only repeats the one that stands highest."""
    source = source_of(message, analyzer)
    rows = [row for row, outcome in zip(message.observations, outcomes, strict=True) if outcome in _REPEATED and row.is_result]
    twins = (twin_of(state.slots.get((source, row.key, row.aspect), ()), token_of(row), row) for row in rows)
    return min(filter(None, twins), key=lambda run: run.standing, default=None)


def entries_of(tx: Connection, state: TubeState, slots: Collection[Slot]) -> set[int]:
    """The journal entries whose reported results are all among these: their pictures go where the results go.

    So do those of earlier runs, of which nothing is reported, where all that took their place is among these.
    """
    reported = {slot for slot, runs in state.slots.items() if any(run.standing is REPORTED for run in runs)}
    leaving: set[int] = set()
    for entry, results in _pictured(tx, state).items():
        shown = {slot for slot, run in results if run.standing is REPORTED}
        shown = shown or {slot for slot, run in results if run.standing is SUPERSEDED and slot in reported}
        if shown and shown.issubset(slots):
            leaving.add(entry)
    return leaving


def entries_of_hold(tx: Connection, state: TubeState, hold_id: int) -> set[int]:
    """The journal entries of a hold, of which nothing else is reported or held: a person may hold one result of a message back."""
    handle, _ = state.hold(hold_id)
    return {
        entry
        for entry, results in _pictured(tx, state).items()
        if {run.hold for _, run in results if run.standing in (REPORTED, HELD)} == {handle}
    }


def release(tx: Connection, state: TubeState) -> None:
    """Let the pictures of every journal entry go of which something is reported."""
    for entry, results in _pictured(tx, state).items():
        if any(run.standing is REPORTED for _, run in results):
            attachments.release(tx, entry, state.tube_id)


def _pictured(tx: Connection, state: TubeState) -> dict[int, list[tuple[Slot, Run]]]:
    """What this tube has of each entry with pictures; where that is no result (an earlier run's came along in a move), all of its analyzer."""
    pictured = attachments.entries(tx, state.tube_id)
    if not pictured:
        return {}
    entry_of = _entries(tx, state)
    brought = [(slot, run) for slot, runs in state.slots.items() for run in runs if run.standing in _HERE]
    own: dict[int, list[tuple[Slot, Run]]] = {}
    for slot, run in brought:
        own.setdefault(entry_of[run.seq], []).append((slot, run))
    return {
        entry: own.get(entry) or [(slot, run) for slot, run in brought if run.analyzer == analyzer]
        for entry, analyzer in pictured.items()
    }


def _entries(tx: Connection, state: TubeState) -> dict[int, int]:
    """The journal entry of each event of a tube."""
    return {seq: journal_id or 0 for seq, journal_id in tables.ENTRIES.rows(tx, of=state.tube_id)}


def keep_placed(
    tx: Connection, tubes: Tubes, hold: OpenHold, messages: Sequence[Message], receipt: Receipt, at: datetime
) -> None:
    """A message that belonged to no tube now does, with its pictures."""
    for part, message in enumerate(messages):
        if hold.detail.endswith(unplaced.mark_of(message, part)):
            keep(tx, tubes, receipt, message, hold.journal_id, hold.analyzer, at)
