"""``[dialect.NAME.fixed]``: forms of texts, and what stands where in each."""

from __future__ import annotations

from typing import Literal

from lis_bridge.catalogue.manifest.base import Model


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


class ListsSpec(Model):
    """Results whose parts stand in lists of ``count`` places, list after list: parts as name = (start of the list, width of a place),
    ``code`` and ``value`` among them. ``used`` names the field that says how many places count.
    """

    count: int
    parts: dict[str, tuple[int, int]]
    used: str | None = None


class DrawnSpec(Model):
    """A measured curve: points of ``width`` characters from ``at``; ``figure`` is (offset, width) in a point, ``count`` the field that
    says how many points there are.
    """

    code: str
    x: str
    y: str
    at: int
    width: int
    figure: tuple[int, int]
    base: Literal[10, 16] = 10
    count: str


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
