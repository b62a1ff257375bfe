"""``[[dialect.NAME.results]]``: where the parts of a result stand."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from lis_bridge.catalogue.manifest.base import Model, Texts, listed
from lis_bridge.catalogue.manifest.moments import Moments
from lis_bridge.core.results import Kind


class FlagSource(Model):
    """Where flags stand; ``split`` parts one field, ``drop`` leaves out words that mean nothing, ``map`` translates digits of fixed-width texts.
    ``besides`` only where a number stands too.
    """

    path: str
    split: str | None = None
    drop: tuple[str, ...] = ()
    map: dict[str, str] = {}
    besides: bool = False


def _flag_sources(value: Any) -> Any:
    return [{"path": item} if isinstance(item, str) else item for item in listed(value)]


class RerunSpec(Model):
    """The device's rerun marker: the texts that mean a repeated run, and those that mean a first one."""

    path: str
    again: tuple[str, ...]
    first: tuple[str, ...] = ()


class MaterialSpec(Model):
    """Where the kind of specimen stands and which texts mean the usual one. Codes of any other are looked up as ``code@text`` only, so
    that a urine value is never filed under the serum test.
    """

    path: str
    usual: tuple[str, ...]


class Table(Model):
    """Where the parts of a result stand. ``record`` differs from the dialect's own only where results stand in another record (QC in OBR).
    ``only``: a row counts when every path matches its regular expression in full; others are the device's details, no results.
    ``observed_once``: the time that one row of a specimen carries is that of all. ``doubted``: the statuses by which the device says that
    the validity of a result is questionable; by default those of the dialect's standard. ``abnormal``: where the device marks as abnormal
    what is no flag of one result, such as all that it measured of a specimen; read as ``abnormal_flags`` says.
    """

    kinds: tuple[Kind, ...] = ()
    only: dict[str, str] = {}
    record: str | None = None
    each: str | None = None
    code: Texts
    code_pattern: str | None = None
    name: Texts = ()
    material: MaterialSpec | None = None
    value: Texts
    unit: Texts = ()
    range: Texts = ()
    low: Texts = ()
    high: Texts = ()
    flags: Annotated[tuple[FlagSource, ...], BeforeValidator(_flag_sources)] = ()
    abnormal: Texts = ()
    status: Texts = ()
    doubted: Texts | None = None
    observed_at: Moments = ()
    observed_once: bool = False
    run: Texts = ()
    rerun: RerunSpec | None = None
    aspect: str | None = None
    aspect_pattern: str | None = None
    aspects: dict[str, Literal["", "I", "P", "G"]] = {}
    type: str | None = None
    images: tuple[str, ...] = ()
