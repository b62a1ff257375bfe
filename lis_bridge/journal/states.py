"""What became of an entry. Which state may follow which is data; anything else is refused with the place and the remedy."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, literal_column, null, select, update

from lis_bridge.core.faults import UsageError
from lis_bridge.journal.entries import State
from lis_bridge.storage import Statement
from lis_bridge.storage.schema.journal import journal

FROM: dict[State, tuple[State, ...]] = {
    "done": ("pending",),
    "quarantined": ("pending",),
    "pending": ("done", "quarantined", "discarded"),
    "discarded": ("quarantined",),
}
"""The states that each state may follow; a replay makes an entry pending again."""

_HINTS: dict[State, str] = {
    "done": "reopen it first",
    "quarantined": "reopen it first",
    "pending": "it is waiting to be processed",
    "discarded": "only a quarantined entry can be discarded",
}

_STATE = Statement(select(journal.c.state).where(journal.c.id == bindparam("of")))


def _moving(*names: str) -> Statement:
    return Statement(update(journal).where(journal.c.id == bindparam("of")).values({name: bindparam(name) for name in names}))


_DONE = Statement(
    update(journal)
    .where(journal.c.id == bindparam("of"), journal.c.state == literal_column("'pending'"))
    .values(state=literal_column("'done'"), reason=null(), driver=bindparam("driver"), revision=bindparam("revision"))
)
_QUARANTINE = _moving("state", "reason", "detail")
_REOPEN = _moving("state", "reason")
_DISCARD = _moving("state", "detail")


def done(tx: Connection, id: int, driver: str, revision: int) -> None:
    """Note that the entry was understood by this revision of a driver, and everything in it filed. Raises UsageError."""
    if not _DONE.run(tx, of=id, driver=driver, revision=revision):
        _check(tx, id, "done")


def quarantine(tx: Connection, id: int, reason: str, detail: str = "") -> None:
    """Put a pending entry aside: ``reason`` is a stable lower-case word, ``detail`` place and remedy. Raises UsageError."""
    _check(tx, id, "quarantined")
    _QUARANTINE.run(tx, of=id, state="quarantined", reason=reason, detail=detail)


def reopen(tx: Connection, id: int) -> None:
    """Let an entry be processed again (replay), whatever became of it. Raises UsageError where it is waiting already."""
    _check(tx, id, "pending")
    _REOPEN.run(tx, of=id, state="pending", reason=None)


def discard(tx: Connection, id: int, detail: str) -> None:
    """Take a quarantined entry off the list of what is to be decided; its bytes and reason stay. ``detail``: who, and why."""
    _check(tx, id, "discarded")
    _DISCARD.run(tx, of=id, state="discarded", detail=detail)


def _check(tx: Connection, id: int, to: State) -> None:
    row = _STATE.one(tx, of=id)
    where = f"journal entry {id}"
    if row is None:
        raise UsageError("there is no such entry", where=where, hint="list the entries for their numbers")
    if row[0] not in FROM[to]:
        raise UsageError(f"it is {row[0]} and cannot become {to}", where=where, hint=_HINTS[to])
