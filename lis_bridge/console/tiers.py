"""The evidence tier of the site's drivers, which is computed by their checks: half a second or more for each, so before somebody asks, and only
where no earlier run kept it.
"""

from __future__ import annotations

from threading import Lock
from typing import Any

from lis_bridge.catalogue.checks import QUICK, Subject
from lis_bridge.catalogue.checks.kept import Kept, cache_file
from lis_bridge.catalogue.checks.sheet import row
from lis_bridge.runtime.plans import Compiled
from lis_bridge.settings import Config


class Tiers:
    """May be asked from several threads; each driver is checked by the first of them."""

    def __init__(self, config: Config, compiled: Compiled) -> None:
        self.ids = sorted({analyzer.driver for analyzer in config.analyzers})
        self._compiled = compiled
        self._lock = Lock()
        self._kept: Kept | None = None
        self._rows: dict[str, dict[str, Any]] = {}

    def every(self) -> list[dict[str, Any]]:
        """One row for each driver that the site uses."""
        return [self.of(id) for id in self.ids]

    def of(self, id: str) -> dict[str, Any]:
        """What there is to say of a driver of the site."""
        with self._lock:
            if id not in self._rows:
                self._rows[id] = self._row(id)
            return self._rows[id]

    def _row(self, id: str) -> dict[str, Any]:
        library = self._compiled.library
        if self._kept is None:
            self._kept = Kept(library, cache_file())
        subject = Subject(library.driver(id), library, self._compiled.tests, QUICK)
        tier = self._kept.tier(subject)
        self._kept.write()
        return row(subject, tier)
