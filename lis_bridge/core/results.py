"""What an analyzer said, in the bridge's words.

Values are text first: ``value`` is verbatim, ``number`` is its Decimal beside it. A message is made of observations of one specimen.
The structs are frozen and positional on disk (``array_like``): append fields at the end, never reorder.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

Kind = Literal["patient", "qc", "calibration", "query", "other"]
Aspect = Literal["", "I", "P", "G"]
"""Empty: the number or main value. I interpretation, P raw signal, G graphics setting (LIS2-A2 vendors' R-3)."""

MOST_DIGITS = 7
"""Of a running number; a longer one that is no barcode is a barcode misread or cut, never a place in a worklist."""


def of_material(text: str, material: str) -> str:
    """What a code or a name is looked up as: with ``@material`` behind it where the specimen's material is not the usual one."""
    return f"{text}@{material}" if text and material else text


class Observation(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One result as it stood on the wire, mapped to the laboratory's catalogue.

    ``test`` is None for a row that is not a result (mode, alarm, border line) and for one that is not mapped; in the second case
    ``problem`` says why it must be held. ``factor`` multiplies ``number`` into the catalogue's unit (None: no conversion needed).
    ``doubted``: the device itself says that the value may not be right; it waits for a person.
    ``material`` is the specimen's as sent, empty where it is the usual one or the driver knows of none.
    """

    code: str
    test: str | None = None
    value: str | None = None
    raw: str = ""
    number: Decimal | None = None
    comparator: str = ""
    unit: str | None = None
    ucum: str | None = None
    factor: str | None = None
    low: str | None = None
    high: str | None = None
    flags: tuple[str, ...] = ()
    abnormal: str = ""
    status: str | None = None
    observed_at: str | None = None
    run: str = ""
    rerun: bool | None = None
    aspect: Aspect = ""
    superseded: bool = False
    name: str | None = None
    problem: str | None = None
    derived: str | None = None
    span: tuple[int, int] = (0, 0)
    occurrence: int = 0
    doubted: bool = False
    material: str = ""

    @property
    def key(self) -> str:
        """The code as mappings, holds and measurements know it: that of another material is another code."""
        return of_material(self.code, self.material) if self.material else self.code

    @property
    def is_result(self) -> bool:
        """True when the row carries a value that belongs, or may belong, to a catalogue test."""
        return self.value is not None and (self.test is not None or self.problem is not None)


class Patient(msgspec.Struct, frozen=True, array_like=True):
    """Who the analyzer believes the specimen is from; the LIS hears of it only with ``demographics = "analyzer"``."""

    id: str | None = None
    name: str | None = None
    birth: str | None = None
    sex: str | None = None
    age: str | None = None


class Image(msgspec.Struct, frozen=True, array_like=True):
    """A picture or binary histogram; ``size`` is the decoded length in bytes, ``span`` where its bytes stand in the journal entry.

    ``data`` is its text as sent, empty where the analyzer only names it; ``coding`` says how the text is written: ``base64``,
    ``deflate base64``, ``hex`` (pairs), ``digits`` (one a cell), ``bytes`` or ``numbers``.
    """

    code: str
    format: str
    size: int
    span: tuple[int, int] = (0, 0)
    data: str = ""
    coding: str = ""


class Curve(msgspec.Struct, frozen=True, array_like=True):
    """A measured curve, points as text pairs."""

    code: str
    x: str
    y: str
    points: tuple[tuple[str, str], ...] = ()


class Control(msgspec.Struct, frozen=True):
    """What a QC message says of its control material."""

    number: str | None = None
    name: str | None = None
    lot: str | None = None
    expiry: str | None = None
    level: str | None = None
    mean: str | None = None
    sd: str | None = None


class Query(msgspec.Struct, frozen=True):
    """An analyzer's request for the orders of a specimen, of a range of sample numbers or of a span of time."""

    by: Literal["specimen", "range", "time"]
    start: str | None = None
    end: str | None = None
    id: str | None = None


class Message(msgspec.Struct, frozen=True):
    """One logical message: all that was said of one specimen in one go.

    ``specimen`` is the wire's id. ``series`` tells number ranges apart that overlap (routine, STAT). ``dated`` is the ISO date that the
    manifest names for a running number. ``closed`` is False for a group that no save point closed (evidence only, never a result).
    """

    kind: Kind
    specimen: str | None = None
    patient: Patient | None = None
    complete: bool = True
    observations: tuple[Observation, ...] = ()
    images: tuple[Image, ...] = ()
    curves: tuple[Curve, ...] = ()
    stat: bool = False
    series: str = ""
    dated: str | None = None
    model: str | None = None
    serial: str | None = None
    control_id: str | None = None
    sent_at: str | None = None
    control: Control | None = None
    query: Query | None = None
    closed: bool = True
    span: tuple[int, int] = (0, 0)
