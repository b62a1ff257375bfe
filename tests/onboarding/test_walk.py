"""docs/onboarding.md is true: its commands print what it says, on a simulated analyzer that has no driver."""

from __future__ import annotations

from pathlib import Path

from tests.onboarding.walk import PAGE, device, walk


def test_the_walk_prints_what_the_document_says(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    with device() as serial:
        assert walk(page, tmp_path, serial) == page
