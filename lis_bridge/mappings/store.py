"""The table of mappings. They stand over the configuration's ``[analyzer.codes]``, ``[analyzer.units]`` and ``ignored``, and say the same in the same
words.

A ``code`` is what the device writes, with ``@`` and the specimen's material where that is not the usual one (``Observation.key``); ``means`` is a
test of the catalogue. A ``unit`` is a key of ``[analyzer.units]``: ``unit 15`` explains what the wire writes, ``HCY`` says the unit of a code that
is sent without one; ``means`` is a unit that the catalogue knows. An ``ignored`` code is not reported, and means nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal, get_args

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select

from lis_bridge.core.faults import UsageError
from lis_bridge.storage import Statement
from lis_bridge.storage.schema.mappings import mapping

Kind = Literal["code", "unit", "ignored"]
KINDS: Sequence[Kind] = get_args(Kind)


class Mapping(msgspec.Struct, frozen=True):
    """One mapping of one analyzer; ``at`` is ISO 8601 in UTC."""

    analyzer: str
    kind: Kind
    said: str
    means: str
    by: str
    at: str


_COLUMNS = (mapping.c.analyzer, mapping.c.kind, mapping.c.said, mapping.c.means, mapping.c.by, mapping.c.at)
_EVERY = Statement(select(*_COLUMNS).order_by(mapping.c.id))
_THIS = (mapping.c.analyzer == bindparam("of"), mapping.c.kind == bindparam("sort"), mapping.c.said == bindparam("text"))
_REMOVE = Statement(delete(mapping).where(*_THIS))
_ADD = Statement(insert(mapping).values({column.name: bindparam(column.name) for column in _COLUMNS}))


def every(tx: Connection) -> tuple[Mapping, ...]:
    """All mappings in the order in which they were made."""
    return tuple(Mapping(*row) for row in _EVERY.rows(tx))


def add(tx: Connection, analyzer: str, kind: Kind, said: str, means: str, by: str, at: datetime) -> Mapping:
    """Make a mapping; an older one of the same code or unit gives way."""
    made = Mapping(analyzer, kind, said, means, by, at.astimezone(UTC).isoformat(timespec="seconds"))
    _REMOVE.run(tx, of=analyzer, sort=kind, text=said)
    _ADD.run(tx, **msgspec.structs.asdict(made))
    return made


def remove(tx: Connection, analyzer: str, kind: Kind, said: str) -> None:
    """Take a mapping back; what was filed by it stays filed. Raises UsageError where there is none."""
    if not _REMOVE.run(tx, of=analyzer, sort=kind, text=said):
        raise UsageError(
            "there is no such mapping", where=f"{analyzer}, {kind} {said}", hint="lis-bridge mapping list shows what was mapped"
        )
