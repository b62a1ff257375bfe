"""Owing one destination what a message changed: collected while its window is open, or sealed at once where there is none to wait for."""

from __future__ import annotations

from datetime import datetime, tzinfo

from sqlalchemy import Connection

from lis_bridge import outbox
from lis_bridge.forward.oru import Builder, Tests
from lis_bridge.outbox import Mark, Ready
from lis_bridge.pipeline.pictures import building
from lis_bridge.settings import Destination
from lis_bridge.tubes.store import Receipt


class Outlet:
    """One destination, as the process step sees it; for one thread."""

    def __init__(self, destination: Destination, tests: Tests, zone: tzinfo) -> None:
        self.destination = destination.id
        self._lis = destination
        self._at_once = destination.window_seconds == 0
        self._window = destination.window_seconds
        self._stat_at_once = destination.stat_at_once
        self._builder = Builder(destination, tests)
        self._zone = zone

    def owe(self, tx: Connection, receipt: Receipt, mark: Mark, now: datetime) -> Ready | None:
        """Owe a receipt's reports; what may be sent after the commit, None where they wait to be sealed."""
        assert receipt.tube_id is not None
        tube, reports = receipt.tube_id, receipt.reports
        stat = receipt.stat and self._stat_at_once
        if stat or self._at_once:
            build = building(tx, self._builder, self._lis, now.astimezone(self._zone))
            ready = outbox.owe_at_once(tx, self.destination, tube, reports, stat=stat, now=now, build=build, mark=mark)
            if ready is not None:
                return ready
        outbox.owe(tx, self.destination, tube, reports, stat=stat, now=now, window=self._window)
        return None
