"""One analyzer for its page: state and counters, the driver that reads it, and what the configuration says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache

import msgspec

from lis_bridge.catalogue.checks import QUICK, Subject, Tier
from lis_bridge.catalogue.checks.tiers import ranked
from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.console.queries.analyzers import State, Tile
from lis_bridge.core.faults import Fault
from lis_bridge.runtime.plans import Compiled
from lis_bridge.runtime.status import AnalyzerStatus
from lis_bridge.settings import Analyzer


class Counters(msgspec.Struct, frozen=True):
    """Since the service started; ``told`` are the bytes that went to the analyzer."""

    bytes: int
    told: int
    messages: int
    cut_off: int
    faults: int
    refused: int
    turned_away: int


class DriverFacts(msgspec.Struct, frozen=True):
    """The driver; ``tier`` is what its evidence is worth where its checks pass (``lis-bridge driver check`` runs them)."""

    id: str
    name: str
    revision: int
    tier: Tier
    direction: str
    framings: Sequence[str]
    low_confidence: str
    not_verified: Sequence[str]


class SiteSays(msgspec.Struct, frozen=True):
    """What the configuration says of the analyzer, and where it says something else than the driver."""

    link: str
    dialect: str
    charset: Sequence[str]
    peer: str
    serial: str
    number_space: str
    require_order: bool
    control_ids: Sequence[str]
    control_prefixes: Sequence[str]
    codes: Mapping[str, str]
    units: Mapping[str, str]
    options: Mapping[str, str]
    decimal: str
    number_date: str

    @property
    def overrides(self) -> int:
        """How many codes, units and options are the site's own."""
        return len(self.codes) + len(self.units) + len(self.options)


class Device(msgspec.Struct, frozen=True):
    """One analyzer now; ``fault`` is the last thing wrong with link or bytes, or why its last message was not understood."""

    id: str
    name: str
    state: State
    since: datetime | None
    stopped_by: str
    recording: bool
    peers: Sequence[str]
    heard_at: datetime | None
    message_at: datetime | None
    today: int
    fault: Fault | None
    counters: Counters
    driver: DriverFacts
    site: SiteSays


def device(tile: Tile, status: AnalyzerStatus, configured: Analyzer, compiled: Compiled) -> Device:
    """The analyzer's tile with everything behind it."""
    counters = Counters(
        status.bytes, status.told, status.messages, status.cut_off, status.faults, status.refused, status.turned_away
    )
    return Device(
        tile.id,
        tile.name,
        tile.state,
        tile.since,
        status.stopped_by,
        status.recording,
        status.peers,
        status.heard_at,
        tile.message_at,
        tile.today,
        tile.fault,
        counters,
        _driver(configured.id, compiled),
        _site(configured),
    )


def _driver(analyzer: str, compiled: Compiled) -> DriverFacts:
    plan = compiled.plans[analyzer]
    manifest = plan.manifest
    return DriverFacts(
        manifest.id,
        manifest.name,
        manifest.revision,
        _tier(compiled.library, compiled.tests, manifest.id),
        manifest.direction,
        list(dict.fromkeys(profile.kind for profile in plan.profiles)),
        manifest.low_confidence or "",
        list(manifest.not_verified),
    )


@lru_cache(maxsize=256)
def _tier(library: Library, tests: TestCatalogue, id: str) -> Tier:
    """Once for each driver: its folder is read for it, and drivers change with a start of the service only."""
    return ranked(Subject(library.driver(id), library, tests, QUICK))


def _site(said: Analyzer) -> SiteSays:
    return SiteSays(
        said.link,
        said.dialect or "",
        list(said.charset),
        said.peer or "",
        said.serial or "",
        said.number_space or "",
        said.require_order,
        list(said.controls.ids),
        list(said.controls.prefixes),
        dict(said.codes),
        dict(said.units),
        dict(said.choices),
        said.decimal,
        said.number_date,
    )
