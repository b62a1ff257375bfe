"""What a site says differently from a driver."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a site says differently from the driver."""

    codes: dict[str, str]
    units: dict[str, str]
    charset: tuple[str, ...] = ()
    dialect: str | None = None
    control_ids: frozenset[str] = frozenset()
    control_prefixes: tuple[str, ...] = ()


NO_OVERRIDES = Overrides({}, {})
