"""How long to wait before the next try: exponential, bounded, with jitter so that destinations do not try in step."""

from __future__ import annotations

from dataclasses import dataclass

JITTER = 0.2
"""The wait is up to this share longer or shorter."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits in seconds: ``first`` doubled each time up to ``most``."""

    first: float
    most: float

    def after(self, failures: int, chance: float) -> float:
        """The wait after so many failures (1 or more); ``chance`` is drawn evenly from 0 to 1."""
        doubled = self.first * 2.0 ** min(failures - 1, 60)
        return min(doubled, self.most) * (1 - JITTER + 2 * JITTER * chance)
