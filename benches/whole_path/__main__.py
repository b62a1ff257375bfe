"""``python -m benches.whole_path``: every question beside its floor, printed and (``--keep``) kept as this machine's figures."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from benches import results
from benches.whole_path import growth, trials
from benches.whole_path.shapes import RESULTS, SHAPES
from benches.whole_path.trials import Measured, Plan

HERE = Path(__file__).parent.parent / "results"
STEADY_EVERY = 1 / 30
"""Seconds between tubes at a tenth of the load that is to be reached."""
QUEUED = 10_000
TENTHS = 10
_UNITS = {"k": 1_000, "M": 1_000_000}


def main() -> int:
    """Ask the questions in turn; a wrong result ends it with an AssertionError."""
    chosen = _arguments()
    found: dict[str, Any] = {}
    for name in chosen.questions:
        with _folder(chosen.folder) as folder:
            found[name] = _QUESTIONS[name](chosen.tubes, folder)
        print(f"{name}: {json.dumps(found[name])}", flush=True)
    if chosen.grow:
        with _folder(chosen.folder) as folder:
            found["growth"] = _growth([_number(size) for size in chosen.grow], folder)
    if chosen.keep:
        _keep(found)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benches.whole_path", description=__doc__)
    parser.add_argument("questions", nargs="*", default=list(_QUESTIONS), help=f"of {', '.join(_QUESTIONS)} (default: all)")
    parser.add_argument("--tubes", type=int, default=2000, help="tubes of a run at full load (default: 2000)")
    parser.add_argument(
        "--grow", nargs="+", default=[], metavar="SIZE", help="also in a database of so many results: 100k 1M 10M"
    )
    parser.add_argument("--folder", type=Path, help="where the database is made (default: the system's folder for such)")
    parser.add_argument("--keep", action="store_true", help="keep the figures in benches/results")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.questions if name not in _QUESTIONS]
    if unknown and not (chosen.grow and unknown == ["none"]):
        parser.error(f"no question is called {unknown[0]}")
    chosen.questions = [name for name in chosen.questions if name in _QUESTIONS]
    return chosen


def _at_full_load(shape: str) -> Callable[[int, Path], dict[str, Any]]:
    def ask(tubes: int, folder: Path) -> dict[str, Any]:
        chosen = SHAPES[shape]
        plan = Plan(chosen, max(20, tubes // (10 if chosen.framed else 4 if chosen.parts > 1 else 1)))
        floor = trials.the_floor(plan, folder)
        trials.pause()
        ours = trials.whole_path(plan, folder)
        beside = {"floor tubes/s": round(floor.rate, 1), "of the floor": round(ours.rate / floor.rate, 3)}
        return {"title": chosen.title} | _figures(ours) | beside | {"load": _load()}

    return ask


def _steady(tubes: int, folder: Path) -> dict[str, Any]:
    plan = Plan(SHAPES["one"], min(tubes, 600), every=STEADY_EVERY)
    floor = trials.the_floor(plan, folder)
    ours = _figures(trials.whole_path(plan, folder))
    return {"title": "30 tubes a second"} | ours | {"floor ms p99": round(floor.percentile(0.99), 1), "load": _load()}


def _away(tubes: int, folder: Path) -> dict[str, Any]:
    """The rate of each tenth of the queue, first to last."""
    plan = Plan(SHAPES["one"], QUEUED if tubes >= 1000 else tubes, away=True)
    drained = trials.whole_path(plan, folder)
    size = plan.tubes // TENTHS
    ends = [drained.taken[number * size] for number in range(TENTHS)] + [drained.taken[-1]]
    rates = [round(size / (after - before), 1) for before, after in pairwise(ends)]
    title = f"{plan.tubes} tubes queued while the LIS was away"
    return {"title": title, "tubes/s by tenths": rates, "drained tubes/s": round(drained.rate, 1), "load": _load()}


def _figures(ours: Measured) -> dict[str, Any]:
    per = ours.tubes * RESULTS
    return {
        "tubes": ours.tubes,
        "tubes/s": round(ours.rate, 1),
        "results/s": round(ours.rate * RESULTS),
        "acknowledged tubes/s": round(ours.tubes / ours.acknowledged_seconds, 1),
        "ms p50": round(ours.percentile(0.5), 1),
        "ms p95": round(ours.percentile(0.95), 1),
        "ms p99": round(ours.percentile(0.99), 1),
        "cpu µs/result": round(ours.cpu / per * 1e6, 2),
        "written B/result": round(ours.written / per),
        "load generator and LIS, cpu µs/result": round(ours.others_cpu / per * 1e6, 2),
    }


def _growth(sizes: list[int], folder: Path) -> list[dict[str, Any]]:
    found = []
    for grown in growth.grow(sizes, folder):
        row = {"results before": grown.results, "file B/result": round(grown.file_bytes / grown.results, 1)}
        found.append(row | _figures(grown.trial) | {"load": _load()})
        print(f"growth: {json.dumps(found[-1])}", flush=True)
    return found


_QUESTIONS: dict[str, Callable[[int, Path], dict[str, Any]]] = {
    **{name: _at_full_load(name) for name in SHAPES},
    "steady": _steady,
    "away": _away,
}


@contextmanager
def _folder(parent: Path | None) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="whole-path-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _number(size: str) -> int:
    return int(size[:-1]) * _UNITS[size[-1]] if size[-1] in _UNITS else int(size)


def _load() -> float:
    """The machine's load over the last minute: what else ran."""
    return round(os.getloadavg()[0], 1)


def _keep(found: dict[str, Any]) -> None:
    file = results.file_of(HERE).with_suffix(".whole-path.json")
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    dated = {name: {"date": datetime.now(UTC).date().isoformat(), "figures": figures} for name, figures in found.items()}
    content = {"machine": results.machine(), "questions": kept.get("questions", {}) | dated}
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
