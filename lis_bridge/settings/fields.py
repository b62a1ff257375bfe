"""The kinds of values in a configuration, each with a check that says what to write instead."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, StringConstraints
from pydantic_core import PydanticCustomError

from lis_bridge.settings import links
from lis_bridge.settings.nearest import did_you_mean

CHARSETS = ("utf-8", "gb18030", "gbk", "latin-1", "utf-16-le")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def refuse(what: str, hint: str) -> PydanticCustomError:
    """An error whose ``hint`` reaches the user."""
    return PydanticCustomError("refused", "{what}", {"what": what, "hint": hint})


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise refuse(f"{value!r} is no id", "Letters, digits, dot, dash and underscore, at most 64")
    return value


def _zone(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return ZoneInfo(value)
    except (ValueError, OSError, KeyError) as wrong:
        raise refuse(
            f"unknown time zone {value!r}", did_you_mean(value, available_timezones()) or "For example Asia/Shanghai"
        ) from wrong


def _pattern(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return re.compile(value)
    except re.error as wrong:
        raise refuse(
            f"bad regular expression {value!r}: {wrong}", "Write it between single quotes, so that \\ stays \\"
        ) from wrong


def _cutting(value: re.Pattern[str]) -> re.Pattern[str]:
    if value.groups < 1:
        raise refuse(f"{value.pattern!r} has no group", "Put the part that is the specimen id in parentheses: '(.+)-[0-9]'")
    return value


def _charsets(value: Any) -> Any:
    names = [value] if isinstance(value, str) else value
    for name in names if isinstance(names, list | tuple) else ():
        try:
            codecs.lookup(str(name))
        except LookupError as wrong:
            raise refuse(f"unknown charset {name!r}", did_you_mean(str(name), CHARSETS) or "utf-8 or gb18030") from wrong
    return names


def _link(*families: links.Family) -> AfterValidator:
    def check(value: str) -> str:
        try:
            return links.checked(value, *families)
        except links.BadLinkError as wrong:
            raise refuse(wrong.what, wrong.hint) from wrong

    return AfterValidator(check)


def _listen(value: str) -> str:
    try:
        links.host_and_port(value)
    except links.BadLinkError as wrong:
        raise refuse(wrong.what, "For example 127.0.0.1:8080") from wrong
    return value


def _storage(value: str) -> str:
    if value.startswith("sqlite:///") and len(value) > len("sqlite:///"):
        return value
    if re.match(r"postgresql(\+psycopg)?://", value):
        return "postgresql+psycopg" + value[value.index("://") :]
    raise refuse("not a storage url", "sqlite:///data/bridge.db, or postgresql+psycopg://user@host/database")


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _text(value: str) -> str:
    if any(character < " " for character in value):
        raise refuse("a control character stands in this text", "One line of text; HL7 fields end at a control character")
    return value


Text = Annotated[str, AfterValidator(_text)]
Name = Annotated[str, AfterValidator(_name)]
Texts = Annotated[tuple[Annotated[str, StringConstraints(min_length=1)], ...], BeforeValidator(_listed)]
Paths = Annotated[tuple[Path, ...], BeforeValidator(_listed)]
Words = dict[str, str]
Zone = Annotated[ZoneInfo, BeforeValidator(_zone)]
Pattern = Annotated[re.Pattern[str], BeforeValidator(_pattern)]
Cutting = Annotated[re.Pattern[str], BeforeValidator(_pattern), AfterValidator(_cutting)]
Charsets = Annotated[tuple[str, ...], BeforeValidator(_charsets)]
AnalyzerLink = Annotated[str, _link("analyzer")]
DestinationLink = Annotated[str, _link("destination")]
Listen = Annotated[str, AfterValidator(_listen)]
StorageUrl = Annotated[str, AfterValidator(_storage)]
