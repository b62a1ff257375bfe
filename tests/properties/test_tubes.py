"""Interleaved tubes, restarts and undone transactions: every result ends in its own tube, once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from lis_bridge.core.reports import Report
from lis_bridge.storage import Store
from lis_bridge.tubes import views
from lis_bridge.tubes.keys import Key
from lis_bridge.tubes.store import Arrival, Tubes
from tests.tubes.samples import LINE, NOW, message, row, snapshot, values

KEYS = (Key("26031700881", "26031700881"), Key("26031700882", "26031700882"), Key("20260317-line-1-7", "7", numbered=True))
TESTS = ("K", "NA", "CL")

steps = st.tuples(
    st.integers(0, len(KEYS) - 1),
    st.lists(st.sampled_from(TESTS), min_size=1, unique=True),
    st.sampled_from(["kept", "kept", "undone", "restart", "seal"]),
)


def value_of(tube: int, test: str) -> str:
    """Names its tube, so that a result that strays is seen."""
    return f"{tube}.{TESTS.index(test)}"


def time_of(tube: int) -> str:
    return f"09:45:{tube:02}"


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, min_size=1, max_size=12))
def test_every_result_ends_in_its_own_tube_once(story: list[tuple[int, list[str], str]]) -> None:
    with TemporaryDirectory() as folder, Store.open(f"sqlite:///{Path(folder) / 'bridge.db'}") as store:
        tubes, owed, expected = Tubes(), [], set()
        for entry, (number, tests, end) in enumerate(story, 1):
            one = message(*(row(test, value_of(number, test), time_of(number)) for test in tests))
            connection = store.writing_connection()
            tx = connection.begin()
            receipt = tubes.file(connection, one, KEYS[number], LINE, Arrival(entry, 0, NOW + timedelta(seconds=entry)))
            if end == "undone":
                tx.rollback()
            else:
                if end == "seal" and receipt.tube_id is not None:
                    tubes.seal(connection, receipt.tube_id, receipt.seq)
                tx.commit()
                owed += [(receipt.key, report) for report in receipt.reports]
                expected |= {(number, test) for test in tests}
            connection.close()
            tubes = Tubes() if end == "restart" else tubes
        check(store, tubes, owed, expected)


def check(store: Store, tubes: Tubes, owed: list[tuple[str, Report]], expected: set[tuple[int, str]]) -> None:
    assert sorted((key, one.observation.value) for key, one in owed) == sorted(
        (KEYS[number].key, value_of(number, test)) for number, test in expected
    )
    with store.read() as tx:
        assert views.holds(tx) == []
        for number, key in enumerate(KEYS):
            tube_id = views.find(tx, key.key)
            mine = {test: value_of(number, test) for other, test in expected if other == number}
            assert (tube_id is not None) == bool(mine)
            if tube_id is not None:
                warm, cold = tubes.state(tx, tube_id), Tubes().state(tx, tube_id)
                assert values(warm) == mine
                assert snapshot(warm) == snapshot(cold)
