"""Figures kept per machine, as JSON, and the table that shows them.

A machine is its processor's name and its Python: figures of another machine are never compared.
"""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benches.race import Figure, Outcome

TOLERANCE = 1.15
"""How much worse than the kept figure counts as the machine's noise."""


def machine() -> dict[str, str]:
    """What makes figures comparable: the processor's name and the Python."""
    found = re.search(r"^model name\s*:\s*(.+)$", _cpuinfo(), re.MULTILINE)
    name = found[1].strip() if found else platform.processor() or platform.machine()
    return {"cpu": name, "python": f"{platform.python_implementation()} {platform.python_version()}"}


def _cpuinfo() -> str:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return ""


def file_of(folder: Path) -> Path:
    """The file of this machine's figures."""
    return folder / (re.sub(r"[^a-z0-9.]+", "-", " ".join(machine().values()).lower()).strip("-") + ".json")


def keep(folder: Path, outcomes: Sequence[Outcome]) -> None:
    """Writes the figures as this machine's; questions that were not asked this time stay as they were."""
    questions = load(folder).get("questions", {}) | {one.question: _written(one) for one in outcomes}
    content = {"machine": machine(), "date": datetime.now(UTC).date().isoformat(), "questions": questions}
    folder.mkdir(exist_ok=True)
    file_of(folder).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _written(one: Outcome) -> dict[str, Any]:
    return {
        "costs_us": {name: round(cost, 3) for name, cost in one.costs.items()},
        "figures": {figure.name: {"value": round(figure.value, 4), "unit": figure.unit} for figure in one.figures},
    }


def load(folder: Path) -> dict[str, Any]:
    """This machine's kept figures; empty where there are none."""
    file = file_of(folder)
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def broken(outcomes: Sequence[Outcome], kept: dict[str, Any]) -> list[str]:
    """The figures that are more than they must be, or guarded and worse than the kept ones."""
    return [
        f"{one.question}: {figure.name}"
        for one in outcomes
        for figure in one.figures
        if _breaks(figure) or _worse(figure, _before(one, figure, kept))
    ]


def _before(one: Outcome, figure: Figure, kept: dict[str, Any]) -> float | None:
    found = kept.get("questions", {}).get(one.question, {}).get("figures", {}).get(figure.name)
    return found["value"] if found else None


def _breaks(figure: Figure) -> bool:
    return figure.at_most is not None and figure.value > figure.at_most


def _worse(figure: Figure, before: float | None) -> bool:
    return figure.guarded and before is not None and figure.value > before * TOLERANCE


def table(outcomes: Sequence[Outcome], kept: dict[str, Any]) -> Iterator[str]:
    """Lines that show costs and figures side by side."""
    for one in outcomes:
        yield ""
        yield one.question
        for name, cost in one.costs.items():
            yield f"    {name:44} {cost:12,.1f} µs"
        for figure in one.figures:
            yield f"    {figure.name:44} {_number(figure)}  {_verdict(figure, _before(one, figure, kept))}"


def _number(figure: Figure) -> str:
    if figure.unit == "×" and figure.value < 1:
        return f"{1 / figure.value:11.1f}× faster"
    return f"{figure.value:12.2f} {figure.unit:6}"


def _verdict(figure: Figure, before: float | None) -> str:
    said = []
    if figure.goal is not None:
        said.append(f"goal {_limit(figure, figure.goal)}: {'reached' if figure.value <= figure.goal else 'not reached'}")
    if figure.at_most is not None:
        said.append(f"must be {_limit(figure, figure.at_most)}{': BROKEN' if _breaks(figure) else ''}")
    if before is not None and figure.guarded:
        said.append(f"kept figure {before:.2f}{': WORSE' if _worse(figure, before) else ''}")
    return ", ".join(said)


def _limit(figure: Figure, limit: float) -> str:
    return f"{1 / limit:.0f}× faster" if figure.unit == "×" and limit < 1 else f"{limit:g}"
