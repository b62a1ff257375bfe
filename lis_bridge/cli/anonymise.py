"""``lis-bridge anonymise``: a capture that may be shared."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from lis_bridge.cli.decode import bytes_of
from lis_bridge.cli.decoding import FileArgument
from lis_bridge.cli.exits import Exit
from lis_bridge.cli.output import Json, document
from lis_bridge.cli.shelf import known
from lis_bridge.core import resources
from lis_bridge.core.faults import UsageError

_Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="FILE", help="Where the capture without persons goes.", show_default=False)
]
_Driver = Annotated[
    str | None, typer.Option("--driver", metavar="ID", help="The driver that reads it; without it the content decides.")
]
_Blank = Annotated[bool, typer.Option("--blank", help="Cross out words that belong to no message (damaged frames).")]


def anonymise(file: FileArgument, output: _Output, driver: _Driver = None, blank: _Blank = False, json: Json = False) -> int:
    """Replace names, ids and dates in a capture: same lengths, the same stand-in for the same text, right checksums, results untouched.

    What the driver reads is compared before and after. Without a driver only HL7 v2, LIS2-A2 and lines with the usual labels are understood.
    Read the capture once yourself before you share it.

    Exit codes: 0 proved, 1 written, but something is to be looked at (or nothing written, where it would be read differently), 2 usage.

    Example: lis-bridge anonymise unknown.bin -o to-share.bin
    """
    from lis_bridge.catalogue.anonymise import anonymised
    from lis_bridge.catalogue.library import Library
    from lis_bridge.catalogue.tests import TestCatalogue

    if output.exists():
        raise UsageError("the file is there already", where=str(output), hint="Give another name")
    raw = bytes_of(file)
    library = Library.load(resources.drivers())
    if driver is None:
        claims = library.identify(raw)
        driver = claims[0].driver if len(claims) == 1 else None
    tests = TestCatalogue.load(resources.catalogue())
    plan = library.plan(known(library, driver, "--driver"), tests, zone=ZoneInfo("UTC")) if driver else None
    found = anonymised(raw, plan, secrets.token_bytes(32), blank=blank)
    output.write_bytes(found.raw)
    told = {"driver": driver, "texts": found.texts, "dates": found.dates, "left": list(found.left)}
    if json:
        document(told)
    else:
        typer.echo(f"{found.texts} names and ids and {found.dates} dates replaced" + (f", read by {driver}" if driver else ""))
        for line in found.left:
            typer.echo(f"look at it: {line}")
    return Exit.FINDINGS if found.left else Exit.OK
