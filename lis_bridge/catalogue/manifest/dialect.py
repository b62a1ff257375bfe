"""``[dialect.NAME]``: one way in which a family talks."""

from __future__ import annotations

from typing import Any, Literal

from lis_bridge.catalogue.manifest.base import Model, Texts
from lis_bridge.catalogue.manifest.csv import CsvSpec
from lis_bridge.catalogue.manifest.fixed import FixedSpec
from lis_bridge.catalogue.manifest.message import KindRule, MessageSpec
from lis_bridge.catalogue.manifest.pairs import PairsSpec
from lis_bridge.catalogue.manifest.pictures import PicturesSpec
from lis_bridge.catalogue.manifest.reply import ReplySpec
from lis_bridge.catalogue.manifest.results import Table


class Dialect(Model):
    """One way in which the family talks. ``match``: found only in texts of this dialect. ``gathered``: texts of one capture that name one
    specimen are one message (lines that are sent one by one).
    """

    kind: Literal["hl7", "lis2", "pairs", "fixed", "csv"]
    framing: tuple[dict[str, Any], ...]
    match: str | None = None
    gathered: bool = False
    charset: Texts = ("utf-8", "gb18030")
    message: MessageSpec = MessageSpec()
    kinds: tuple[KindRule, ...] = ()
    results: tuple[Table, ...]
    pairs: PairsSpec | None = None
    fixed: FixedSpec | None = None
    csv: CsvSpec | None = None
    pictures: PicturesSpec | None = None
    reply: ReplySpec = ReplySpec(style="none")
