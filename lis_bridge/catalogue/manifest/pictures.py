"""``[dialect.NAME.pictures]``: pictures in records of their own (``dialects.pictures``)."""

from __future__ import annotations

from lis_bridge.catalogue.manifest.base import Model


class PicturesSpec(Model):
    """Pictures in records of their own, below the order that they belong to: LIS2-A2's M. ``only`` as in results; ``packed``: deflate (RFC 1951)
    before base64.
    """

    record: str = "M"
    only: dict[str, str] = {}
    code: str
    format: str
    data: str
    packed: bool = False
