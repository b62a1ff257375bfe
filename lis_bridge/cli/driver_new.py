"""``lis-bridge driver new``: a driver's folder from captures, with every field marked proven, guessed or unknown."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from lis_bridge.cli.decode import bytes_of
from lis_bridge.cli.exits import Exit
from lis_bridge.cli.output import Drivers, Json, document, table
from lis_bridge.cli.shelf import shelf
from lis_bridge.core import resources
from lis_bridge.core.faults import UsageError

if TYPE_CHECKING:
    from lis_bridge.catalogue.scaffold.proposal import Proposal

_Id = Annotated[str, typer.Argument(metavar="ID", help="The new driver: small letters, digits and dashes.", show_default=False)]
_From = Annotated[
    list[Path], typer.Option("--from", metavar="CAPTURE", help="A capture or recording; may be given again.", show_default=False)
]
_Into = Annotated[Path, typer.Option("--into", metavar="DIR", help="The folder of your drivers.")]
_Zone = Annotated[str, typer.Option("--timezone", metavar="ZONE", help="Where the analyzer's clock stands.")]


def new(
    id: _Id,
    captures: _From,
    into: _Into = Path("drivers"),
    timezone: _Zone = "Asia/Shanghai",
    drivers: Drivers = None,
    json: Json = False,
) -> int:
    """Propose a driver from captures and write its folder.

    Every field is marked proven (the bytes show it), guessed (it looks so) or unknown (left out, with what speaks for and against).
    A code that could be two tests, or none, is left out: its results are held, never guessed. The tier stays draft until a person has
    confirmed what is guessed.

    Exit codes: 0 written, 2 usage, 6 nothing is recognised.

    Example: lis-bridge driver new acme-h1 --from unknown.jsonl --into my-drivers
    """
    from lis_bridge.catalogue.scaffold.propose import propose
    from lis_bridge.catalogue.scaffold.shelf import captured, vocabulary
    from lis_bridge.catalogue.scaffold.write import write
    from lis_bridge.catalogue.tests import TestCatalogue

    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", id):
        raise UsageError(f"{id!r} is no id", where="driver new", hint="Small letters and digits, parted by dashes: acme-h1")
    library, tests = shelf(drivers), TestCatalogue.load(resources.catalogue())
    raws = [bytes_of(file) for file in captures]
    proposal = propose(id, raws, vocabulary(library, tests, without=(id,)), captured(library, without=(id,)))
    folder = write(proposal, raws, into, tests, ZoneInfo(timezone))
    if json:
        document({"folder": str(folder), **_plain(proposal)})
    else:
        _show(proposal, folder)
    claims = dict.fromkeys((one.driver, one.why) for raw in raws for one in library.identify(raw) if one.driver != id)
    for driver, why in claims:
        typer.echo(f"note: {driver} claims these bytes ({why}); is it this family, or one to extend?", err=True)
    return Exit.OK


def _plain(proposal: Proposal) -> dict[str, object]:
    from msgspec import to_builtins

    from lis_bridge.core.sayings import text_of

    found = to_builtins(proposal, enc_hook=text_of)
    assert isinstance(found, dict)
    return found


def _show(proposal: Proposal, folder: Path) -> None:
    framing = next((field.why for field in proposal.fields if field.key.endswith(".framing")), "")
    typer.echo(f"{folder}: dialect {proposal.kind}; {framing}")
    marks = Counter(field.certainty for field in proposal.fields)
    matched = sum(one.test is not None for one in proposal.codes)
    table(
        ("", "proven", "guessed", "unknown"),
        [
            ("fields", marks["proven"], marks["guessed"], marks["unknown"]),
            ("codes", 0, matched, len(proposal.codes) - matched),
        ],
    )
    for question in proposal.questions:
        typer.echo(f"open: {question}")
    typer.echo(f"next: read {folder / 'driver.toml'} line by line, then")
    typer.echo(f"  LIS_BRIDGE_DRIVERS={folder.parent} lis-bridge driver check {proposal.id}")
    typer.echo(f"  LIS_BRIDGE_DRIVERS={folder.parent} lis-bridge driver prove {proposal.id} --printout -")
