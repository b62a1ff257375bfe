"""``lis-bridge move``: results that were delivered under one specimen belong to another.

The LIS hears of it twice: first that the old specimen's results are withdrawn (OBX-11 W), then the same results under the new one (F).
A person sees both tubes first and is asked twice; what changed in between is not moved.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from lis_bridge.cli.choosing import Analyzer, Codes, Tube, chosen, slots_of
from lis_bridge.cli.database import database
from lis_bridge.cli.exits import Exit
from lis_bridge.cli.output import By, ConfigFile, Json, document, fields, table
from lis_bridge.core.faults import BridgeError, UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lis_bridge.tubes.events import Slot
    from lis_bridge.tubes.store import Receipt
    from lis_bridge.tubes.views import RunLine, TubeLine

To = Annotated[
    str,
    typer.Option(
        "--to", metavar="SPECIMEN", help="Where they belong: a barcode, or a running number's key in full.", show_default=False
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Ask nothing; needed where there is no terminal.")]


@dataclass(frozen=True)
class Plan:
    """What is to be moved, as a person was shown it; ``new`` is None for a specimen that is not known yet."""

    old: TubeLine
    new: TubeLine | None
    to: str
    runs: tuple[RunLine, ...]

    @property
    def slots(self) -> tuple[Slot, ...]:
        return slots_of(self.runs)


def move(
    tube: Tube,
    to: To,
    config: ConfigFile,
    by: By,
    analyzer: Analyzer = None,
    code: Codes = None,
    yes: Yes = False,
    json: Json = False,
) -> int:
    """Take delivered results back from one specimen and report them under another.

    Exit codes: 0 moved, 1 not moved: the person said no, or the tubes changed meanwhile, 2 usage.

    Example: lis-bridge move 20260317000012 --to 20260317000021 -c bridge.toml --analyzer line-1 --by Lin
    """
    from lis_bridge.pipeline.deciding import Decisions
    from lis_bridge.runtime.plans import compiled

    with database(config) as (settings, store):
        policies = {id: plan.manifest.runs.reported for id, plan in compiled(settings).plans.items()}
        with store.read() as tx:
            plan = plan_of(tx, tube, to, analyzer, code or ())
        if not yes and not _agreed(plan):
            typer.echo("nothing was moved", err=True)
            return Exit.FINDINGS
        with store.write() as tx:
            check_unchanged(tx, plan)
            receipts = Decisions(tx, settings.destinations, by, datetime.now(UTC)).move_results(
                plan.old.id, plan.slots, plan.to, policies
            )
    _told(plan, receipts, json)
    return Exit.OK


def plan_of(tx: Connection, tube: str, to: str, analyzer: str | None, codes: Sequence[str]) -> Plan:
    """What a person chose. Raises UsageError where there is nothing to move."""
    from lis_bridge.tubes import keys

    line, runs = chosen(tx, tube, analyzer, codes)
    key = keys.named(to).key
    if key == line.key:
        raise UsageError("the results stand there already", where=f"--to {to}", hint="Name another specimen")
    return Plan(line, _line(tx, key), key, runs)


def _line(tx: Connection, key: str) -> TubeLine | None:
    """The tube with exactly this key: that is where results go, never to one that merely has such a specimen id."""
    from lis_bridge.tubes import views

    number = views.find(tx, key)
    line = views.view(tx, number).tube if number is not None else None
    return line if line is not None and line.key == key else None


def check_unchanged(tx: Connection, plan: Plan) -> None:
    """Raises BridgeError where a tube is no more as the person saw it."""
    if (_line(tx, plan.old.key), _line(tx, plan.to)) != (plan.old, plan.new):
        raise BridgeError(
            "the tubes changed meanwhile; nothing was moved", where=f"tube {plan.old.key}", hint="Look again, then move"
        )


def _agreed(plan: Plan) -> bool:
    """Show everything and ask twice: whether, and once more whereto."""
    if not sys.stdin.isatty():
        raise UsageError(
            "there is no terminal to ask at", where="lis-bridge move", hint="Add --yes once both tubes were compared"
        )
    _show("from", plan.old, plan.old.key)
    _show("to", plan.new, plan.to)
    rows = [
        (run.analyzer, seen.key, seen.test, seen.value, seen.unit, seen.observed_at)
        for run in plan.runs
        for seen in (run.observation,)
    ]
    table(("analyzer", "code", "test", "value", "unit", "observed"), rows)
    if not typer.confirm(
        f"The LIS withdraws these {len(plan.runs)} results of {plan.old.key} and files them under {plan.to}. Go on?"
    ):
        return False
    again: str = typer.prompt("Type the specimen that they belong to once more", default="", show_default=False)
    return again.strip() == plan.to


def _show(word: str, line: TubeLine | None, key: str) -> None:
    if line is None:
        fields({word: f"{key} (nothing is known of it yet)"})
    else:
        fields(
            {
                word: key,
                "specimen": line.specimen,
                "patient": line.patient_name,
                "patient id": line.patient_id,
                "results": line.results,
            }
        )
    typer.echo("")


def _told(plan: Plan, receipts: Sequence[Receipt], json: bool) -> None:
    held = [f"h{id}" for receipt in receipts for id in receipt.opened]
    statuses = [report.status for receipt in receipts if receipt.tube_id != plan.old.id for report in receipt.reports]
    if json:
        document({"from": plan.old.key, "to": plan.to, "withdrawn": len(plan.runs), "filed": len(statuses), "held": held})
        return
    again = f", held there: {', '.join(held)}" if held else ""
    typer.echo(f"{len(plan.runs)} results of {plan.old.key} are withdrawn, {len(statuses)} are filed under {plan.to}{again}")
