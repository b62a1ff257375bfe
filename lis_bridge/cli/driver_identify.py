"""``lis-bridge driver identify``: which family speaks, from a file or from what is heard on a link."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lis_bridge.cli.decode import bytes_of
from lis_bridge.cli.exits import Exit
from lis_bridge.cli.output import Drivers, Json, document, table
from lis_bridge.cli.shelf import shelf
from lis_bridge.core.faults import UsageError

if TYPE_CHECKING:
    from lis_bridge.catalogue.library import Library

_File = Annotated[Path | None, typer.Argument(metavar="[FILE]", help="A capture or recording.", show_default=False)]
_Link = Annotated[str | None, typer.Option("--link", metavar="URL", help="Listen on a link instead.", show_default=False)]
_Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="With --link: the recording to make.", show_default=False)
]
_Seconds = Annotated[float, typer.Option("--seconds", min=0.1, help="With --link: how long to listen.")]


def identify(
    file: _File = None,
    link: _Link = None,
    output: _Output = None,
    seconds: _Seconds = 60.0,
    drivers: Drivers = None,
    json: Json = False,
) -> int:
    """Name the family that speaks in a capture, or every candidate with its reason.

    With --link it records first, as lis-bridge capture does: ENQ, frames and HL7 messages are answered as received once they are in the
    recording. What the analyzer sends meanwhile is in the recording only and goes to no LIS.

    Exit codes: 0 one family, 1 none or several, 2 usage, 5 the link cannot be had.

    Examples: lis-bridge driver identify unknown.bin

    lis-bridge driver identify --link serial:///dev/ttyUSB0?baud=9600 -o unknown.jsonl --seconds 30
    """
    raw = bytes_of(_recorded(file, link, output, seconds))
    said = _said(raw, shelf(drivers))
    if json:
        document(said)
    else:
        _show(said)
    return Exit.OK if said["driver"] else Exit.FINDINGS


def _recorded(file: Path | None, link: str | None, output: Path | None, seconds: float) -> Path:
    if (file is None) == (link is None):
        raise UsageError(
            "either a file or a link", where="driver identify", hint="lis-bridge driver identify FILE, or --link URL -o FILE"
        )
    if file is not None:
        return file
    if output is None or link is None:
        raise UsageError(
            "where is the recording to go?", where="--output", hint="Give -o unknown.jsonl: nothing is answered that is not kept"
        )
    from lis_bridge.cli.capture import record, unseen

    told = record(link, output, None, False, None, seconds, unseen)
    typer.echo(f"{told['bytes']} bytes heard, in {output}", err=True)
    return output


def _said(raw: bytes, library: Library) -> dict[str, Any]:
    from lis_bridge.catalogue.scaffold.recognise import recognise

    candidates = library.identify(raw)
    framed = recognise(raw)
    return {
        "driver": candidates[0].driver if len(candidates) == 1 else None,
        "candidates": [{"driver": one.driver, "why": one.why} for one in candidates],
        "framing": framed.framing if framed else None,
        "dialect": framed.dialect if framed else None,
        "why": f"{framed.why}; {framed.dialect_why}" if framed else "neither framing nor dialect is recognised",
    }


def _show(said: dict[str, Any]) -> None:
    table(("driver", "why"), [(one["driver"], one["why"]) for one in said["candidates"]], empty="no driver claims these bytes")
    framing = said["framing"]["kind"] if said["framing"] else "unknown"
    typer.echo(f"framing {framing}, dialect {said['dialect'] or 'unknown'}: {said['why']}")
    if not said["candidates"]:
        typer.echo("lis-bridge driver new ID --from FILE proposes a driver")
