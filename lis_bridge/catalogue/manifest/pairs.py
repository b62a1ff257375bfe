"""``[dialect.NAME.pairs]``: lines of name and value."""

from __future__ import annotations

from typing import Literal

from lis_bridge.catalogue.manifest.base import Model


class PointsSpec(Model):
    """A field that holds ``(x,y)(x,y);(x,y)…``: reported points, then curve points. ``zero`` values are those of an aborted test."""

    code: str = "{name}@{x}"
    x: str
    y: str
    missing: str | None = None


class PairsSpec(Model):
    """Lines of ``name<separator>value``; ``cut`` says which separator counts on result lines; ``info`` are names that are no results."""

    separator: str = ":"
    cut: Literal["first", "last"] = "first"
    value: str | None = None
    info: tuple[str, ...] = ()
    points: dict[str, PointsSpec] = {}
    numeric_only: bool = True
