"""A mapping's preview on a real database: what would become of what waits, also where an entry cannot be tried; and nothing is done."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from lis_bridge import mappings, settings
from lis_bridge.core.clock import SystemClock
from lis_bridge.mappings import Mapping
from lis_bridge.runtime.foreseen import Foreseen, foresee
from lis_bridge.runtime.plans import compiled
from lis_bridge.storage import Store

from ..cli.filing import configured, content, message, opened

OTHER = "2603180458"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return configured(tmp_path)


@pytest.fixture
def store(config: Path) -> Iterator[Store]:
    """Two tubes that wait for the code NEW-K."""
    with opened(config, message(("K", "4.10"), ("NEW-K", "141")), message(("NEW-K", "139"), specimen=OTHER)) as store:
        yield store


def previewed(config: Path, store: Store, said: str = "NEW-K", means: str = "Na") -> Foreseen:
    found = settings.load(config)
    in_force = mappings.applied(found, [Mapping("line-1", "code", said, means, "", "")])
    return foresee(in_force, compiled(found), store, SystemClock(), "line-1", said, [1, 2])


def damage(config: Path, statement: str) -> None:
    with sqlite3.connect(config.parent / "bridge.db") as connection:
        assert connection.execute(statement).rowcount == 1


def told(found: Foreseen) -> list[tuple[str, str | None, str | None, str]]:
    return [(row.tube, row.observation.test, row.observation.value, row.fate) for row in found.rows]


def test_what_waits_would_go_out_and_nothing_is_written(config: Path, store: Store) -> None:
    before = content(config)
    found = previewed(config, store)
    assert told(found) == [("2603180457", "Na", "141", "goes"), (OTHER, "Na", "139", "goes")]
    assert (found.looked, found.waiting, found.unread, found.failed) == (2, 2, 0, 0)
    assert content(config) == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tube_event SET content = x'00ff' WHERE id = 1",  # processing it raises
        "UPDATE journal_raw SET packing = 1, content = x'00ff' WHERE journal_id = 1",  # reading it does
    ],
)
def test_an_entry_that_cannot_be_tried_is_counted_and_the_others_are_shown(statement: str, config: Path, store: Store) -> None:
    damage(config, statement)
    before = content(config)
    found = previewed(config, store)
    assert told(found) == [(OTHER, "Na", "139", "goes")]
    assert (found.looked, found.waiting, found.unread, found.failed) == (2, 2, 0, 1)
    assert content(config) == before
