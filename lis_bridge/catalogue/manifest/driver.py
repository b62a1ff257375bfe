"""A ``driver.toml`` as a whole, and its tables beside the dialects."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from lis_bridge.catalogue.manifest.base import Model
from lis_bridge.catalogue.manifest.dialect import Dialect


class Identify(Model):
    """Evidence: the family is claimed when every regular expression is found in the capture and none of ``absent`` is."""

    present: tuple[str, ...]
    absent: tuple[str, ...] = ()
    why: str
    weight: int = 1


class ControlMarks(Model):
    """Specimen ids that the family itself uses for controls."""

    ids: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    by: str = ""


class Ignored(Model):
    """Rows that are no results, by code or by regular expression, with the reason."""

    reason: str
    codes: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()


class OptionSpec(Model):
    """What is a setting of the analyzer and cannot be seen on the wire: ``says`` what it is, each choice the tables that it lays over this manifest."""

    says: str
    choices: dict[str, dict[str, Any]] = Field(min_length=1)


class Runs(Model):
    """Which run is reported, and whether a code that stands twice in one message means a rerun (the last counts)."""

    reported: Literal["last", "first", "marked"] = "last"
    repeated_in_message: Literal["last", "all"] = "all"


class Manifest(Model):
    """A driver."""

    id: str = Field(pattern=r"[a-z0-9]+(-[a-z0-9]+)*")
    name: str
    manufacturer: str
    models: tuple[str, ...]
    class_: str = Field(alias="class")
    revision: int = Field(ge=1)
    needs: str | None = Field(None, pattern=r"^[0-9]+(\.[0-9]+)*$")
    replaces_shipped: bool = False
    extends: str | None = None
    lookalikes: tuple[str, ...] = ()
    direction: Literal["results", "results and query"] = "results"
    low_confidence: str | None = None
    not_verified: tuple[str, ...] = ()
    link: dict[str, str] = {}
    dialect: dict[str, Dialect]
    speaks: tuple[str, ...] = ()
    identify: tuple[Identify, ...] = ()
    missing: tuple[str, ...] = ()
    match: Literal["code", "code or name"] = "code"
    codes: dict[str, str] = {}
    units: dict[str, str] = {}
    ignored: tuple[Ignored, ...] = ()
    abnormal: Literal["device", "range"] = "device"
    abnormal_flags: dict[str, str] = {}
    controls: ControlMarks | None = None
    runs: Runs = Runs()
    derive: str | None = None
    options: dict[str, OptionSpec] = {}
    waived: dict[str, str] = {}
