"""What a simulated analyzer measured, before it is put into any dialect.

Times are aware and are written on the wire in their own zone: pass them in the site's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from lis_bridge.core.results import Kind, Patient


@dataclass(frozen=True, slots=True)
class Measured:
    """One result as the device words it; texts are written as they are. ``observed_at`` is the sample's time where it is None."""

    code: str
    value: str
    name: str = ""
    unit: str = ""
    low: str = ""
    high: str = ""
    flags: tuple[str, ...] = ()
    status: str = "F"
    observed_at: datetime | None = None
    run: str = ""
    rerun: bool | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One specimen, or one measurement of a control material, with its results."""

    id: str
    at: datetime
    results: tuple[Measured, ...] = field(repr=False)
    kind: Kind = "patient"
    patient: Patient | None = None
    stat: bool = False
    control_id: str = "1"
    model: str = ""
    serial: str = ""
