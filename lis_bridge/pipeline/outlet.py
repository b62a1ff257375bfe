"""Owing one destination what a message changed: collected while its window is open, or sealed at once where there is none to wait for."""

from __future__ import annotations

from datetime import datetime, tzinfo

from sqlalchemy import Connection

from lis_bridge import outbox
from lis_bridge.core.results import Message
from lis_bridge.forward.oru import Builder, Draft, Tests
from lis_bridge.outbox import Mark, Ready
from lis_bridge.pipeline.pictures import building
from lis_bridge.settings import Destination
from lis_bridge.tubes.prepared import Prepared
from lis_bridge.tubes.store import Receipt


class Outlet:
    """One destination, as the process step sees it."""

    def __init__(self, destination: Destination, tests: Tests, zone: tzinfo) -> None:
        self.destination = destination.id
        self._lis = destination
        self._at_once = destination.window_seconds == 0
        self._window = destination.window_seconds
        self._stat_at_once = destination.stat_at_once
        self._builder = Builder(destination, tests)
        self._zone = zone

    def draft(self, message: Message, prepared: Prepared) -> Draft | None:
        """The message that is owed if all of it is new, as far as it can be written without the database; None where it would wait anyway."""
        if prepared.first is None or not (self._at_once or (message.stat and self._stat_at_once)):
            return None
        return self._builder.draft(prepared.first.reports)

    def owe(self, tx: Connection, receipt: Receipt, mark: Mark, now: datetime, drafted: Draft | None = None) -> Ready | None:
        """Owe a receipt's reports; what may be sent after the commit, None where they wait to be sealed."""
        assert receipt.tube_id is not None
        assert receipt.head is not None
        reports, stat = receipt.reports, receipt.stat and self._stat_at_once
        if stat or self._at_once:
            tube = outbox.Tube(receipt.tube_id, receipt.seq, receipt.head)
            build = building(tx, self._builder, self._lis, now.astimezone(self._zone), drafted)
            merged = drafted is not None and drafted.reports is reports
            ready = outbox.owe_at_once(
                tx, self.destination, tube, reports, stat=stat, now=now, build=build, mark=mark, merged=merged
            )
            if ready is not None:
                return ready
        outbox.owe(tx, self.destination, receipt.tube_id, reports, stat=stat, now=now, window=self._window)
        return None
