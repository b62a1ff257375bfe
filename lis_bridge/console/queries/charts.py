"""Curves, histograms and pictures of a tube, as they are kept beside its results (``attachments``)."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from lis_bridge import attachments
from lis_bridge.attachments import Attached
from lis_bridge.tubes import views

MOST = 60
"""Attachments that a page shows, the newest."""
POINTS = 4096
"""Points of a curve that are drawn."""
CHANNELS = 512
"""Channels of a histogram; more bytes than that are a picture of another kind."""
SHOWN = frozenset({"image/png", "image/jpeg", "image/bmp", "image/gif"})
"""What a browser shows."""
_ONE_BYTE_EACH = frozenset({"bytes", "hex"})
"""Forms that a driver declares as one byte a channel (``dialects.drawn``)."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A curve: numbers of both axes, by the names that the driver gives them. ``bars``: heights of numbered channels, a histogram."""

    name: str
    x: str
    y: str
    xs: Sequence[float]
    ys: Sequence[float]
    bars: bool
    analyzer: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it was sent; ``media`` is empty where its bytes are none that a browser shows."""

    id: int
    name: str
    size: int
    media: str
    analyzer: str


@dataclass(frozen=True, slots=True)
class Charts:
    """All that is drawn of a tube."""

    charts: Sequence[Chart]
    pictures: Sequence[Picture]


def charts(tx: Connection, key: str) -> Charts:
    """Everything that is kept of the tube with this key."""
    drawn: list[Chart] = []
    pictures: list[Picture] = []
    for one in _attached(tx, key)[-MOST:]:
        chart = _chart(tx, one)
        if chart is not None:
            drawn.append(chart)
        elif one.kind == "image":
            media = one.media if one.media in SHOWN else ""
            pictures.append(Picture(one.id, one.code, one.size, media, one.analyzer))
    return Charts(drawn, pictures)


def picture(tx: Connection, key: str, id: int) -> tuple[bytes, str] | None:
    """A picture's bytes and media type; None where the tube has no such picture."""
    one = next((one for one in _attached(tx, key) if one.id == id), None)
    if one is None or one.media not in SHOWN:
        return None
    data = attachments.content(tx, id)
    return None if data is None else (data, one.media)


def _attached(tx: Connection, key: str) -> list[Attached]:
    tube_id = views.find(tx, key)
    return [] if tube_id is None else attachments.lines(tx, tube_id)


def _chart(tx: Connection, one: Attached) -> Chart | None:
    if one.kind == "curve":
        return _curve(one, attachments.content(tx, one.id) or b"")
    if one.format in _ONE_BYTE_EACH and 1 < one.size <= CHANNELS:
        heights = list(attachments.content(tx, one.id) or b"")
        return Chart(one.code, "index", "height", range(1, len(heights) + 1), heights, True, one.analyzer)
    return None


def _curve(one: Attached, data: bytes) -> Chart | None:
    """The table of two columns under their names; None for one without two points."""
    rows = list(csv.reader(data.decode().splitlines()))
    points = sorted(_points(rows[1 : POINTS + 1]))
    if len(points) < 2:
        return None
    (x, y), (xs, ys) = rows[0], zip(*points, strict=True)
    return Chart(one.code, x, y, xs, ys, x == "index", one.analyzer)


def _points(rows: Sequence[Sequence[str]]) -> Iterator[tuple[float, float]]:
    for row in rows:
        try:
            x, y = map(float, row)
        except ValueError:
            continue
        if math.isfinite(x) and math.isfinite(y):
            yield x, y
