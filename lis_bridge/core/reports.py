"""What goes to the LIS: an observation, what it now is to the LIS, and which analyzer measured it."""

from __future__ import annotations

from typing import Literal

import msgspec

from lis_bridge.core.results import Observation

Status = Literal["F", "C", "W"]
"""OBX-11 (HL7 table 0085): F final, C corrected after delivery, W was delivered under the wrong specimen."""


class Report(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One observation owed to a LIS. Positional on disk: append fields at the end, never reorder.

    ``source`` is the instrument behind the analyzer's id (its serial number where it says one): a link may carry two of a kind.
    """

    observation: Observation
    status: Status
    analyzer: str
    source: str = ""

    @property
    def identity(self) -> tuple[str, str | None, str]:
        """What the LIS knows this result by in its tube: of two waiting reports with one identity, the later one counts."""
        return (self.source or self.analyzer, self.observation.test, self.observation.aspect)


class Picture(msgspec.Struct, frozen=True):
    """An attachment that goes with a message; ``media`` is an RFC 6838 type, W one that was another tube's or is held back, without its data."""

    code: str
    media: str
    analyzer: str
    status: str
    data: bytes


class Head(msgspec.Struct, frozen=True):
    """What an outgoing message says of the tube itself; ``specimen`` is the wire's id, ``numbered`` a running number's mark."""

    key: str
    specimen: str
    numbered: bool = False
    patient_id: str | None = None
    patient_name: str | None = None
    pictures: tuple[Picture, ...] = ()
