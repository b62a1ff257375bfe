"""``[dialect.NAME.message]``: what the results of a specimen share; ``kinds``: what a message is."""

from __future__ import annotations

from pydantic import Field

from lis_bridge.catalogue.manifest.base import Model, Texts
from lis_bridge.catalogue.manifest.moments import Moments
from lis_bridge.core.results import Kind


class KindRule(Model):
    """A message is of kind ``is`` when every path matches its regular expression in full; the first rule that holds decides."""

    when: dict[str, str]
    is_: Kind = Field(alias="is")


class QuerySpec(Model):
    """Where an analyzer's request names what it asks for."""

    specimen: Texts = ()
    start: Texts = ()
    end: Texts = ()
    from_time: Texts = ()
    to_time: Texts = ()
    id: Texts = ()


class StatSpec(Model):
    """Where urgency stands and which texts mean STAT."""

    path: str
    values: tuple[str, ...]


class ControlSpec(Model):
    """Where a QC message names its control material."""

    number: Texts = ()
    name: Texts = ()
    lot: Texts = ()
    expiry: Texts = ()
    level: Texts = ()
    mean: Texts = ()
    sd: Texts = ()


class MessageSpec(Model):
    """Where the parts that a specimen's results share stand. ``specimen_pattern``: the id is its first group (in full; else the whole text). ``unread``: no id.
    ``name_as_sent``: the components of a name keep their separator instead of one blank. ``name_given_first``: the family name, sent as the
    first component, is put behind the others.
    """

    specimen: Texts = ()
    specimen_pattern: str | None = None
    unread: tuple[str, ...] = ()
    patient_id: Texts = ()
    patient_name: Texts = ()
    name_as_sent: bool = False
    name_given_first: bool = False
    birth: Texts = ()
    sex: Texts = ()
    age: Texts = ()
    stat: StatSpec | None = None
    series: Texts = ()
    dated: Moments = ()
    model: Texts = ()
    serial: Texts = ()
    control_id: Texts = ()
    sent_at: Moments = ()
    query: QuerySpec | None = None
    control: ControlSpec | None = None
    anonymous: tuple[str, ...] = ()
    qc_specimen: bool = True
