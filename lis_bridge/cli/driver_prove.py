"""``lis-bridge driver prove``: a driver against values typed from the analyzer's own printout or screen."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from lis_bridge.cli.exits import Exit
from lis_bridge.cli.output import By, Drivers, Json, document, table
from lis_bridge.cli.shelf import known, shelf
from lis_bridge.core import resources
from lis_bridge.core.faults import UsageError

if TYPE_CHECKING:
    from lis_bridge.catalogue.proving import Judgement

_Id = Annotated[str, typer.Argument(metavar="ID", help="The driver.", show_default=False)]
_Printout = Annotated[
    str, typer.Option("--printout", metavar="FILE|-", help="What was typed; - reads standard input.", show_default=False)
]
_Zone = Annotated[str, typer.Option("--timezone", metavar="ZONE", help="Where the analyzer's clock stands.")]


def prove(
    id: _Id,
    printout: _Printout,
    by: By,
    timezone: _Zone = "Asia/Shanghai",
    drivers: Drivers = None,
    json: Json = False,
) -> int:
    """Prove or refute codes, values with their decimal points, and units against the analyzer's own printout or screen.

    Type a sample's id and some of its values, as they stand there:

        sample 2603220148
        WBC = 5.12 10^9/L
        2 血红蛋白: 120 g/L

    The left side is the device's code, its name, or the test's English or Chinese name; a code and a name together prove the most. What is proved
    is kept as evidence in the driver's folder.

    Exit codes: 0 nothing is refuted, 1 something is refuted, 2 usage, 6 a driver is wrong.

    Example: lis-bridge driver prove acme-h1 --printout typed.txt
    """
    from lis_bridge.catalogue import evidence
    from lis_bridge.catalogue import printout as typed
    from lis_bridge.catalogue.captures import captures_of
    from lis_bridge.catalogue.proving import judge, rows_of
    from lis_bridge.catalogue.scaffold.shelf import vocabulary
    from lis_bridge.catalogue.tests import TestCatalogue

    library, tests = shelf(drivers), TestCatalogue.load(resources.catalogue())
    driver = library.driver(known(library, id, "driver prove"))
    said = typed.read(_text(printout), "standard input" if printout == "-" else printout)
    if not said:
        raise UsageError("no value was typed", where=printout, hint="Write for example: WBC = 5.12 10^9/L")
    plan = library.plan(id, tests, zone=ZoneInfo(timezone))
    rows = list(rows_of((capture, plan.decode(capture.raw, repair=True)) for capture in captures_of(driver.folder)))
    found = judge(said, rows, vocabulary(library, tests, without=(id,)))
    refuted = [one for one in found if one.refuted]
    evidence.store(driver.folder, evidence.kept(found, by, driver.manifest.revision, date.today()), refuted, rows)
    if json:
        document([_plain(one) for one in found])
    else:
        _show(found)
    return Exit.FINDINGS if refuted else Exit.OK


def _text(printout: str) -> str:
    try:
        return (sys.stdin.buffer.read() if printout == "-" else Path(printout).read_bytes()).decode("utf-8-sig")
    except OSError as wrong:
        raise UsageError(
            wrong.strerror or "cannot be read", where=printout, hint="Name the file with what was typed, or -"
        ) from wrong
    except UnicodeDecodeError as wrong:
        raise UsageError("not UTF-8", where=printout, hint="Save the file as UTF-8") from wrong


def _plain(one: Judgement) -> dict[str, Any]:
    seen = one.row.seen if one.row else None
    return {
        "where": one.said.where,
        "specimen": one.said.specimen or None,
        "label": one.said.label,
        "typed": one.said.value,
        "typed_unit": one.said.unit or None,
        "capture": one.row.capture if one.row else None,
        "code": seen.code if seen else None,
        "test": seen.test if seen else None,
        "value": seen.value if seen else None,
        "unit": seen.unit if seen else None,
        **one.verdicts,
        "why": one.why,
    }


def _show(found: Sequence[Judgement]) -> None:
    rows = []
    for one in found:
        seen = one.row.seen if one.row else None
        typed = f"{one.said.value} {one.said.unit}".rstrip()
        wire = f"{seen.value or seen.raw} {seen.unit or ''}".rstrip() if seen else ""
        rows.append(
            (one.said.label, typed, seen.code if seen else "", seen.test if seen else "", wire, *one.verdicts.values(), one.why)
        )
    table(("typed", "value", "code", "test", "on the wire", "mapping", "value", "unit", "why"), rows)
    counts = {verdict: sum(verdict in one.verdicts.values() for one in found) for verdict in ("refuted", "open")}
    proved = sum(set(one.verdicts.values()) == {"proved"} for one in found)
    typer.echo(
        f"{len(found)} values: {proved} proved in full, {counts['refuted']} with something refuted, {counts['open']} with something open"
    )
