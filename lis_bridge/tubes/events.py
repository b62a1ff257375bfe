"""What can happen to a tube, in the past tense, and its stored form.

The structs are positional on disk (``array_like``): append fields at the end, never reorder; the same holds for ``VERDICTS``. An event
says what was decided, so that folding it again asks no policy and no clock.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

from lis_bridge.core.holds import Reason
from lis_bridge.core.results import Observation, Patient


class Outcome(StrEnum):
    """What became of one observation."""

    NEW = "new"
    """Reported; the LIS knows no other value."""
    REPLACE = "replace"
    """Reported in place of a value that no LIS has seen."""
    CORRECT = "correct"
    """Reported as a correction of what was delivered."""
    CONFIRMED = "confirmed"
    """The delivered value again, now final: kept, nothing to send."""
    STORED = "stored"
    """A run that is not the one to report: kept as history."""
    HELD = "held"
    INFO = "info"
    """A row that is no result: mode, alarm, what the driver ignores."""
    NO_RESULT = "no result"
    """The device says that it has none."""
    REPEAT = "repeat"
    """A retransmission: adds nothing."""
    REMAPPED = "remapped"
    """A retransmission of what was delivered that would today go to another test or unit: nothing is sent without a person."""
    EVIDENCE = "evidence"
    """Of a group that was cut off before it was closed: never a result."""


VERDICTS = (
    Outcome.NEW,
    Outcome.REPLACE,
    Outcome.CORRECT,
    Outcome.CONFIRMED,
    Outcome.STORED,
    Outcome.HELD,
    Outcome.INFO,
    Outcome.NO_RESULT,
)
"""The outcomes that an event stores, by their number on disk."""
CODES = {outcome: code for code, outcome in enumerate(VERDICTS)}
REPORTING = frozenset({Outcome.NEW, Outcome.REPLACE, Outcome.CORRECT, Outcome.CONFIRMED})

Policy = Literal["last", "first", "marked"]
"""Which of several runs is reported: the newest, the first, or the one that the device marks as rerun."""

Slot = tuple[str, str, str]
"""Source, the observation's key, aspect: the runs of one measurement."""


class HoldOpened(msgspec.Struct, array_like=True):
    """A hold that an event opened over some of its rows; ``id`` is the row of table ``hold``, 0 until that is written."""

    reason: Reason
    detail: str
    rows: list[int]
    id: int = 0


class Filed(msgspec.Struct, frozen=True, array_like=True, tag="filed"):
    """Observations of one source were filed: a message's, or (``by`` a person, from tube ``origin``) moved ones.

    Retransmitted rows are left out. ``verdicts`` has one byte per row, the place of its outcome in ``VERDICTS``. ``doubtful``: the patient
    that the message names is not known to be this tube's.
    """

    analyzer: str
    source: str
    policy: Policy
    patient: Patient | None
    stat: bool
    rows: tuple[Observation, ...]
    ordinals: dict[int, int]
    verdicts: bytes
    holds: tuple[HoldOpened, ...]
    doubtful: bool = False
    by: str = ""
    origin: int = 0


class Released(msgspec.Struct, frozen=True, array_like=True, tag="released"):
    """A person let held observations go; verdicts in the order of the hold's open runs, new holds where a mapping still lacks."""

    hold: int
    by: str
    verdicts: bytes
    holds: tuple[HoldOpened, ...] = ()


class Discarded(msgspec.Struct, frozen=True, array_like=True, tag="discarded"):
    """A person decided that held observations are no results of this tube; a retransmission does not bring them back."""

    hold: int
    by: str


class Moved(msgspec.Struct, frozen=True, array_like=True, tag="moved"):
    """A person moved results to another tube: those of ``slots``, or what ``hold`` keeps back (0: none)."""

    by: str
    to: str
    slots: tuple[Slot, ...] = ()
    hold: int = 0


class Withheld(msgspec.Struct, frozen=True, array_like=True, tag="withheld"):
    """A person held reported results back; the rows of its one hold are places in ``slots``. What a LIS may have seen is withdrawn."""

    by: str
    slots: tuple[Slot, ...]
    holds: tuple[HoldOpened, ...]
    policy: Policy = "last"


Event = Filed | Released | Discarded | Moved | Withheld

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Event] = msgspec.msgpack.Decoder(Event)


def encode(event: Event) -> bytes:
    """Msgpack; the store packs it."""
    return _encoder.encode(event)


def decode(content: bytes) -> Event:
    """The event that ``encode`` was given."""
    return _decoder.decode(content)


def family(analyzer: str) -> str:
    """Whose events are packed beside one model."""
    return f"event {analyzer}"
