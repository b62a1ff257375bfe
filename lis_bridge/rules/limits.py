"""Critical limits: values that somebody must hear of at once."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, NamedTuple

from lis_bridge.core.results import Observation


class Limits(NamedTuple):
    """The laboratory's limits in the catalogue's unit; None: none on this side."""

    low: Decimal | None = None
    high: Decimal | None = None


def critical(row: Observation, limits: Limits) -> Literal["", "low", "high"]:
    """Whether a numeric result lies beyond a critical limit; a value on the limit does not.

    ``<2.0`` is below a limit of 2.0, ``>30`` says nothing of a lower limit of 35. A text, or a result whose unit is not known, is never critical here.
    """
    if row.number is None or row.problem is not None:
        return ""
    number = row.number * Decimal(row.factor) if row.factor else row.number
    above, below = row.comparator.startswith(">"), row.comparator.startswith("<")
    if limits.low is not None and not above and (number < limits.low or (row.comparator == "<" and number == limits.low)):
        return "low"
    if limits.high is not None and not below and (number > limits.high or (row.comparator == ">" and number == limits.high)):
        return "high"
    return ""
