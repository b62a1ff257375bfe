"""A reception for each configured analyzer."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path

from lis_bridge.catalogue.plan import Plan
from lis_bridge.framing import Profile, make
from lis_bridge.pipeline.filing import Evidence
from lis_bridge.pipeline.inbound import Ledger, Source, Tally
from lis_bridge.runtime.peers import Peers
from lis_bridge.runtime.plans import Compiled
from lis_bridge.runtime.reception import Reception, Rules
from lis_bridge.runtime.status import home
from lis_bridge.settings import Analyzer, Config
from lis_bridge.transport import open_link


def receptions(config: Config, found: Compiled, ledger: Ledger) -> dict[str, Reception]:
    """By analyzer id; nothing is opened yet. Raises LinkError for a URL that cannot be used."""
    return {analyzer.id: _reception(analyzer, found.plans[analyzer.id], config, ledger) for analyzer in config.analyzers}


def _reception(analyzer: Analyzer, plan: Plan, config: Config, ledger: Ledger) -> Reception:
    source = Source(
        analyzer.id,
        _kind(plan.profiles),
        partial(make, plan.profiles),
        partial(_acknowledge, plan, config),
        Tally(),
        Evidence(),
    )
    # Only a listener meets strangers: the other links name the device, host or folder themselves.
    peers = Peers(analyzer.peer if analyzer.link.startswith("tcp-listen:") else None)
    rules = Rules(peers, plan.manifest.link.get("connections") == "many")
    return Reception(analyzer, open_link(analyzer.link, seen=_seen(analyzer, config)), source, rules, ledger)


def _acknowledge(plan: Plan, config: Config, raw: bytes, now: datetime) -> bytes | None:
    """Analyzers live in local time."""
    return plan.acknowledge(raw, now.astimezone(config.site.timezone))


def _kind(profiles: tuple[Profile, ...]) -> str:
    kinds = {profile.kind for profile in profiles}
    return kinds.pop() if len(kinds) == 1 else "auto"


def _seen(analyzer: Analyzer, config: Config) -> Path | None:
    return home(config) / f"{analyzer.id}.files" if analyzer.link.startswith("folder:") else None
