"""What a site says differently from a driver."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a site says differently from the driver. ``options`` are choices of the driver's own; ``specimen_pattern`` cuts the specimen id
    out of what the analyzer sends (its first group); ``decimal`` is the sign that parts a value's decimals. ``ignored`` are codes that are not
    reported while they mean no test.
    """

    codes: dict[str, str]
    units: dict[str, str]
    charset: tuple[str, ...] = ()
    dialect: str | None = None
    control_ids: frozenset[str] = frozenset()
    control_prefixes: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    specimen_pattern: re.Pattern[str] | None = None
    decimal: str = "."
    ignored: frozenset[str] = frozenset()


NO_OVERRIDES = Overrides({}, {})
