"""Curves, histograms and pictures of a tube, read from its journal entries when they are asked for.

They are no results and are stored nowhere else; what an entry holds is read with its analyzer's driver as it is now. Bounded: the newest
``ENTRIES`` entries, ``MOST`` bytes of each.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from sqlalchemy import Connection, select

from lis_bridge import journal
from lis_bridge.catalogue.plan import Plan
from lis_bridge.core.results import Image, Message
from lis_bridge.settings import Config
from lis_bridge.storage.schema import tube, tube_event
from lis_bridge.tubes import keys
from lis_bridge.tubes.keys import SpecimenRules

ENTRIES = 12
MOST = 8 * 1024 * 1024
POINTS = 4096
"""Points of a curve that are drawn."""

_BASE64 = re.compile(rb"[A-Za-z0-9+/\r\n]{64,}={0,2}")
_FORMATS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"BM": "image/bmp", b"GIF8": "image/gif"}
"""Beginnings of the files that a browser shows."""


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

    name: str
    format: str
    size: int
    media: str
    entry: int
    place: int
    analyzer: str


@dataclass(frozen=True, slots=True)
class Charts:
    """All that is drawn of a tube."""

    charts: Sequence[Chart]
    pictures: Sequence[Picture]


@dataclass(frozen=True, slots=True)
class Reading:
    """What it takes to read a journal entry as the process step does."""

    config: Config
    plans: Mapping[str, Plan]

    def messages(self, entry: journal.Filed, key: str) -> Iterator[Message]:
        """The entry's messages that name this tube. A large entry, or one whose analyzer is configured no more, has none."""
        plan = self.plans.get(entry.analyzer)
        analyzer = next((one for one in self.config.analyzers if one.id == entry.analyzer), None)
        if plan is None or analyzer is None or len(entry.raw) > MOST:
            return
        rules = _rules(self.config, self.config.site.timezone)
        for message in plan.decode(entry.raw, complete=entry.complete).messages:
            if message.kind == "patient" and keys.key_of(message, analyzer.space, rules, entry.received_at).key == key:
                yield message


def charts(tx: Connection, key: str, reading: Reading) -> Charts:
    """Everything that is drawn of the tube with this key."""
    drawn: list[Chart] = []
    pictures: list[Picture] = []
    for entry in filter(None, (journal.get(tx, id) for id in _entries(tx, key))):
        found = list(reading.messages(entry, key))
        drawn += [one for message in found for one in _curves(message, entry.analyzer)]
        images = [image for message in found for image in message.images]
        for place, image in enumerate(images):
            name, data = name_of(entry.raw, image), data_of(entry.raw, image)
            pictures.append(Picture(name, image.format, image.size, media_of(data), entry.id, place, entry.analyzer))
    return Charts(drawn, pictures)


def picture(tx: Connection, key: str, entry_id: int, place: int, reading: Reading) -> tuple[bytes, str] | None:
    """A picture's bytes and media type; None where the tube has no such picture."""
    entry = journal.get(tx, entry_id) if entry_id in _entries(tx, key) else None
    images = [image for message in reading.messages(entry, key) for image in message.images] if entry else []
    data = data_of(entry.raw, images[place]) if entry and 0 <= place < len(images) else b""
    media = media_of(data)
    return (data, media) if media else None


def data_of(raw: bytes, image: Image) -> bytes:
    """The bytes of a picture that was sent in base64; none where it was sent otherwise."""
    start, end = image.span
    longest = max(_BASE64.findall(raw, start, end), key=len, default=b"")
    try:
        return base64.b64decode(longest)
    except (binascii.Error, ValueError):
        return b""


def name_of(raw: bytes, image: Image) -> str:
    """The code, with the text that an HL7 analyzer sends beside it (OBX-3.2)."""
    found = re.search(re.escape(image.code.encode()) + rb"\^([^^|\r\n]{1,60})", raw[slice(*image.span)][:300])
    return f"{image.code} {found[1].decode('ascii', 'replace')}" if found else image.code


def media_of(data: bytes) -> str:
    """By its first bytes; empty for what is no picture."""
    return next((media for start, media in _FORMATS.items() if data.startswith(start)), "")


def _entries(tx: Connection, key: str) -> list[int]:
    """The newest entries of the tube, in the order of their arrival."""
    query = (
        select(tube_event.c.journal_id)
        .join(tube, tube.c.id == tube_event.c.tube_id)
        .where(tube.c.key == key, tube_event.c.journal_id.is_not(None))
        .distinct()
        .order_by(tube_event.c.journal_id.desc())
        .limit(ENTRIES)
    )
    return [int(row[0]) for row in tx.execute(query).all()[::-1]]


def _curves(message: Message, analyzer: str) -> Iterator[Chart]:
    for curve in message.curves:
        points = [(float(x), float(y)) for x, y in curve.points[:POINTS] if _is_number(x) and _is_number(y)]
        if len(points) > 1:
            xs, ys = zip(*sorted(points), strict=True)
            yield Chart(curve.code, curve.x, curve.y, xs, ys, curve.x == "index", analyzer)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _rules(config: Config, zone: tzinfo) -> SpecimenRules:
    return SpecimenRules(config.specimen.barcode, config.specimen.date_window_hours, zone)
