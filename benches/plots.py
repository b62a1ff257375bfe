"""Draws this machine's kept figures as SVG: ``python -m benches.plots``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

from benches import results

FOLDER = Path(__file__).parent / "results"
WIDTH, ROW, LEFT, TOP = 720, 26, 190, 44
OURS, OTHERS, INK = "#1d6fa5", "#b9c2ca", "#222"


def bars(title: str, costs: Mapping[str, float]) -> str:
    """Costs as bars on a logarithmic scale, the cheapest first; ours in colour."""
    low = 10 ** math.floor(math.log10(min(costs.values())))
    span = math.log10(max(costs.values()) / low)
    rows = []
    for at, (name, cost) in enumerate(sorted(costs.items(), key=lambda item: item[1])):
        y, length = TOP + at * ROW, (WIDTH - LEFT - 90) * math.log10(cost / low) / span
        colour = OURS if name.startswith("lis-bridge") else OTHERS
        rows.append(f'<text x="{LEFT - 8}" y="{y + 15}" text-anchor="end">{escape(name)}</text>')
        rows.append(f'<rect x="{LEFT}" y="{y + 2}" width="{length:.1f}" height="{ROW - 8}" fill="{colour}"/>')
        rows.append(f'<text x="{LEFT + length + 6:.1f}" y="{y + 15}">{cost:,.0f} µs</text>')
    return _page(title, TOP + len(costs) * ROW + 10, rows)


def line(title: str, costs: Mapping[int, float]) -> str:
    """Cost of one result against the number of results in its message; the horizontal scale is logarithmic."""
    height, sizes = 260, sorted(costs)
    top = max(costs.values()) * 1.15

    def place(size: int) -> tuple[float, float]:
        across = math.log(size / sizes[0]) / math.log(sizes[-1] / sizes[0])
        return 70 + across * (WIDTH - 140), height - 40 - costs[size] / top * (height - TOP - 50)

    points = [place(size) for size in sizes]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    rows = [f'<polyline points="{path}" fill="none" stroke="{OURS}" stroke-width="2"/>']
    rows.append(f'<line x1="70" y1="{height - 40}" x2="{WIDTH - 70}" y2="{height - 40}" stroke="{INK}"/>')
    for size, (x, y) in zip(sizes, points, strict=True):
        rows.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{OURS}"/>')
        rows.append(f'<text x="{x:.1f}" y="{y - 10:.1f}" text-anchor="middle">{costs[size]:.2f} µs</text>')
        rows.append(f'<text x="{x:.1f}" y="{height - 22}" text-anchor="middle">{size}</text>')
    rows.append(f'<text x="{WIDTH / 2}" y="{height - 6}" text-anchor="middle">results in the message</text>')
    return _page(title, height, rows)


def _page(title: str, height: int, rows: list[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="12" fill="{INK}">'
    back = f'<rect width="{WIDTH}" height="{height}" fill="white"/>'
    return "\n".join([head, back, f'<text x="12" y="24" font-size="15">{escape(title)}</text>', *rows, "</svg>", ""])


def drawings() -> Iterator[tuple[str, str]]:
    """File names and drawings of the kept questions."""
    for question, kept in results.load(FOLDER).get("questions", {}).items():
        costs = kept["costs_us"]
        sizes = {int(name.split()[0]): cost for name, cost in costs.items() if re.fullmatch(r"\d+ results", name)}
        if len(sizes) > 1:
            yield "size.svg", line(question, sizes)
        elif "lis-bridge, mapped" in costs:
            yield "peers-hl7.svg", bars(question, costs)
        elif "lis-bridge, framed" in costs:
            yield "peers-lis2.svg", bars(question, costs)


def main() -> None:
    """Writes the drawings beside the figures."""
    for name, drawing in drawings():
        (FOLDER / name).write_text(drawing, encoding="utf-8")


if __name__ == "__main__":
    main()
