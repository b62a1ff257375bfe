"""The chain: a row's digest is SHA-256 over the digest before it and the row's canonical content. Pure.

Canonical content is the JSON array of the row's cells in the order of the table, in UTF-8; a cell cannot run into the next one, and
a row that was changed, removed or put between others breaks the chain there. Rows removed from the end are missed only by who knows a later
head: ``audit verify`` prints the head, to be kept elsewhere, and compares with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from lis_bridge.audit.entries import Line

GENESIS = "0" * 64
"""The digest before the first row."""


class Head(msgspec.Struct, frozen=True):
    """The last row of a log; id 0 for an empty one."""

    id: int = 0
    digest: str = GENESIS


class Broken(msgspec.Struct, frozen=True):
    """The first row that does not follow from the ones before it, and why."""

    id: int
    what: str


def digest(before: str, id: int, cells: tuple[str, ...]) -> str:
    """The digest of a row; ``before`` is that of the row before it."""
    content = msgspec.json.encode([id, *cells])
    return hashlib.sha256(before.encode("ascii") + content).hexdigest()


def follow(lines: Iterable[Line], known: Head | None = None) -> Head | Broken:
    """The head of a whole log in its order, or where it breaks; ``known`` is a head that was written down before."""
    head = Head()
    for line in lines:
        broken = _checked(head, line)
        if broken is not None:
            return broken
        head = Head(line.id, line.digest)
        if known is not None and known.id == head.id and known.digest != head.digest:
            return Broken(head.id, "the log was written anew: this is not the digest that was noted")
    if known is not None and known.id > head.id:
        return Broken(head.id, f"the rows after this one are gone: row {known.id} was noted")
    return head


def _checked(head: Head, line: Line) -> Broken | None:
    if line.id != head.id + 1:
        return Broken(line.id, f"row {head.id + 1} is missing")
    cells = (line.at, line.actor, line.via, line.address, line.action, line.subject, line.detail)
    if digest(head.digest, line.id, cells) != line.digest:
        return Broken(line.id, "the row, or its digest, was changed")
    return None
