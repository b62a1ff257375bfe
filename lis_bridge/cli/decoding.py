"""The words of ``lis-bridge decode``; the work is in ``decode.py``, which imports nothing of the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lis_bridge.cli.output import Drivers

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="Wire bytes, framed or bare, or a recording.")]
DriverOption = Annotated[str | None, typer.Option("--driver", metavar="ID", help="The driver; without it the content decides.")]
ZoneOption = Annotated[str, typer.Option("--timezone", metavar="ZONE", help="Where the analyzer's clock stands.")]


def decode(
    file: FileArgument, driver: DriverOption = None, timezone: ZoneOption = "Asia/Shanghai", drivers: Drivers = None
) -> int:
    """Print what stands in a capture, as one JSON document.

    Exit codes: 0 decoded, 1 nothing decoded (or no driver, or several, claim it), 2 usage.

    Example: lis-bridge decode drivers/mindray-bs/captures/mindray-bs--01.hl7 --driver mindray-bs
    """
    from lis_bridge.cli.decode import decode as decode_file

    return decode_file(file, driver, timezone, drivers)
