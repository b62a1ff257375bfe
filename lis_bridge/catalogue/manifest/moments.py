"""Where moments stand, and how they are written; in results and in what they share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

from lis_bridge.catalogue.manifest.base import Model, listed


class MomentSpec(Model):
    """A moment that is not plain ``YYYYMMDD[HHMMSS]``: a date and a time field, or one text, with the order of the date's parts and, in a
    time without separators, of the clock's. English and French names of months are understood, and a blank for a leading zero.
    """

    date: str
    time: str | None = None
    clock: Literal["hms", "smh"] = "hms"
    order: Literal["ymd", "dmy", "mdy"] = "ymd"
    century: int = 2000


Moments = Annotated[tuple[str | MomentSpec, ...], BeforeValidator(listed)]
