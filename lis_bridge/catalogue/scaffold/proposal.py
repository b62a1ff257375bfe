"""What a capture says of a driver that does not exist yet: fields, codes and open questions, each with how certain it is and why.

``proven`` is only what the bytes themselves prove (a checksum that holds, separators that a header declares). ``guessed`` is what looks so;
a person confirms it. ``unknown`` is left out of the manifest and named in it as a comment, so that results wait instead of going astray.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Certainty = Literal["proven", "guessed", "unknown"]


@dataclass(frozen=True, slots=True)
class Field:
    """One key of the manifest, dotted from the top (``dialect.hl7.message.specimen``); ``value`` is None where it is unknown."""

    key: str
    value: Any
    certainty: Certainty
    why: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A code as the capture shows it: every value in order, the unit and range that stood beside it (empty where the wire has none), and
    the ordinals of the messages that hold it.
    """

    code: str
    name: str = ""
    unit: str = ""
    values: tuple[str, ...] = ()
    low: str = ""
    high: str = ""
    messages: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Match:
    """A code and the catalogue's test for it; ``candidates`` are the tests among which nothing decides."""

    seen: Seen
    test: str | None
    certainty: Certainty
    why: str
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A driver as far as captures can say; ``kind`` is the dialect's, empty where none was recognised."""

    id: str
    kind: str
    fields: tuple[Field, ...]
    codes: tuple[Match, ...] = ()
    questions: tuple[str, ...] = ()

    def field(self, key: str) -> Field | None:
        """The field with this key."""
        return next((field for field in self.fields if field.key == key), None)
