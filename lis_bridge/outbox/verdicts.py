"""The LIS's verdict on a delivery, and what follows from it. What each word means is data.

A message that the LIS did not answer stays pending without limit: its absence says nothing about the message. One that it
answered with an error is tried again as often as the policy says, and is then dead; a rejection is final unless its words can heal.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from sqlalchemy import Connection, bindparam, literal_column, select, update

from lis_bridge.core.faults import UsageError
from lis_bridge.outbox.backoff import Backoff
from lis_bridge.outbox.entries import State, text_of
from lis_bridge.storage import Statement
from lis_bridge.storage.schema.deliveries import delivery

Meaning = Literal["accepted", "error", "rejected", "unanswered"]

# HL7 v2.5.1 table 0008, and what the link says when there is no such answer.
MEANINGS: dict[str, Meaning] = {
    "AA": "accepted",
    "CA": "accepted",
    "AE": "error",
    "CE": "error",
    "AR": "rejected",
    "CR": "rejected",
    "timeout": "unanswered",
    "closed": "unanswered",
    "malformed": "unanswered",
}

RETRY = Backoff(5.0, 300.0)
TEXT_KEPT = 1000
"""Characters of the LIS's words that are kept."""

_d = delivery.c
_ROW = Statement(select(_d.state, _d.attempts).where(_d.id == bindparam("of")))
_SETTLE = Statement(
    update(delivery)
    .where(_d.id == bindparam("of"), _d.state == literal_column("'pending'"))
    .values({name: bindparam(name) for name in ("state", "due_at", "attempts", "verdict", "lis_text", "settled_at")})
)


_DELIVER = Statement(
    update(delivery)
    .where(_d.id == bindparam("of"), _d.state == literal_column("'pending'"))
    .values({name: bindparam(name) for name in ("due_at", "verdict", "lis_text")})
    .values(state=literal_column("'delivered'"), attempts=_d.attempts + literal_column("1"), settled_at=bindparam("due_at"))
)
"""What nearly every answer is, in one statement."""


@dataclass(frozen=True, slots=True)
class Policy:
    """``retries`` after an error, also after a rejection that contains one of the words of ``retry_on`` (in any case)."""

    retries: int
    retry_on: tuple[str, ...] = ()
    backoff: Backoff = RETRY
    chance: Callable[[], float] = random.random

    def heals(self, text: str) -> bool:
        """True where the LIS's words name something that passes, such as an order that is not there yet."""
        return any(words.casefold() in text.casefold() for words in self.retry_on)


class Settled(msgspec.Struct, frozen=True):
    """The delivery's state after the verdict; a pending one is due again after ``wait`` seconds."""

    state: State
    wait: float = 0.0


def settle(tx: Connection, id: int, verdict: str, text: str, now: datetime, policy: Policy) -> Settled:
    """Note the LIS's answer to a pending delivery, or that none came; an unknown word is no answer. Raises UsageError.

    A delivery that is not pending keeps its state: no late answer brings it back.
    """
    meaning = MEANINGS.get(verdict, "unanswered")
    if meaning == "accepted" and _DELIVER.run(tx, of=id, due_at=text_of(now), verdict=verdict, lis_text=text[:TEXT_KEPT]):
        return Settled("delivered")
    row = _ROW.one(tx, of=id)
    if row is None:
        raise UsageError("there is no such delivery", where=f"delivery {id}", hint="list the deliveries for their numbers")
    state, attempts = row
    if state != "pending":
        return Settled(state)
    attempts += meaning != "unanswered"
    settled = _settled(meaning, text, attempts, policy)
    _SETTLE.run(
        tx,
        of=id,
        state=settled.state,
        due_at=text_of(now + timedelta(seconds=settled.wait)),
        attempts=attempts,
        verdict=verdict,
        lis_text=text[:TEXT_KEPT],
        settled_at=None if settled.state == "pending" else text_of(now),
    )
    return settled


def _settled(meaning: Meaning, text: str, attempts: int, policy: Policy) -> Settled:
    if meaning == "accepted":
        return Settled("delivered")
    if meaning == "unanswered":
        return Settled("pending")
    if (meaning == "rejected" and not policy.heals(text)) or attempts > policy.retries:
        return Settled("dead")
    return Settled("pending", policy.backoff.after(attempts, policy.chance()))
