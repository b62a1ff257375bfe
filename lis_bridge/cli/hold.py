"""``lis-bridge quarantine hold``: a person keeps reported results back until a doubt is settled."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from lis_bridge.cli.choosing import Analyzer, Codes, Tube, chosen, slots_of
from lis_bridge.cli.database import database
from lis_bridge.cli.output import By, ConfigFile, Json, document
from lis_bridge.core.faults import UsageError
from lis_bridge.core.holds import BY_HAND, Reason


def hold(
    tube: Tube,
    config: ConfigFile,
    by: By,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="In your own words; kept with the hold.", show_default=False)],
    reason: Annotated[str, typer.Option("--reason", metavar="REASON", help=f"{', '.join(BY_HAND)}.")] = Reason.UNDER_REVIEW.value,
    analyzer: Analyzer = None,
    code: Codes = None,
    json: Json = False,
) -> None:
    """Hold reported results back: what the LIS was told is withdrawn (W), the rest it is not told. Released, they are reported anew."""
    from lis_bridge.pipeline.deciding import Decisions
    from lis_bridge.runtime.plans import compiled

    if reason not in BY_HAND:
        raise UsageError(f"{reason!r} is no reason for a hold by hand", where="--reason", hint=f"one of: {', '.join(BY_HAND)}")
    with database(config) as (settings, store):
        policies = {id: plan.manifest.runs.reported for id, plan in compiled(settings).plans.items()}
        with store.write() as tx:
            line, runs = chosen(tx, tube, analyzer, code or ())
            decisions = Decisions(tx, settings.destinations, by, datetime.now(UTC))
            receipts = decisions.withhold(line.id, slots_of(runs), Reason(reason), why, policies)
    held = [f"h{id}" for receipt in receipts for id in receipt.opened]
    if json:
        document({"tube": line.key, "results": len(runs), "holds": held})
    else:
        typer.echo(f"{len(runs)} results of {line.key} are held: {', '.join(held)}")
