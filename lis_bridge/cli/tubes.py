"""``lis-bridge tubes`` and ``lis-bridge tube``: what is known of each tube, as the service filed it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lis_bridge.cli.database import database
from lis_bridge.cli.output import ConfigFile, Json, document, fields, moment, table
from lis_bridge.core.faults import UsageError

if TYPE_CHECKING:
    from lis_bridge.outbox import Line
    from lis_bridge.tubes.views import RunLine, TubeView

Search = Annotated[str, typer.Option("--search", metavar="TEXT", help="Part of the key, the specimen id or the patient.")]
Held = Annotated[bool, typer.Option("--held", help="Only tubes with results that wait for a person.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="So many, the newest first.")]
Before = Annotated[int | None, typer.Option("--before", metavar="NUMBER", help="The next page: tubes below this number.")]
Key = Annotated[str, typer.Argument(metavar="TUBE", help="Its key, or the specimen id on the wire.", show_default=False)]


def tubes(
    config: ConfigFile, search: Search = "", held: Held = False, limit: Limit = 50, before: Before = None, json: Json = False
) -> None:
    """The tubes, the newest first.

    Example: lis-bridge tubes -c bridge.toml --held
    """
    from msgspec.structs import asdict

    from lis_bridge.console.queries.recent import states_of
    from lis_bridge.tubes import views

    with database(config) as (_, store), store.read() as tx:
        lines = views.tubes(tx, search=search, held=held, before=before, limit=limit)
        states = states_of(tx, lines)
    if json:
        document([asdict(line) | {"state": states[line.id]} for line in lines])
        return
    columns = ("number", "tube", "specimen", "STAT", "results", "held", "state", "updated")
    rows = [
        (
            line.id,
            line.key,
            line.specimen,
            "STAT" if line.stat else "",
            line.results,
            line.held,
            states[line.id],
            line.updated_at[:19],
        )
        for line in lines
    ]
    table(columns, rows, empty="there are none")


def tube(key: Key, config: ConfigFile, json: Json = False) -> None:
    """Everything known of one tube: results with their history, what is held, what the LIS was sent.

    Example: lis-bridge tube 20260317000012 -c bridge.toml
    """
    from lis_bridge import outbox
    from lis_bridge.tubes import views

    with database(config) as (_, store), store.read() as tx:
        number = views.find(tx, key)
        if number is None:
            raise UsageError("there is no such tube", where=key, hint="lis-bridge tubes --search finds parts of a key")
        found = views.view(tx, number)
        sent = outbox.lines(tx, tube_id=number, limit=1000)
    if json:
        document({"tube": found.tube, "runs": found.runs, "deliveries": sent})
    else:
        _tell(found, sent)


def _tell(found: TubeView, sent: list[Line]) -> None:
    line = found.tube
    fields({"tube": line.key, "specimen": line.specimen, "patient": line.patient_name, "patient id": line.patient_id})
    columns = ("analyzer", "code", "test", "value", "unit", "flags", "observed", "standing", "entry")
    table(columns, [_row(run) for run in found.runs], empty="no results")
    rows = [
        (item.id, item.destination, item.results, item.state, moment(item.settled_at or item.sealed_at), item.lis_text)
        for item in sent
    ]
    table(("delivery", "to", "results", "state", "since", "the LIS says"), rows, empty="nothing was sent")


def _row(run: RunLine) -> tuple[object, ...]:
    seen = run.observation
    value = seen.raw if seen.value is None else seen.value
    standing = f"{run.standing}: {run.reason} (h{run.hold})" if run.hold else run.standing
    return (
        run.analyzer,
        seen.key,
        seen.test,
        value,
        seen.unit,
        " ".join(seen.flags),
        seen.observed_at,
        standing,
        run.journal_id,
    )
