"""What is prepared where a message is read is what judging it row by row in an empty tube gives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lis_bridge.core.results import Message, Observation
from lis_bridge.tubes.assembly import Context, file
from lis_bridge.tubes.events import decode, encode
from lis_bridge.tubes.prepared import prepare
from lis_bridge.tubes.state import fold

from .samples import message, row, snapshot, tube

rows = st.builds(
    row,
    st.sampled_from(["K", "NA", "CL"]),
    st.sampled_from(["4.1", "4.2", "POS", None]),
    st.sampled_from(["09:45:42", "09:46:00", None]),
    test=st.sampled_from(["K", "NA", "CL", None]),
    aspect=st.sampled_from(["", "", "I"]),
    status=st.sampled_from(["F", "F", "P", "C", "W", None]),
    problem=st.sampled_from([None, None, None, "unknown unit"]),
    superseded=st.sampled_from([False, False, False, True]),
    occurrence=st.sampled_from([0, 0, 0, 1]),
    rerun=st.sampled_from([None, True]),
    doubted=st.sampled_from([False, False, False, True]),
)
plain_rows = st.sampled_from(["K", "NA", "CL", "GLU", "UREA"]).flatmap(
    lambda code: st.builds(row, st.just(code), st.sampled_from(["4.1", "POS"]), st.sampled_from(["09:45:42", None]))
)


@given(
    st.lists(rows, max_size=5) | st.lists(plain_rows, max_size=5, unique_by=lambda one: one.code),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["last", "first", "marked"]),
    st.sampled_from([None, "张三"]),
)
def test_a_first_message_is_prepared_as_it_is_judged(
    found: list[Observation], complete: bool, stat: bool, policy, name: str | None
) -> None:
    one = message(*found, name=name, complete=complete, stat=stat)
    state = tube()
    filing = file(state, one, Context("line-1", policy))
    first = prepare(one, "line-1", policy).first
    if first is None:
        return
    assert first.event == filing.event
    assert first.content == encode(filing.event)
    assert (list(first.reports), list(first.outcomes)) == (filing.reports, filing.outcomes)
    assert snapshot(fold(tube(), decode(first.content))) == snapshot(state)


def test_a_plain_message_is_prepared() -> None:
    assert prepare(message(row("K", "4.1"), row("NA", "141", None)), "line-1", "last").first is not None


@pytest.mark.parametrize(
    "one",
    [
        message(),
        message(row("K", "4.1"), closed=False),
        message(row("K", "4.1"), complete=False),
        message(row("K", None)),
        message(row("K", "4.1", test=None)),
        message(row("K", "4.1", problem="unknown unit")),
        message(row("K", "4.1"), row("K", "4.2", occurrence=1)),
        message(row("K", "4.1"), row("K", "4.1")),
        message(row("K", "4.1"), row("K2", "4.1", test="K")),
        message(row("K", "4.1", superseded=True)),
        message(row("K", "4.1", status="W")),
        message(row("K", "4.1", status="C")),
    ],
)
def test_what_must_be_judged_row_by_row_is_not(one: Message) -> None:
    assert prepare(one, "line-1", "last").first is None
