"""Which of a tube's reported results a person means: all of them, those of one analyzer, or those with certain codes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from lis_bridge.core.faults import UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lis_bridge.tubes.events import Slot
    from lis_bridge.tubes.views import RunLine, TubeLine

Tube = Annotated[str, typer.Argument(metavar="TUBE", help="Where they stand: its key, or the specimen id.", show_default=False)]
Analyzer = Annotated[str | None, typer.Option("--analyzer", metavar="ID", help="Only what this analyzer measured.")]
Codes = Annotated[
    list[str] | None,
    typer.Option(
        "--code", metavar="CODE", help="Only this code of the device, as lis-bridge tube shows it; may be given several times."
    ),
]


def chosen(tx: Connection, tube: str, analyzer: str | None, codes: Sequence[str]) -> tuple[TubeLine, tuple[RunLine, ...]]:
    """The tube, and its reported results that are meant. Raises UsageError where there is no such tube or result."""
    from lis_bridge.tubes import views

    number = views.find(tx, tube)
    if number is None:
        raise UsageError("there is no such tube", where=tube, hint="lis-bridge tubes --search finds parts of a key")
    found = views.view(tx, number)
    runs = [run for run in found.runs if run.standing == "reported" and analyzer in (None, run.analyzer)]
    _all_there(codes, {run.observation.key for run in runs}, tube)
    meant = tuple(run for run in runs if not codes or run.observation.key in codes)
    if not meant:
        hint = f"lis-bridge tube {found.tube.key} shows what is reported, and of which analyzer"
        raise UsageError("no such result is reported", where=f"tube {found.tube.key}", hint=hint)
    return found.tube, meant


def slots_of(runs: Iterable[RunLine]) -> tuple[Slot, ...]:
    """The measurements that these results are runs of."""
    return tuple((run.source, run.observation.key, run.observation.aspect) for run in runs)


def _all_there(codes: Iterable[str], reported: set[str], tube: str) -> None:
    """A code that was mistyped must not leave its result behind unseen."""
    for code in codes:
        if code not in reported:
            raise UsageError(
                f"no result of code {code!r} is reported",
                where=f"tube {tube}",
                hint="Codes are written as lis-bridge tube shows them",
            )
