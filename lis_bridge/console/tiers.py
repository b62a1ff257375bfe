"""The evidence tier of the site's drivers, which is computed by their checks: half a second or more for each, so once a run, before somebody asks."""

from __future__ import annotations

from threading import Lock
from typing import Any

from lis_bridge.catalogue.checks import QUICK, Subject, checked
from lis_bridge.catalogue.checks.sheet import row
from lis_bridge.runtime.plans import Compiled
from lis_bridge.settings import Config


class Tiers:
    """May be asked from several threads; each driver is checked by the first of them."""

    def __init__(self, config: Config, compiled: Compiled) -> None:
        self.ids = sorted({analyzer.driver for analyzer in config.analyzers})
        self._compiled = compiled
        self._lock = Lock()
        self._rows: dict[str, dict[str, Any]] = {}

    def every(self) -> list[dict[str, Any]]:
        """One row for each driver that the site uses."""
        return [self.of(id) for id in self.ids]

    def of(self, id: str) -> dict[str, Any]:
        """What there is to say of a driver of the site."""
        with self._lock:
            if id not in self._rows:
                library = self._compiled.library
                subject = Subject(library.driver(id), library, self._compiled.tests, QUICK)
                self._rows[id] = row(subject, checked(subject)[0])
            return self._rows[id]
