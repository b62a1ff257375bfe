"""``replay --all --dry-run``: what was filed against what the present drivers and overrides would make of the same bytes; nothing is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lis_bridge import journal
from lis_bridge.storage import Store

from .conftest import Run
from .filing import KEY, SITE, arrives, content, message, processed


def filed(store: Store, config: Path, *raws: bytes, delivered: bool = False) -> None:
    """Messages that came in and were processed; ``delivered``: a LIS has seen them."""
    for raw in raws:
        arrives(store, raw)
    processed(store, config, delivered=delivered)


@pytest.fixture
def compare(lis_bridge: Run, config: Path) -> Any:
    def compared(*options: object) -> tuple[int, Any]:
        before = content(config)
        done = lis_bridge("replay", "-c", config, "--all", "--dry-run", "--json", *options)
        assert content(config) == before
        assert done.stderr == ""
        return done.returncode, json.loads(done.stdout)

    return compared


def counted(report: Any) -> dict[str, int]:
    names = ("results", "same", "changed", "other_tube", "gone", "added", "delivered")
    return {name: report["summary"][name] for name in names if report["summary"][name]}


def test_the_same_driver_reads_the_same(compare: Any, store: Store, config: Path) -> None:
    filed(store, config, message(("K", "4.10"), ("GLU", "5.5")), message(("K", "4.10"), specimen="2603180458"))
    code, report = compare()
    assert (code, counted(report), report["differences"]) == (0, {"results": 3, "same": 3}, [])
    assert report["summary"]["filed_by"] == {"line-1": {"mindray-bs 1": 2}}


def test_another_mapping_is_a_change_with_both_readings(compare: Any, store: Store, config: Path) -> None:
    filed(store, config, message(("K", "4.10"), ("GLU", "5.5")), delivered=True)
    config.write_text(SITE + '[analyzer.codes]\n"K" = "Na"\n')
    code, report = compare()
    assert (code, counted(report)) == (1, {"results": 2, "same": 1, "changed": 1, "delivered": 1})
    (one,) = report["differences"]
    assert (one["entry"], one["code"], one["what"], one["fields"], one["delivered"]) == (1, "K", "changed", ["test"], True)
    assert (one["before"]["test"], one["after"]["test"]) == ("K", "Na")


def test_another_rule_for_the_specimen_id_is_another_tube(compare: Any, store: Store, config: Path) -> None:
    filed(store, config, message(("K", "4.10")))
    config.write_text(SITE + "specimen_pattern = '26(.+)'\n")
    code, report = compare()
    assert (code, counted(report)) == (1, {"results": 1, "other_tube": 1})
    (one,) = report["differences"]
    assert (one["before"]["tube"], one["after"]["tube"], one["delivered"]) == (KEY, "03180457", False)


def test_a_result_that_is_none_any_more_is_gone_and_one_that_nobody_filed_is_added(
    compare: Any, store: Store, config: Path, tmp_path: Path
) -> None:
    own = _own_driver(tmp_path)
    config.write_text(SITE.replace("[site]", '[drivers]\npaths = ["own"]\n[site]'))
    filed(store, config, message(("K", "4.10"), ("ignored-1", "1")))
    text = own.read_text(encoding="utf-8").replace('"K" = "K"\n', "", 1).replace("revision = 2", "revision = 3")
    own.write_text(text.replace('codes = ["ignored-1"]', 'codes = ["K"]'), encoding="utf-8")
    code, report = compare()
    assert (code, counted(report)) == (1, {"results": 1, "gone": 1, "added": 1})
    assert report["summary"]["filed_by"] == {"line-1": {"mindray-bs 2": 1}}
    (one,) = report["differences"]
    assert (one["before"]["test"], one["after"]) == ("K", None)


def _own_driver(tmp_path: Path) -> Path:
    """The shipped driver as the site's own, one code more ignored."""
    shipped = Path(__file__).parents[2] / "drivers" / "mindray-bs" / "driver.toml"
    manifest = tmp_path / "own" / "mindray-bs" / "driver.toml"
    manifest.parent.mkdir(parents=True)
    text = shipped.read_text(encoding="utf-8").replace("revision = 1", "revision = 2\nreplaces_shipped = true", 1)
    manifest.write_text(text + '\n[[ignored]]\nreason = "test"\ncodes = ["ignored-1"]\n', encoding="utf-8")
    return manifest


def test_a_retransmission_is_not_taken_for_something_new(compare: Any, store: Store, config: Path) -> None:
    filed(store, config, message(("K", "4.10")), message(("K", "4.10"), ("GLU", "5.5")))
    code, report = compare()
    assert (code, counted(report)) == (0, {"results": 2, "same": 2})


def test_an_analyzer_that_is_configured_no_more_is_said_to_be_unread(compare: Any, store: Store, config: Path) -> None:
    filed(store, config, message(("K", "4.10")))
    config.write_text(SITE.replace('"line-1"', '"line-2"'))
    code, report = compare()
    assert (code, report["summary"]["unconfigured"], report["summary"]["entries"]) == (1, 1, 0)


def test_since_and_analyzer_choose_what_is_looked_at(compare: Any, store: Store, config: Path, lis_bridge: Run) -> None:
    filed(store, config, message(("K", "4.10")))
    assert compare("--since", "2099-01-01")[1]["summary"]["entries"] == 0
    assert compare("--since", "2001-01-01", "--analyzer", "line-1")[1]["summary"]["entries"] == 1
    done = lis_bridge("replay", "-c", config, "--all", "--dry-run", "--analyzer", "line-9")
    assert (done.returncode, "there is no analyzer 'line-9'" in done.stderr) == (2, True)


def test_pages_are_joined(compare: Any, store: Store, config: Path) -> None:
    filed(store, config, *(message(("K", "4.10"), specimen=f"26031{number:05}") for number in range(450)))
    with store.write() as tx:  # filed() processes a hundred at a time
        assert journal.counts(tx)["pending"] == 350
    for _ in range(4):
        filed(store, config)
    code, report = compare()
    assert (code, counted(report)) == (0, {"results": 450, "same": 450})


def test_all_only_looks(lis_bridge: Run, config: Path) -> None:
    for options in (
        ["--all"],
        ["--all", "--held", "--dry-run"],
        ["--since", "2026-01-01", "--dry-run"],
        ["1", "--all", "--dry-run"],
    ):
        done = lis_bridge("replay", "-c", config, *options)
        assert (done.returncode, "--all only looks" in done.stderr) == (2, True)


def test_people_read_counts_then_the_differences(lis_bridge: Run, store: Store, config: Path) -> None:
    filed(store, config, message(("K", "4.10")), delivered=True)
    assert "every result would be read the same today" in lis_bridge("replay", "-c", config, "--all", "--dry-run").stdout
    config.write_text(SITE + '[analyzer.codes]\n"K" = "Na"\n')
    said = lis_bridge("replay", "-c", config, "--all", "--dry-run").stdout
    assert "line-1: filed by mindray-bs 1 (1 entries)" in said
    assert "1 results of 1 entries: 0 the same, 1 read differently" in said
    assert "K 4.10 mmol/L" in said
    assert "Na 4.10 mmol/L" in said
