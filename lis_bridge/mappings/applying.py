"""A configuration as it is in force: what a person mapped since stands over what the file says. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from lis_bridge.mappings.store import KINDS, Mapping
from lis_bridge.settings import Analyzer, Config


def applied(config: Config, made: Iterable[Mapping]) -> Config:
    """The configuration with the mappings among its overrides; those of analyzers that it does not name are left out."""
    found = tuple(made)
    if not found:
        return config
    return config.model_copy(update={"analyzers": tuple(_with(analyzer, found) for analyzer in config.analyzers)})


def _with(analyzer: Analyzer, made: Iterable[Mapping]) -> Analyzer:
    own = [one for one in made if one.analyzer == analyzer.id]
    said = {kind: {one.said: one.means for one in own if one.kind == kind} for kind in KINDS}
    codes, units = {**analyzer.codes, **said["code"]}, {**analyzer.units, **said["unit"]}
    return analyzer.model_copy(update={"codes": codes, "units": units, "ignored": (*analyzer.ignored, *said["ignored"])})
