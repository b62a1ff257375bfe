"""A proposal as the text of a ``driver.toml``: every field with its mark and reason behind it, what is unknown as a comment."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from lis_bridge.catalogue.scaffold.proposal import Field, Match, Proposal
from lis_bridge.catalogue.scaffold.propose import left_side
from lis_bridge.catalogue.scaffold.quoting import quoted

LEGEND = """\
# Proposed from captures. Behind every line: proven (the bytes themselves show it), guessed (it looks so: confirm it), unknown (left out).
# docs/drivers.md describes every key; lis-bridge driver prove checks the codes against the analyzer's own printout."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_INDEXED = re.compile(r"(.+)\[(\d+)\]")
_PARTS = re.compile(r'"(?:\\.|[^"])*"|[^."]+')


def manifest_text(proposal: Proposal) -> str:
    """The whole file. It loads as it stands; what it does not map is held."""
    lines = [LEGEND]
    for table, fields in _tables(proposal.fields).items():
        told = any(field.value is not None for field in fields)
        lines += ["", f"{'' if told else '# '}{_heading(table)}"] if table else []
        lines += [_line(_split(field.key)[1], field) for field in fields]
    lines += ["", *(f"# open: {_comment(question)}" for question in proposal.questions), "", *_codes(proposal)]
    return "\n".join(lines) + "\n"


def _tables(fields: Iterable[Field]) -> dict[str, list[Field]]:
    """Fields by their table: the top level first, as TOML wants it, [units] behind the others."""
    found: dict[str, list[Field]] = {"": []}
    for field in fields:
        found.setdefault(_split(field.key)[0], []).append(field)
    units = found.pop("units", [])
    return {**found, "units": units} if units else found


def _split(key: str) -> tuple[str, str]:
    parts = _PARTS.findall(key)
    return ".".join(parts[:-1]), parts[-1]


def _heading(table: str) -> str:
    found = _INDEXED.fullmatch(table)
    return f"[[{found[1]}]]" if found else f"[{table}]"


def _line(key: str, field: Field) -> str:
    if field.value is None:
        return f"# {key} =   unknown: {_comment(field.why)}"
    return f"{key} = {toml(field.value)}   # {field.certainty}: {_comment(field.why)}"


def _comment(text: str) -> str:
    """A reason on one line; what an analyzer sent must not end the comment."""
    return "".join(character if character.isprintable() else "\N{MIDDLE DOT}" for character in text)


def toml(value: Any) -> str:
    """A value as TOML writes it, on one line."""
    if isinstance(value, str):
        return f"'{value}'" if "\\" in value and "'" not in value and value.isprintable() else quoted(value)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def _key(text: str) -> str:
    return text if _BARE.fullmatch(text) else quoted(text)


def _codes(proposal: Proposal) -> Iterator[str]:
    match = proposal.field("match")
    by_name = match is not None and match.value == "code or name"
    yield "[codes]"
    kept: dict[str, str | None] = {}
    for one in sorted(proposal.codes, key=lambda one: one.test is None):
        left = left_side(one, by_name)
        if one.test and left not in kept:
            yield f"{quoted(left)} = {quoted(one.test)}   # guessed: {_said(one)}"
        elif kept.get(left) != one.test or left not in kept:
            yield f"# {quoted(left)} =   unknown: {_said(one)}"
        kept.setdefault(left, one.test)


def _said(one: Match) -> str:
    """What the capture shows of a code, on one line; figures only, which name nobody."""
    seen = one.seen
    shown = " ".join(filter(None, (seen.name, *seen.values[:1], seen.unit)))
    among = f"; candidates: {', '.join(one.candidates)}" if one.candidates and not one.test else ""
    return _comment(" ".join(f"{one.why}{among}; seen: {shown}".split()))
