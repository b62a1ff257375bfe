"""``lis-bridge anonymise`` as a process."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run

CAPTURES = Path(__file__).parents[2] / "drivers"


def test_a_capture_to_share_decodes_to_the_same_results_of_somebody_else(lis_bridge: Run, tmp_path: Path) -> None:
    capture = CAPTURES / "sysmex-xp/captures/sysmex-xp--01.astm"
    done = lis_bridge("anonymise", capture, "-o", "shared.astm", "--json")
    assert (done.returncode, json.loads(done.stdout)["driver"]) == (0, "sysmex-xp")
    before, after = (json.loads(lis_bridge("decode", file).stdout) for file in (capture, "shared.astm"))
    for one, other in zip(before["messages"], after["messages"], strict=True):
        assert [row["value"] for row in one["results"]] == [row["value"] for row in other["results"]]
        assert one["specimen"] != other["specimen"] or one["kind"] != "patient" or len(one["specimen"]) < 6
    assert len(capture.read_bytes()) == (tmp_path / "shared.astm").stat().st_size


def test_a_file_that_is_there_is_not_overwritten(lis_bridge: Run, tmp_path: Path) -> None:
    (tmp_path / "shared.astm").write_bytes(b"mine")
    done = lis_bridge("anonymise", CAPTURES / "sysmex-xp/captures/sysmex-xp--01.astm", "-o", "shared.astm")
    assert done.returncode == 2
    assert (tmp_path / "shared.astm").read_bytes() == b"mine"


def test_what_no_message_holds_is_pointed_out(lis_bridge: Run) -> None:
    done = lis_bridge("anonymise", CAPTURES / "il-1620/captures/il-1620--02.txt", "-o", "shared.txt")
    assert done.returncode == 1
    assert "belong to no message" in done.stdout
