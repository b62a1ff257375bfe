"""Pictures and curves on their way: into the message that is built for a destination, and along with the results that a person moves."""

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
from lis_bridge.tubes.events import Slot
from lis_bridge.tubes.state import HELD, REPORTED, TubeState


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


def entries_of(tx: Connection, state: TubeState, slots: Collection[Slot]) -> set[int]:
    """The journal entries whose reported results are all among these: their pictures go where the results go."""
    leaving: set[int] = set()
    staying: set[int] = set()
    for slot, runs in state.slots.items():
        seqs = {run.seq for run in runs if run.standing is REPORTED}
        (leaving if slot in slots else staying).update(seqs)
    return _entries(tx, state, leaving - staying)


def entries_of_hold(tx: Connection, state: TubeState, hold_id: int) -> set[int]:
    """The journal entries of a hold, of which nothing else is reported or held: a person may hold one result of a message back."""
    runs = [run for found in state.slots.values() for run in found if run.standing in (REPORTED, HELD)]
    held = {handle for handle, hold in state.holds.items() if hold.id == hold_id}
    leaving = {run.seq for run in runs if run.hold in held}
    return _entries(tx, state, leaving - {run.seq for run in runs if run.hold not in held})


def _entries(tx: Connection, state: TubeState, seqs: Collection[int]) -> set[int]:
    rows = (tables.JOURNAL_OF.one(tx, of=state.tube_id, at_seq=seq) for seq in seqs)
    return {row[0] for row in rows if row is not None and row[0] is not None}


def keep_placed(tx: Connection, hold: OpenHold, messages: Sequence[Message], tube_id: int, at: datetime) -> None:
    """A message that belonged to no tube now does, with its pictures."""
    for part, message in enumerate(messages):
        if hold.detail.endswith(unplaced.mark_of(message, part)):
            attachments.keep(tx, tube_id, hold.journal_id, hold.analyzer, message, held=False, at=at)
