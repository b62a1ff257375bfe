"""``lis-bridge quarantine``: what waits for a person, with the reason and what to do.

Two things wait: results that are held (``h12``), and whole messages that could not be understood (journal entry ``17``). Decisions work
beside a running service, which processes a replayed message and sends what was released within a second or two.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from lis_bridge.cli.database import database
from lis_bridge.cli.hold import hold as hold_results
from lis_bridge.cli.output import By, ConfigFile, Json, document, fields, moment, table
from lis_bridge.core.faults import UsageError
from lis_bridge.core.holds import WORDS
from lis_bridge.framing.legible import legible

if TYPE_CHECKING:
    from lis_bridge.journal import Filed
    from lis_bridge.tubes.store import Receipt
    from lis_bridge.tubes.views import HoldLine

app = typer.Typer(no_args_is_help=True, help="Results that are held, and messages that could not be understood.")

app.command("hold", epilog='Example: lis-bridge quarantine hold 20260317000012 --code K --why "clotted" -c bridge.toml --by Lin')(
    hold_results
)

Id = Annotated[str, typer.Argument(metavar="ID", help="As list shows it: h12 is a hold, 17 a message.", show_default=False)]
Hold = Annotated[str, typer.Argument(metavar="HOLD", help="As list shows it: h12.", show_default=False)]
Limit = Annotated[int, typer.Option("--limit", min=1, help="So many holds and so many messages, the newest first.")]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason; kept with the entry.", show_default=False)]

SHOWN = 4096
"""Bytes that ``show`` prints; ``--raw`` gives all."""


@app.command("list", epilog="Example: lis-bridge quarantine list -c bridge.toml")
def list_(config: ConfigFile, limit: Limit = 50, json: Json = False) -> None:
    """What waits for a decision, the newest first: holds, then messages."""
    from lis_bridge import journal
    from lis_bridge.tubes import views

    with database(config) as (_, store), store.read() as tx:
        holds = views.holds(tx, limit=limit)
        lines = journal.lines(tx, state="quarantined", limit=limit)
    if json:
        document({"holds": holds, "messages": lines})
        return
    rows = [(f"h{hold.id}", hold.key or "(no tube)", hold.analyzer, hold.results, hold.reason, _what(hold)) for hold in holds]
    table(("hold", "tube", "analyzer", "results", "reason", "what to do"), rows, empty="no results are held")
    waiting = [(line.id, line.analyzer, moment(line.received_at), line.size, line.reason, line.detail) for line in lines]
    table(("message", "analyzer", "received", "bytes", "reason", "what to do"), waiting, empty="no messages are quarantined")


@app.command("show", epilog="Example: lis-bridge quarantine show 17 -c bridge.toml --raw > message.bin")
def show(
    id: Id,
    config: ConfigFile,
    json: Json = False,
    raw: Annotated[bool, typer.Option("--raw", help="The wire's bytes and nothing else.")] = False,
) -> None:
    """A hold or a message, with the bytes that it came in."""
    from lis_bridge import journal
    from lis_bridge.tubes import views

    kind, number = _parsed(id)
    with database(config) as (_, store), store.read() as tx:
        hold = views.hold_line(tx, number) if kind == "hold" else None
        if kind == "hold" and hold is None:
            raise _no_such(id)
        found = journal.get(tx, hold.journal_id if hold else number)
    if found is None:
        raise _no_such(id)
    facts = {**({"hold": hold} if hold else {}), "message": _facts(found)}
    if raw:
        sys.stdout.buffer.write(found.raw)
    elif json:
        document({**facts, "raw": found.raw})
    else:
        _tell(hold, found)


@app.command("release", epilog="Example: lis-bridge quarantine release h12 -c bridge.toml --by Lin")
def release(hold: Hold, config: ConfigFile, by: By) -> None:
    """Let held results go to the LIS."""
    from lis_bridge.pipeline.deciding import Decisions

    number = _hold(hold)
    with database(config) as (settings, store), store.write() as tx:
        receipts = Decisions(tx, settings.destinations, by, _now()).release(number)
    _told(hold, "released", receipts)


@app.command("move", epilog="Example: lis-bridge quarantine move h12 --to 20260317000012 -c bridge.toml --by Lin")
def move(
    hold: Hold,
    config: ConfigFile,
    by: By,
    to: Annotated[
        str, typer.Option("--to", metavar="SPECIMEN", help="A barcode, or a running number's key in full.", show_default=False)
    ],
) -> None:
    """File held results under the specimen that they belong to."""
    from lis_bridge.catalogue.derive import Formulas
    from lis_bridge.pipeline.deciding import Decisions, Reader
    from lis_bridge.runtime.plans import compiled

    number = _hold(hold)
    with database(config) as (settings, store):
        read = compiled(settings)
        reader = Reader(read.plans, Formulas.load(), read.tests)
        with store.write() as tx:
            receipts = Decisions(tx, settings.destinations, by, _now()).move(number, to, reader)
    _told(hold, f"filed under {to}", receipts)


@app.command("replay", epilog="Example: lis-bridge quarantine replay 17 -c bridge.toml")
def replay(id: Id, config: ConfigFile, by: By) -> None:
    """Process a message, or the one that a hold came in, again: after the driver, the mapping or the configuration was mended."""
    from lis_bridge import journal
    from lis_bridge.pipeline.deciding import Decisions
    from lis_bridge.tubes import desk

    kind, number = _parsed(id)
    with database(config) as (settings, store), store.write() as tx:
        entry = desk.open_hold(tx, number).journal_id if kind == "hold" else number
        if kind == "message":
            _quarantined(journal.get(tx, entry), entry)
        Decisions(tx, settings.destinations, by, _now()).replay(entry)
    typer.echo(f"journal entry {entry} is processed again as soon as the service runs")


@app.command("discard", epilog='Example: lis-bridge quarantine discard 17 -c bridge.toml --why "service test"')
def discard(id: Id, config: ConfigFile, by: By, why: Why = "") -> None:
    """Decide that held results are none, or take a message off the list; its bytes stay in the journal."""
    from lis_bridge.pipeline.deciding import Decisions

    kind, number = _parsed(id)
    if kind == "message" and not why:
        raise UsageError("no reason was given", where=f"quarantine discard {id}", hint='Add --why "…"')
    with database(config) as (settings, store), store.write() as tx:
        decisions = Decisions(tx, settings.destinations, by, _now())
        decisions.discard(number) if kind == "hold" else decisions.discard_entry(number, why)
    typer.echo(f"{id} is discarded")


def _now() -> datetime:
    return datetime.now(UTC)


def _parsed(id: str) -> tuple[Literal["hold", "message"], int]:
    found = re.fullmatch(r"(h?)(\d{1,18})", id)
    if found is None:
        raise UsageError(f"{id!r} is no id", where="lis-bridge quarantine", hint="h12 is a hold, 17 a message")
    return "hold" if found[1] else "message", int(found[2])


def _hold(id: str) -> int:
    kind, number = _parsed(id)
    if kind == "message":
        raise UsageError(
            f"{id} is a message",
            where="lis-bridge quarantine",
            hint="Only a hold, such as h12, is released or moved; replay messages",
        )
    return number


def _no_such(id: str) -> UsageError:
    return UsageError("there is no such hold or message", where=id, hint="lis-bridge quarantine list shows what waits")


def _quarantined(found: Filed | None, id: int) -> Filed:
    if found is None:
        raise _no_such(str(id))
    if found.state != "quarantined":
        raise UsageError(
            f"it is {found.state}, not quarantined", where=f"journal entry {id}", hint="lis-bridge replay takes any entry"
        )
    return found


def _what(hold: HoldLine) -> str:
    """The remedy in the reason's own words; a reason of an older version has none."""
    words = {str(reason): said for reason, said in WORDS.items()}.get(hold.reason)
    return "; ".join(filter(None, (hold.detail, words.do_en if words else "")))


def _told(hold: str, what: str, receipts: Sequence[Receipt]) -> None:
    owed = sum(len(receipt.reports) for receipt in receipts)
    again = [f"h{id}" for receipt in receipts for id in receipt.opened]
    typer.echo(f"{hold} is {what}: {owed} results go to the LIS" + (f", held again: {', '.join(again)}" if again else ""))


def _facts(found: Filed) -> dict[str, Any]:
    return {
        "entry": found.id,
        "state": found.state,
        "analyzer": found.analyzer,
        "peer": found.peer,
        "received": found.received_at.isoformat(),
        "framing": found.framing,
        "complete": found.complete,
        "bytes": len(found.raw),
        "reason": found.reason,
        "detail": found.detail,
    }


def _tell(hold: HoldLine | None, found: Filed) -> None:
    if hold is not None:
        facts = {
            "hold": f"h{hold.id}",
            "tube": hold.key,
            "state": hold.state,
            "reason": hold.reason,
            "codes": ", ".join(hold.codes),
        }
        fields({**facts, "what to do": _what(hold), "decided by": hold.decided_by})
    fields(_facts(found))
    typer.echo(legible(found.raw[:SHOWN]))
