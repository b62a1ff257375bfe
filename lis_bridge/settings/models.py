"""What a configuration file may say; docs/configuration.md describes every key.

The models are frozen and closed: an unknown key is an error. Attribute and key differ only where the file repeats a table
(``[[analyzer]]`` is ``Config.analyzers``).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from lis_bridge.settings.fields import (
    AnalyzerLink,
    Charsets,
    Cutting,
    DestinationLink,
    Listen,
    Name,
    Paths,
    Pattern,
    StorageUrl,
    Text,
    Texts,
    Words,
    Zone,
)

Version = Literal["2.3.1", "2.4", "2.5.1"]
SpecimenField = Literal["OBR-2", "OBR-3", "ORC-2", "ORC-3", "SPM-2"]


class Table(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, arbitrary_types_allowed=True)


class Site(Table):
    """``[site]``: the laboratory."""

    id: Name
    name: Text = ""
    timezone: Zone = ZoneInfo("Asia/Shanghai")


class Storage(Table):
    """``[storage]``: where the journal and the outbox live."""

    url: StorageUrl


class Specimen(Table):
    """``[specimen]``: which specimen ids name a tube by themselves, and how far a running number's date may be from reception (hours, 0: any)."""

    barcode: Pattern = re.compile(r"[A-Za-z0-9-]{8,}")
    date_window_hours: int = Field(24, ge=0)
    require_order: bool = False


class Drivers(Table):
    """``[drivers]``: folders with the site's own driver folders, in front of those that come with the bridge."""

    paths: Paths = ()


class Controls(Table):
    """``[analyzer.controls]``: specimen ids that are control material at this site."""

    ids: Texts = ()
    prefixes: Texts = ()


class Analyzer(Table):
    """``[[analyzer]]``: one physical instrument."""

    id: Name
    name: Text = ""
    driver: Name
    revision: int | None = Field(None, ge=1)
    link: AnalyzerLink
    dialect: Text | None = None
    charset: Charsets = ()
    peer: Text | None = None
    serial: Text | None = None
    number_space: Name | None = None
    number_date: Literal["message", "reception"] = "message"
    require_order: bool = False
    controls: Controls = Controls()
    codes: Words = {}
    new_codes: Texts = ()
    ignored: Texts = ()
    units: Words = {}
    decimal: Literal[".", ","] = "."
    specimen_pattern: Cutting | None = None
    options: dict[str, bool | int | float | str] = {}

    @property
    def space(self) -> str:
        """The number space of its running numbers: the group that shares one worklist, else the analyzer alone."""
        return self.number_space or self.id

    @property
    def choices(self) -> dict[str, str]:
        """The options as the driver's manifest writes their choices."""
        return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in self.options.items()}


class Tls(Table):
    """``[destination.tls]``: certificates for ``mllps://``."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    verify: bool = True


class Destination(Table):
    """``[[destination]]``: one LIS, and how it wants its messages."""

    id: Name
    link: DestinationLink
    version: Version = "2.5.1"
    charset: Literal["UTF-8", "GB18030"] = "UTF-8"
    window_seconds: float = Field(2.0, ge=0, le=3600)
    stat_at_once: bool = True
    group: Literal["tube", "panel", "order", "analyzer"] = "tube"
    specimen_in: tuple[SpecimenField, ...] = ("OBR-3", "SPM-2")
    specimen_as: Literal["key", "number"] = "key"
    demographics: Literal["order", "analyzer"] = "order"
    comparator: Literal["text", "SN"] = "text"
    attachments: Literal["drop", "forward"] = "drop"
    ack: Literal["strict", "no-id", "none"] = "strict"
    retries: int = Field(10, ge=0)
    retry_on: Texts = ()
    timeout_seconds: float = Field(30.0, gt=0, le=3600)
    sending_application: Text = "lis-bridge"
    sending_facility: Text = ""
    receiving_application: Text = ""
    receiving_facility: Text = ""
    tls: Tls | None = None

    @property
    def comparator_as_sn(self) -> bool:
        return self.comparator == "SN"


class Console(Table):
    """``[console]``: the web console."""

    listen: Listen = "127.0.0.1:8080"
    enabled: bool = True
    certificate: Path | None = None
    key: Path | None = None
    idle_minutes: int = Field(30, ge=1, le=1440)
    session_hours: int = Field(12, ge=1, le=168)


class Config(Table):
    """A whole file, checked; ``path`` is where it was read."""

    path: Path
    site: Site
    storage: Storage
    specimen: Specimen = Specimen()
    drivers: Drivers = Drivers()
    analyzers: tuple[Analyzer, ...] = Field((), alias="analyzer")
    destinations: tuple[Destination, ...] = Field((), alias="destination")
    console: Console = Console()
