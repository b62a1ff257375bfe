"""``[dialect.NAME.csv]``: delimited text (``dialects.csv_text``)."""

from __future__ import annotations

from pydantic import Field, model_validator

from lis_bridge.catalogue.manifest.base import Model


class AcrossSpec(Model):
    """One sample a row. ``name`` (groups ``code``, ``unit``) fits the names of result columns in full; ``info`` and columns that the head of
    the message names are none. ``mark``: the name of the column with a result's flag. ``decimals``: implied decimal point by code or unit.
    """

    name: str = ".+"
    info: tuple[str, ...] = ()
    mark: str | None = None
    decimals: dict[str, int] = {}


class DownSpec(Model):
    """One result a row. Rows that are equal in the columns ``sample`` belong together, unless a code comes again."""

    sample: tuple[str, ...]


class RecordsSpec(Model):
    """The first cell says what a row is: ``begin`` and ``end`` of a sample, ``result``, ``image`` (a picture's code and the path of its file)."""

    begin: str
    result: str
    end: str | None = None
    image: str | None = None
    image_code: int = 2
    image_path: int = 3


class CsvSpec(Model):
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
