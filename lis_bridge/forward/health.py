"""How a destination fares: away, connected or parked, since when, and its last words. Pure; time is passed in.

An answer, even a refusal, is health. A LIS that cannot be reached is away. One that takes messages and does not answer them is
parked after ``PATIENCE`` of them in a row: from then on it gets one message at growing intervals, until it answers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

State = Literal["starting", "connected", "away", "parked"]

PATIENCE = 5
"""Unanswered messages on live connections before a destination is parked (promise 7)."""


@dataclass(frozen=True, slots=True)
class Health:
    """``unanswered`` messages and ``unreachable`` tries in a row; ``since`` is when the state began, ``words`` what was last said."""

    state: State = "starting"
    since: datetime | None = None
    words: str = ""
    unanswered: int = 0
    unreachable: int = 0

    def reached(self, now: datetime) -> Health:
        """A connection stands; a parked destination has yet to answer."""
        state: State = "parked" if self.unanswered >= PATIENCE else "connected"
        return replace(self._in(state, now), unreachable=0)

    def missed(self, now: datetime, words: str) -> Health:
        """No connection could be made."""
        return replace(self._in("away", now), unreachable=self.unreachable + 1, words=words)

    def answered(self, now: datetime, words: str) -> Health:
        """The LIS decided about a message."""
        return replace(self._in("connected", now), unanswered=0, unreachable=0, words=words)

    def unheard(self, now: datetime, words: str) -> Health:
        """A message was sent, and nothing usable came back."""
        unanswered = self.unanswered + 1
        state: State = "parked" if unanswered >= PATIENCE else self.state
        return replace(self._in(state, now), unanswered=unanswered, words=words)

    def _in(self, state: State, now: datetime) -> Health:
        return self if state == self.state else replace(self, state=state, since=now)
