"""``lis-bridge doctor``: is this machine fit to run the bridge, and does everything that the configuration names answer?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lis_bridge.cli.exits import Exit
from lis_bridge.cli.output import Json, document

if TYPE_CHECKING:
    from lis_bridge.runtime.checkups import Line

_STYLE = {"ok": "green", "warn": "yellow", "fail": "bold red"}

MaybeConfig = Annotated[
    Path | None, typer.Option("--config", "-c", metavar="FILE", help="Look at what this configuration needs, too.")
]


def doctor(config: MaybeConfig = None, json: Json = False) -> int:
    """Look at versions, clock, disk, ports, devices and the LIS; each line says ok, warn or fail, and what to do.

    Exit codes: 0 nothing failed, 1 something did, 3 the configuration cannot be used.

    Example: lis-bridge doctor --config config/hospital.toml
    """
    lines = examine(config, datetime.now(UTC))
    if json:
        document({"ok": not _failed(lines), "checks": [asdict(line) for line in lines]})
    else:
        _tell(lines)
    return Exit.FINDINGS if _failed(lines) else Exit.OK


def examine(config: Path | None, now: datetime) -> list[Line]:
    """Every check's lines. Raises ConfigError."""
    from lis_bridge.runtime import checkups

    lines = list(checkups.machine(now))
    if config is not None:
        from lis_bridge import settings

        lines += checkups.site(settings.load(config), now)
    return lines


def _failed(lines: Sequence[Line]) -> bool:
    return any(line.state == "fail" for line in lines)


def _tell(lines: Sequence[Line]) -> None:
    for line in lines:
        word = typer.style(f"{line.state:4}", fg=_STYLE[line.state].split()[-1], bold="bold" in _STYLE[line.state])
        typer.echo(f"{word}  {line.check}: {line.what}" + (f" ({line.remedy})" if line.remedy else ""))
    count = Counter(line.state for line in lines)
    typer.echo(f"{count['ok']} ok, {count['warn']} warn, {count['fail']} fail")
