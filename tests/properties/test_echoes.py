"""Whose a mark is: the same answer whoever asks, however often the tail is brought over, whatever was undone in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from lis_bridge.storage import Store
from lis_bridge.storage.schema.tubes import observed, observed_tail
from lis_bridge.tubes import echoes
from lis_bridge.tubes.echoes import Echoes
from lis_bridge.tubes.marks import marks_of
from tests.tubes.samples import row

Result = tuple[int, str]
"""Second and value."""

results = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from("12")), min_size=1, max_size=5, unique_by=lambda result: result[0]
)
steps = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), results, st.booleans()), max_size=25)
"""Which of three processes files, for which tube, what, and whether the transaction is undone."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'bridge.db'}") as opened:
        yield opened


@pytest.mark.parametrize("tail", [1, 7, 10_000])
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=steps)
def test_a_result_is_the_tubes_that_had_it_first(
    store: Store, monkeypatch: pytest.MonkeyPatch, tail: int, story: list[tuple[int, int, list[Result], bool]]
) -> None:
    monkeypatch.setattr(echoes, "TAIL", tail)
    with store.write() as tx:
        tx.execute(delete(observed))
        tx.execute(delete(observed_tail))
    processes = (Echoes(), Echoes(), Echoes())
    owners: dict[Result, int] = {}
    for process, tube, told, undone in story:
        marks = marks_of("line-1", [row("K", value, f"09:45:{second:02}") for second, value in told])
        with store.writing_connection() as connection, connection.begin() as transaction:
            foreign = processes[process].register(connection, tube, marks)
            if undone:
                transaction.rollback()
        assert foreign == {index for index, result in enumerate(told) if owners.get(result, tube) != tube}
        if not undone:
            for result in told:
                owners.setdefault(result, tube)
