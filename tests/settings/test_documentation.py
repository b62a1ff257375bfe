"""docs/configuration.md and the models say the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from lis_bridge.settings import models
from lis_bridge.settings.explain import fields

TABLES: dict[str, type[BaseModel]] = {
    "[site]": models.Site,
    "[storage]": models.Storage,
    "[specimen]": models.Specimen,
    "[drivers]": models.Drivers,
    "[[analyzer]]": models.Analyzer,
    "[analyzer.controls]": models.Controls,
    "[[destination]]": models.Destination,
    "[destination.tls]": models.Tls,
    "[console]": models.Console,
}
PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")


def rows(title: str) -> dict[str, str]:
    """Keys with the text of their default, from the first table of a section."""
    section = PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    first = section.split("| --- | --- | --- |\n", 1)[1].split("\n\n", 1)[0]
    return {row[1]: row[2] for line in first.splitlines() if (row := re.match(r"\| `(\w+)` \| (.*?) ?\|", line))}


def documented(text: str) -> Any:
    """The value that a documented default stands for."""
    return tomllib.loads(f"value = {text.strip('`')}")["value"]


def plain(default: Any) -> Any:
    """A model's default as TOML would give it."""
    if isinstance(default, re.Pattern):
        return default.pattern
    if isinstance(default, ZoneInfo):
        return default.key
    return list(default) if isinstance(default, tuple) else default


def test_every_table_has_its_section() -> None:
    told = re.findall(r"^## (\[.*\])$", PAGE, re.MULTILINE)
    inner = {model for model in vars(models).values() if isinstance(model, type) and issubclass(model, models.Table)}
    assert told == list(TABLES)
    assert inner == {*TABLES.values(), models.Table, models.Config}


@pytest.mark.parametrize("title", TABLES)
def test_every_key_is_documented_and_every_documented_key_is_there(title: str) -> None:
    assert list(rows(title)) == list(fields(TABLES[title]))


@pytest.mark.parametrize(("title", "key"), [(title, key) for title, model in TABLES.items() for key in fields(model)])
def test_documented_default_is_the_default(title: str, key: str) -> None:
    text, default = rows(title)[key], fields(TABLES[title])[key].default
    if default is PydanticUndefined or isinstance(default, BaseModel):
        assert text == ""
    elif default is None:
        assert text == "none"
    else:
        assert documented(text) == plain(default)
