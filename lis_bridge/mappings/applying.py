"""A configuration as it is in force: what a person mapped since stands over what the file says. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from lis_bridge.mappings.store import Mapping
from lis_bridge.settings import Analyzer, Config


def applied(config: Config, made: Iterable[Mapping]) -> Config:
    """The configuration with the mappings among its overrides; those of analyzers that it does not name are left out."""
    found = tuple(made)
    if not found:
        return config
    return config.model_copy(update={"analyzers": tuple(_with(analyzer, found) for analyzer in config.analyzers)})


def _with(analyzer: Analyzer, made: Iterable[Mapping]) -> Analyzer:
    codes, units = dict(analyzer.codes), dict(analyzer.units)
    for one in made:
        if one.analyzer == analyzer.id:
            (codes if one.kind == "code" else units)[one.said] = one.means
    return analyzer.model_copy(update={"codes": codes, "units": units})
