"""The configuration's analyzers compiled: each its driver's plan with what the site says differently."""

from __future__ import annotations

from dataclasses import dataclass

from lis_bridge.catalogue.library import Library
from lis_bridge.catalogue.plan import Overrides, Plan
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core import resources
from lis_bridge.framing import unframe
from lis_bridge.journal import Entry
from lis_bridge.settings import Analyzer, Config


@dataclass(frozen=True, slots=True)
class Compiled:
    """Everything that is read from drivers and catalogue; ``plans`` are by analyzer id, and one is exchanged when something was mapped."""

    library: Library
    tests: TestCatalogue
    plans: dict[str, Plan]

    def is_whole(self, entry: Entry) -> bool:
        """True when the frames that a killed process left make up whole messages (an analyzer that is configured no more: no)."""
        plan = self.plans.get(entry.analyzer)
        if plan is not None and any(profile.kind == "lis1a" and profile.terminator == "EOT" for profile in plan.profiles):
            return False  # their EOT never came, or they would be an entry
        bodies = unframe(entry.raw, plan.profiles) if plan is not None else []
        return bool(bodies) and all(body.complete and not body.faults for body in bodies)


def compiled(config: Config, library: Library | None = None) -> Compiled:
    """Load (where ``library`` is not loaded yet) and compile. Raises DriverError and ConfigError."""
    library = library or Library.load(resources.drivers(config.drivers.paths))
    tests = TestCatalogue.load()
    found = Compiled(library, tests, {})
    found.plans.update((analyzer.id, plan_of(analyzer, config, found)) for analyzer in config.analyzers)
    return found


def plan_of(analyzer: Analyzer, config: Config, read: Compiled) -> Plan:
    """One analyzer's driver with what the site says differently. Raises DriverError."""
    return read.library.plan(analyzer.driver, read.tests, zone=config.site.timezone, overrides=_overrides(analyzer))


def codes_of(config: Config, analyzer: str) -> dict[str, str]:
    """What each code of an analyzer means: the driver's word, and the configuration's over it. Raises DriverError and ConfigError."""
    (own,) = (one for one in config.analyzers if one.id == analyzer)
    plan = compiled(config.model_copy(update={"analyzers": (own,)})).plans[analyzer]
    return {**plan.manifest.codes, **own.codes}


def _overrides(analyzer: Analyzer) -> Overrides:
    return Overrides(
        codes=dict(analyzer.codes),
        units=dict(analyzer.units),
        charset=analyzer.charset,
        dialect=analyzer.dialect,
        control_ids=frozenset(analyzer.controls.ids),
        control_prefixes=analyzer.controls.prefixes,
        options=analyzer.choices,
        specimen_pattern=analyzer.specimen_pattern,
        decimal=analyzer.decimal,
        ignored=frozenset(analyzer.ignored),
    )
