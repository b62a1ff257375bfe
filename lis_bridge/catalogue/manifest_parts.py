"""Parts of a manifest that stand on their own: delimited text (``dialects.csv_text``), pictures (``dialects.pictures``), lists and
curves, options of the analyzer, runs.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Part(BaseModel):
    """Frozen, and closed, as all of a manifest."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AcrossSpec(Part):
    """One sample a row. ``name`` (groups ``code``, ``unit``) fits the names of result columns in full; ``info`` and columns that the head of
    the message names are none. ``mark``: the name of the column with a result's flag. ``decimals``: implied decimal point by code or unit.
    """

    name: str = ".+"
    info: tuple[str, ...] = ()
    mark: str | None = None
    decimals: dict[str, int] = {}


class DownSpec(Part):
    """One result a row. Rows that are equal in the columns ``sample`` belong together, unless a code comes again."""

    sample: tuple[str, ...]


class RecordsSpec(Part):
    """The first cell says what a row is: ``begin`` and ``end`` of a sample, ``result``, ``image`` (a picture's code and the path of its file)."""

    begin: str
    result: str
    end: str | None = None
    image: str | None = None
    image_code: int = 2
    image_path: int = 3


class CsvSpec(Part):
    """Rows of cells, one of ``across``, ``down`` and ``records``. ``head``: found in the line that names the columns; without it they are
    ``columns``. ``skip``: found in lines that are no rows. ``least`` cells a row must have; ``rest``: the last column takes in all that follows;
    ``closed``: rows end with the delimiter. The delimiter ``" "`` is any number of blanks; ``quote`` may be empty. ``parts``: columns cut into
    further ones by the named groups of a regular expression that fits them in full.
    """

    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: str = Field(default='"', max_length=1)
    head: str | None = None
    columns: tuple[str, ...] = ()
    skip: str | None = None
    least: int = 0
    rest: bool = False
    closed: bool = False
    parts: dict[str, str] = {}
    across: AcrossSpec | None = None
    down: DownSpec | None = None
    records: RecordsSpec | None = None

    @model_validator(mode="after")
    def _stands_one_way(self) -> CsvSpec:
        ways = [self.across, self.down, self.records]
        if ways.count(None) != len(ways) - 1:
            raise ValueError("say one of across, down and records")
        if self.records is None and (self.head is None) == (not self.columns):
            raise ValueError("say either head or columns")
        return self


class PicturesSpec(Part):
    """Pictures in records of their own, below the order that they belong to: LIS2-A2's M. ``only`` as in results; ``packed``: deflate (RFC 1951)
    before base64.
    """

    record: str = "M"
    only: dict[str, str] = {}
    code: str
    format: str
    data: str
    packed: bool = False


class ListsSpec(Part):
    """Results whose parts stand in lists of ``count`` places, list after list: parts as name = (start of the list, width of a place),
    ``code`` and ``value`` among them. ``used`` names the field that says how many places count.
    """

    count: int
    parts: dict[str, tuple[int, int]]
    used: str | None = None


class DrawnSpec(Part):
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


class OptionSpec(Part):
    """What is a setting of the analyzer and cannot be seen on the wire: ``says`` what it is, each choice the tables that it lays over this manifest."""

    says: str
    choices: dict[str, dict[str, Any]] = Field(min_length=1)


class Runs(Part):
    """Which run is reported, and whether a code that stands twice in one message means a rerun (the last counts)."""

    reported: Literal["last", "first", "marked"] = "last"
    repeated_in_message: Literal["last", "all"] = "all"
