"""What commands print: results on standard output, as a table for people or one JSON document for scripts; everything else on standard error."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="One JSON document for scripts.")]
ConfigFile = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The configuration file.", show_default=False)]
Drivers = Annotated[
    list[Path] | None,
    typer.Option(
        "--drivers", metavar="FOLDER", help="A folder with the site's own drivers; may be said again.", show_default=False
    ),
]
By = Annotated[str, typer.Option("--by", metavar="NAME", default_factory=getpass.getuser, help="Who decides; written down.")]

# A pipe has no width; without this, tables in files and logs would be cut to 80 columns.
_PIPE_WIDTH = 200


def document(value: Any) -> None:
    """One JSON document on standard output; names and values stay readable (UTF-8, no escapes)."""
    import msgspec

    from lis_bridge.core.sayings import text_of

    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value, enc_hook=text_of), indent=1) + b"\n")
    sys.stdout.buffer.flush()


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str = "nothing") -> None:
    """Rows under their columns; ``empty`` where there are none. Cells are text as it is, never markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        grid.add_row(*(Text(_cell(value)) for value in row))
    if not grid.rows:
        typer.echo(empty)
        return
    Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False).print(grid)


def fields(values: Mapping[str, object]) -> None:
    """Names with their values, one a line; what is empty is left out."""
    for name, value in values.items():
        if value not in (None, ""):
            typer.echo(f"{name:14}{_cell(value)}")


def moment(at: datetime | None) -> str:
    """A time in this machine's zone, to the second."""
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}" if at is not None else ""


def _cell(value: object) -> str:
    """A cell on one line: control characters of analyzers and LIS must not move the cursor."""
    text = "" if value is None else str(value)
    return "".join(character if character.isprintable() else "\N{MIDDLE DOT}" for character in text)
