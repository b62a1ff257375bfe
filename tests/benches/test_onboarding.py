"""What docs/onboarding.md says of families taken away and onboarded again; its figures move with every driver that teaches the matching."""

from __future__ import annotations

from pathlib import Path

import pytest

from benches.onboarding.again import TAKEN, again


@pytest.mark.parametrize("family", TAKEN)
def test_a_family_that_was_taken_away_is_onboarded_again(family: str, tmp_path: Path) -> None:
    one = again(family, tmp_path)
    assert one.before != []
    assert one.after == []
    assert (one.same, one.extra) == (one.results, 0)
