"""The tally finds every kind of harm; a tally that cannot find it would make the demo worthless."""

from __future__ import annotations

import pytest

from lis_bridge.simulate.lis import Received
from lis_bridge.simulate.tally import Place, Tally, percentiles, tally

GLU, NA = Place("26000001", "line-1", "GLU"), Place("26000001", "line-1", "Na")
OTHER = Place("26000002", "line-1", "GLU")
SENT = {GLU: ("5.20", "5.60"), NA: ("140",), OTHER: ("4.10",)}


def oru(control_id: str, tube: str, *rows: str, verdict: str = "AA") -> Received:
    """Rows are ``test=value`` or ``test=value/status/time``."""
    lines = [f"MSH|^~\\&|lis-bridge||LIS||20260317094542||ORU^R01|{control_id}|P|2.5.1", f"OBR|1||{tube}"]
    for row in rows:
        test, _, rest = row.partition("=")
        value, status, time = (*rest.split("/"), "F", "20260317")[:3] if "/" not in rest else rest.split("/")
        lines.append(f"OBX|1|NM|{test}^^L||{value}||||||{status}|||{time}||||line-1")
    text = "".join(f"{line}\r" for line in lines)
    return Received(control_id, text, text.encode(), 0.0, verdict)


WHOLE = (
    oru("a-1", "26000001", "GLU=5.20/F/1", "Na=140/F/1"),
    oru("a-2", "26000002", "GLU=4.10/F/2"),
    oru("a-3", "26000001", "GLU=5.60/C/9"),
)


def test_what_came_as_it_was_sent_is_clean() -> None:
    assert tally(SENT, WHOLE) == Tally(3, (), (), ())


def test_a_message_that_was_sent_again_with_its_control_id_counts_once() -> None:
    assert tally(SENT, (*WHOLE, WHOLE[0])).clean


@pytest.mark.parametrize("left_out", [0, 1, 2])
def test_a_message_that_never_came_is_lost(left_out: int) -> None:
    found = tally(SENT, [one for number, one in enumerate(WHOLE) if number != left_out])
    assert found.lost
    assert not found.duplicated
    assert not found.misfiled


def test_a_refused_message_is_lost() -> None:
    assert len(tally(SENT, (WHOLE[0], oru("a-2", "26000002", "GLU=4.10/F/2", verdict="AE"), WHOLE[2])).lost) == 1


def test_the_same_run_under_another_control_id_is_duplicated() -> None:
    assert len(tally(SENT, (*WHOLE, oru("a-4", "26000001", "Na=140/F/1"))).duplicated) == 1


def test_a_second_final_result_where_one_stands_is_duplicated() -> None:
    assert len(tally(SENT, (*WHOLE[:2], oru("a-3", "26000001", "GLU=5.60/F/9"))).duplicated) == 1


def test_the_earlier_run_standing_last_is_lost() -> None:
    assert "5.20" in tally(SENT, (*WHOLE[1:], WHOLE[0])).lost[0]


@pytest.mark.parametrize(
    "stray",
    [
        oru("a-4", "26000002", "Na=140"),  # another tube's result
        oru("a-4", "26000001", "Na=141"),  # another value
        oru("a-4", "26000001", "Na=140.0"),  # the same number in another text
        oru("a-4", "QC-1", "GLU=5.20"),  # a control
        oru("a-4", "26000001", "Na=140/W/1"),  # withdrawn by nobody
        oru("a-1", "26000001", "GLU=5.20/F/1"),  # another text under a known control id
    ],
)
def test_what_nobody_sent_there_is_misfiled(stray: Received) -> None:
    assert len(tally(SENT, (*WHOLE, stray)).misfiled) == 1


def test_percentiles_are_by_nearest_rank_in_milliseconds() -> None:
    assert percentiles(number / 1000 for number in range(1, 101)) == {"p50": 50.0, "p95": 95.0, "p99": 99.0}
    assert percentiles([0.25]) == {"p50": 250.0, "p95": 250.0, "p99": 250.0}
    assert percentiles([]) == {}
