"""Pictures and curves that stand inside a text: what the groups of an expression hold of them, as an image or a curve.

The group that holds the data says how it is written: ``hex`` (pairs), ``digits`` (one for each cell), ``bytes`` or ``numbers``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lis_bridge.core.results import Curve, Image

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")

SIZES: dict[str, Callable[[str], int]] = {
    "hex": lambda data: len(data) // 2,
    "digits": len,
    "bytes": len,
    "numbers": lambda data: len(_NUMBER.findall(data)),
}
"""How many bytes or cells the data of a group are."""


def image_of(found: re.Match[str]) -> Image | None:
    """The picture named by the group ``image``; None where it took no part."""
    groups = found.groupdict()
    if not groups.get("image"):
        return None
    form = next((form for form in SIZES if groups.get(form) is not None), "")
    data = groups[form] if form else ""
    return Image(groups["image"], form, SIZES[form](data) if form else 0, found.span(), data, form)


def curve_of(found: re.Match[str]) -> Curve | None:
    """The curve named by the group ``curve``, its ``numbers`` counted from 1; None where it took no part."""
    groups = found.groupdict()
    if not groups.get("curve"):
        return None
    points = tuple((str(place), y) for place, y in enumerate(_NUMBER.findall(groups["numbers"]), 1))
    return Curve(groups["curve"], "index", "height", points)
