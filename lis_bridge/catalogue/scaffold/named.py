"""The proposal for name:value texts. Names are known in Chinese and English; what has a number and no known name is a result."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from lis_bridge.catalogue.scaffold.columns import LOOKS, is_number
from lis_bridge.catalogue.scaffold.matching import exact
from lis_bridge.catalogue.scaffold.parts import Part
from lis_bridge.catalogue.scaffold.proposal import Field, Seen
from lis_bridge.catalogue.scaffold.quoting import quoted
from lis_bridge.catalogue.scaffold.recognise import Framed
from lis_bridge.core.sayings import saying

HEADS: Mapping[str, tuple[str, ...]] = {
    "specimen": ("条码", "条码号", "条形码", "barcode", "bar code", "样本条码", "specimen id", "sample id", "sid"),
    "number": ("样本号", "标本号", "样品号", "序号", "编号", "sample no", "sample no.", "no", "no."),
    "patient_id": ("病历号", "住院号", "门诊号", "病人号", "patient id", "pid"),
    "patient_name": ("姓名", "患者姓名", "name", "patient name"),
    "birth": ("出生日期", "生日", "birth", "birthday", "date of birth", "dob"),
    "sex": ("性别", "sex", "gender"),
    "age": ("年龄", "age"),
    "date": ("日期", "检验日期", "测试日期", "date", "test date"),
    "time": ("时间", "检验时间", "测试时间", "time", "test time"),
    "info": (
        "科别", "科室", "病区", "床号", "临床诊断", "诊断", "送检医生", "送检者", "检验医生", "检验者", "核对医生", "审核者", "送检目的",
        "结果分析", "备注", "医院", "仪器", "batch", "bed", "ward", "doctor", "operator", "remark", "department", "lot", "instrument",
    ),
}  # fmt: skip
_ROLES = {name: role for role, names in HEADS.items() for name in names}
_POINTS = re.compile(r"(?:\([^(),;]*,[^(),;]*\))+;?(?:\([^(),;]*,[^(),;]*\))*")
_POINT = re.compile(r"\(([^(),;]*),([^(),;]*)\)")
_DAY = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_FIGURED = re.compile(r"(?P<value>[<>]?\s*[+-]?\d+(?:\.\d+)?)\s+(?P<unit>[^\s\d]\S*|10\S+)")
VALUE = r"(?P<value>[<>]?\s*[+-]?\d+(?:\.\d+)?(?=\s+\S+$)|.+?)(?:(?<=\d)\s+(?P<unit>\S+))?"
"""A figure with its unit, or the whole text."""


def role_of(name: str) -> str:
    """What a name stands for, by its usual words; empty where it is not known."""
    return _ROLES.get(exact(name), "")


def propose(found: tuple[Framed, ...]) -> Part:
    """All that the named lines of the captures say."""
    listed = [list(_pairs(text, found[0].separator)) for one in found for text in one.texts]
    records = [dict(record) for record in listed]
    columns = {
        name: [record[name] for record in records if name in record] for name in dict.fromkeys(n for r in records for n in r)
    }
    roles = {name: role_of(name) for name in columns}
    points = [name for name, texts in columns.items() if any(map(_POINTS.fullmatch, texts)) and not roles[name]]
    info = [name for name in columns if roles[name] == "info"]
    words = [name for name, texts in columns.items() if not roles[name] and any(texts) and not _resulting(texts, name in points)]
    units = any(_FIGURED.fullmatch(text) for name, texts in columns.items() if not roles[name] for text in texts)
    fields = [*_head(columns, roles, _joined(listed)), *_form(found[0].separator, info, points, units), *_rows(roles, units)]
    return Part(
        tuple(fields),
        tuple(_seen(records, roles, points)),
        tuple(_questions(columns, roles, words, points)),
        sender=_sender(columns, roles, points),
    )


def _pairs(text: str, separator: str) -> Iterator[tuple[str, str]]:
    for line in re.findall(r"[^\r\n]+", text):
        name, cut, value = line.partition(separator)
        if cut and name.strip():
            yield name.strip(), value.strip()


def _resulting(texts: list[str], points: bool) -> bool:
    return points or any(is_number(text) or _FIGURED.fullmatch(text) for text in texts)


KEY = "dialect.text"


def _of(roles: Mapping[str, str], role: str) -> list[str]:
    return [name for name, found in roles.items() if found == role]


def _joined(listed: Sequence[Sequence[tuple[str, str]]]) -> str:
    """A name that stands twice in one text: several records that the framing does not part."""
    for record in listed:
        names = [name for name, _ in record]
        twice = next((name for name in names if names.count(name) > 1), "")
        if twice:
            return twice
    return ""


def _head(columns: Mapping[str, list[str]], roles: Mapping[str, str], joined: str) -> Iterator[Field]:
    specimen = _of(roles, "specimen") + _of(roles, "number")
    key = f"{KEY}.message.specimen"
    if joined:
        yield Field(
            key,
            None,
            "unknown",
            saying("{} stands twice in one text: say in framing where a record ends, or tubes are mixed up", joined),
        )
    elif specimen:
        yield Field(key, specimen, "guessed", "named like an id of the tube; the first that is not empty counts")
    else:
        yield Field(key, None, "unknown", "no name says which tube it is")
    for role in ("patient_id", "patient_name", "birth", "sex", "age"):
        if names := _of(roles, role):
            yield Field(f"{KEY}.message.{role}", names, "guessed", "named so")
    if dates := _of(roles, "date"):
        days = [text for text in columns[dates[0]] if text]
        certain = saying("{} of {} are year, month, day", sum(bool(_DAY.match(text)) for text in days), len(days))
        yield Field(f"{KEY}.message.dated", [{"date": dates[0]}], "guessed", certain)


def _form(separator: str, info: list[str], points: list[str], units: bool) -> Iterator[Field]:
    yield Field(f"{KEY}.pairs.separator", separator, "proven", "it parts name and value on most lines")
    if info:
        yield Field(f"{KEY}.pairs.info", info, "guessed", "the names say that these are no results")
    yield Field(f"{KEY}.pairs.numeric_only", False, "proven", "nothing is passed over: what is not known is held")
    if units:
        yield Field(f"{KEY}.pairs.value", VALUE, "guessed", "a unit follows some figures")
    for name in points:
        key = f"{KEY}.pairs.points.{quoted(name)}"
        yield Field(f"{key}.x", "x", "guessed", "the first figure of each point; what it is the wire does not say")
        yield Field(f"{key}.y", "y", "guessed", "the second figure, taken as the result")


def _rows(roles: Mapping[str, str], units: bool) -> Iterator[Field]:
    key = f"{KEY}.results[0]"
    yield Field(f"{key}.code", ["code"], "proven", "the line's name")
    yield Field(f"{key}.value", ["value"], "proven", "what follows the separator")
    if units:
        yield Field(f"{key}.unit", ["unit"], "guessed", "what follows the figure")
    dates, times = _of(roles, "date"), _of(roles, "time")
    if dates and times:
        yield Field(f"{key}.observed_at", [{"date": dates[0], "time": times[0]}], "guessed", "date and time of the record")


def _seen(records: list[dict[str, str]], roles: Mapping[str, str], points: list[str]) -> Iterator[Seen]:
    found: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for number, record in enumerate(records):
        for name, text in record.items():
            for code, value, unit in _figures(name, text, name in points) if not roles[name] else ():
                found.setdefault((code, unit), []).append((number, value))
    for (code, unit), rows in found.items():
        name, cut, x = code.partition("@")
        # The catalogue names a viscosity by its shear rate: 30/s.
        label = f"{name} {Decimal(x).normalize():f}/s" if cut and is_number(x) else ""
        yield Seen(code, label, unit, tuple(value for _, value in rows), messages=frozenset(number for number, _ in rows))


def _figures(name: str, text: str, points: bool) -> Iterator[tuple[str, str, str]]:
    if points:
        yield from ((f"{name}@{x}", y, "") for x, y in _POINT.findall(text.partition(";")[0]) if y)
    elif figured := _FIGURED.fullmatch(text):
        yield name, figured["value"], figured["unit"]
    elif is_number(text):
        yield name, text, ""


def _sender(
    columns: Mapping[str, list[str]], roles: Mapping[str, str], points: list[str]
) -> tuple[dict[str, object], str] | None:
    """Names that only this text has: its fields of points, else its first three results."""
    own = points or [name for name, texts in columns.items() if not roles[name] and any(map(is_number, texts))][:3]
    if not own:
        return None
    return {"present": [rf"{re.escape(name)}\s*[:：=\t]" for name in own]}, saying("lines named {}", ", ".join(own))


def _questions(columns: Mapping[str, list[str]], roles: Mapping[str, str], words: list[str], points: list[str]) -> Iterator[str]:
    for name in points:
        if any(all(not y.strip("0.") for _, y in found) for text in columns[name] if (found := _POINT.findall(text))):
            yield saying(
                "Every point of {} is nought in some record, as after a test that was broken off: points.missing can say so", name
            )
    if words:
        yield saying(
            "Words, no figures, stand behind {}: until pairs.info names what is no result, they are held", ", ".join(words)
        )
    if not _of(roles, "specimen") and _of(roles, "number"):
        yield "Only a running number names the tube: can the analyzer send the barcode?"
    if any(LOOKS["barcode"](text) for name, texts in columns.items() if not roles[name] for text in texts):
        yield "A name that is not known holds something like a barcode"
    yield "Nothing seen marks control material; run a control, capture it, and compare"
