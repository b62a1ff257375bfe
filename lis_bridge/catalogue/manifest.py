"""What a ``driver.toml`` may say. Paths are those of ``dialects.paths``; a list of paths means: the first that is not empty.

A manifest is data: nothing here reads a message. ``plan.py`` compiles it once.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from lis_bridge.catalogue.manifest_parts import CsvSpec, DrawnSpec, ListsSpec, OptionSpec, PicturesSpec, Runs
from lis_bridge.core.results import Kind


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str | dict) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class Model(BaseModel):
    """Frozen, and closed: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class MomentSpec(Model):
    """A moment that is not plain ``YYYYMMDD[HHMMSS]``: a date and a time field, or one text, with the order of the date's parts and, in a
    time without separators, of the clock's. English and French names of months are understood, and a blank for a leading zero.
    """

    date: str
    time: str | None = None
    clock: Literal["hms", "smh"] = "hms"
    order: Literal["ymd", "dmy", "mdy"] = "ymd"
    century: int = 2000


Moments = Annotated[tuple[str | MomentSpec, ...], BeforeValidator(_listed)]


class KindRule(Model):
    """A message is of kind ``is`` when every path matches its regular expression in full; the first rule that holds decides."""

    when: dict[str, str]
    is_: Kind = Field(alias="is")


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
    return [{"path": item} if isinstance(item, str) else item for item in _listed(value)]


class RerunSpec(Model):
    """The device's rerun marker: the texts that mean a repeated run, and those that mean a first one."""

    path: str
    again: tuple[str, ...]
    first: tuple[str, ...] = ()


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


class QuerySpec(Model):
    """Where an analyzer's request names what it asks for."""

    specimen: Texts = ()
    start: Texts = ()
    end: Texts = ()
    from_time: Texts = ()
    to_time: Texts = ()
    id: Texts = ()


class MaterialSpec(Model):
    """Where the kind of specimen stands and which texts mean the usual one. Codes of any other are looked up as ``code@text`` only, so
    that a urine value is never filed under the serum test.
    """

    path: str
    usual: tuple[str, ...]


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


class CellSpec(Model):
    """One result at a fixed place: ``at`` counts from 0, ``decimals`` is the implied decimal point, ``flag`` the flag's width after the value,
    ``missing`` a regular expression of the digits that mean "no result" at this place.
    """

    code: str
    at: int
    width: int
    decimals: int | None = None
    flag: int = 0
    missing: str | None = None


class CellsSpec(Model):
    """Results that repeat with a fixed width from ``start``: offsets inside one cell as (at, width). ``decimals``: the implied decimal
    point of codes that match the regular expression in full.
    """

    start: int
    width: int
    code: tuple[int, int]
    value: tuple[int, int]
    flag: tuple[int, int] | None = None
    end: int | None = None
    decimals: dict[str, int] = {}


class RowsSpec(Model):
    """Results found one after another behind what ``match`` took: named groups of ``pattern`` are the parts of a row, ``code`` and
    ``value`` among them; what it finds without a code is passed over. It must account for the whole text: a rest that it does not fit
    makes the text unread. ``words`` translates a part (unit numbers). ``units``: by code, which unit the form of a value tells (regular
    expression = unit) where the wire has none. The group ``image`` names a picture and ``curve`` a curve, whose data stand in ``hex``,
    ``digits``, ``bytes`` or ``numbers`` (see ``dialects.drawn``). ``by_line``: in a repaired log, and only there, a line that the pattern does
    not fit is left out and named.
    """

    pattern: str
    words: dict[str, dict[str, str]] = {}
    units: dict[str, dict[str, str]] = {}
    by_line: bool = False


class FormSpec(Model):
    """One form of a text: chosen when ``match`` is found at its start; its named groups are fields, ``fields`` are name = (at, width).
    ``name`` lets ``only`` of the dialect choose it. ``groups``: results that are groups of ``match``, as code = group; an empty one is no result.
    Places count from the start of the text; those of ``cell`` and ``cells`` from the group ``cells``, where ``match`` has one.
    """

    match: str
    name: str | None = None
    fields: dict[str, tuple[int, int]] = {}
    constants: dict[str, str] = {}
    groups: dict[str, str] = {}
    cell: tuple[CellSpec, ...] = ()
    cells: CellsSpec | None = None
    rows: RowsSpec | None = None
    lists: ListsSpec | None = None
    curve: DrawnSpec | None = None


class FixedSpec(Model):
    """The forms of a fixed-width dialect, tried in order; with ``only``, of those that have a name the ones named here."""

    form: tuple[FormSpec, ...]
    only: tuple[str, ...] = ()


class ReplySpec(Model):
    """The application-level reply that a message of this dialect is owed; ``segments`` are templates (see ``replies.py``)."""

    style: Literal["ack", "none"] = "ack"
    type: str = "ACK^{event}"
    text: str = "Message accepted"
    code: str = "0"
    query: Literal["qck-nf", "orr-ar", "dsr-nf", "none"] = "none"


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
