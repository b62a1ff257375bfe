"""The plans of a running service as what was mapped says: exchanged when a mapping was made or taken back, by whichever process.

The mappings are looked at in the very transaction that looks for pending entries, so that what was reopened for a mapping is never read by a plan
that does not know it. What was read meanwhile by the plan before is held; it is reopened here.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from sqlalchemy import Connection

from lis_bridge import mappings
from lis_bridge.catalogue.plan import Plan
from lis_bridge.mappings import Mapping
from lis_bridge.pipeline import remapping
from lis_bridge.runtime.plans import Compiled, plan_of
from lis_bridge.settings import Config

_log = structlog.get_logger(__name__)


class Mapped:
    """``exchange`` gives the process step an analyzer's new plan; ``config`` is the file's, without mappings."""

    def __init__(self, config: Config, compiled: Compiled, exchange: Callable[[str, Plan], None]) -> None:
        self._config = config
        self._compiled = compiled
        self._exchange = exchange
        self._known: tuple[Mapping, ...] = ()

    def look(self, tx: Connection) -> None:
        """Take the mappings as they are now. In the storage thread; costs one small query where nothing changed.

        Should this commit fail, what was read in the second before stays held until a person replays it.
        """
        found = mappings.every(tx)
        if found == self._known:
            return
        changed = set(found) ^ set(self._known)
        fresh = [one for one in found if one in changed]
        in_force = mappings.applied(self._config, found)
        for analyzer in in_force.analyzers:
            if any(one.analyzer == analyzer.id for one in changed):
                self._take(analyzer.id, plan_of(analyzer, in_force, self._compiled))
        self._known = found
        entries = {id for one in fresh for id in remapping.waiting(tx, one.analyzer, one.kind, one.said)}
        reopened = remapping.reopen(tx, sorted(entries))
        _log.info("mappings_in_force", mappings=len(found), reopened=reopened)

    def _take(self, analyzer: str, plan: Plan) -> None:
        self._compiled.plans[analyzer] = plan
        self._exchange(analyzer, plan)
