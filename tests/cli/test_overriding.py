"""What a site says of its analyzers is held against the drivers: a slip of the pen, a stale pin and a hidden driver are told with their line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from lis_bridge import settings
from lis_bridge.catalogue.library import Library
from lis_bridge.cli.overriding import mistyped, outgrown

from .conftest import Run

DRIVERS = Path(__file__).parents[2] / "drivers"
TEXT = """\
[site]
id = "x"
[storage]
url = "sqlite:///bridge.db"
[drivers]
paths = ["own"]
[[analyzer]]
id = "k-1"
driver = "sysmex-k"
link = "serial:///dev/ttyS0"
revision = 1
[analyzer.options]
date_order = "dmy"
[analyzer.codes]
"WBC2" = "WBC"
[analyzer.units]
"HGB" = "g/L"
[[destination]]
id = "lis"
link = "mllp://127.0.0.1:2575"
"""


@pytest.fixture
def check(lis_bridge: Run, tmp_path: Path) -> Any:
    def checked(old: str = "", new: str = "") -> Any:
        (tmp_path / "own").mkdir(exist_ok=True)
        assert old in TEXT
        (tmp_path / "bridge.toml").write_text(TEXT.replace('"WBC2"', '"ZZZ"').replace(old, new, 1), encoding="utf-8")
        done = lis_bridge("config", "check", "bridge.toml", "--json")
        return json.loads(done.stdout)

    return checked


def test_what_is_in_force_is_shown(check: Any) -> None:
    report = check()
    assert report["errors"] == []
    assert report["analyzers"] == [
        {
            "id": "k-1",
            "driver": "sysmex-k",
            "revision": 1,
            "options": {"date_order": "dmy"},
            "codes": {"ZZZ": {"driver": None, "site": "WBC"}},
            "units": {"HGB": {"driver": "g/dL", "site": "g/L"}},
        }
    ]


@pytest.mark.parametrize(
    ("old", "new", "line", "what", "hint"),
    [
        (
            'date_order = "dmy"',
            'date_ordr = "dmy"',
            13,
            "driver sysmex-k has no option 'date_ordr'",
            "did you mean 'date_order'?",
        ),
        ('"dmy"', '"dmyy"', 13, "option date_order has no choice 'dmyy'", "did you mean 'dmy'?"),
        ('"HGB" = ', '"HBG" = ', 17, "driver sysmex-k knows no code or test 'HBG'", "did you mean 'HGB'?"),
        ('= "g/L"', '= "%"', 17, "'%' is no unit of HGB", "Write a unit of the kind of g/L"),
        (
            "revision = 1",
            "revision = 7",
            11,
            "driver sysmex-k is at revision 1, the site's overrides are for 7",
            "--all --dry-run",
        ),
        ("[analyzer.options]", "new_codes = ['X']\n[analyzer.options]", 12, "new code 'X' is not mapped", "Map it"),
        ('"own"', '"none"', 6, "no such folder", "lis-bridge driver install"),
        ("revision = 1", "specimen_pattern = 'X[0-9]+'", 11, "has no group", "parentheses"),
    ],
)
def test_an_override_that_cannot_be_meant_is_told_with_its_line(
    old: str, new: str, line: int, what: str, hint: str, check: Any
) -> None:
    (error,) = check(old, new)["errors"]
    assert int(error["where"].rpartition(":")[2]) == line
    assert what in error["what"]
    assert hint in error["hint"]


def test_a_code_that_is_nearly_the_driver_s_is_a_mistake_unless_it_is_named_as_new(lis_bridge: Run, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    path = tmp_path / "bridge.toml"
    text = TEXT.replace("WBC2", "NEUTT#")
    path.write_text(text)
    done = lis_bridge("config", "check", path)
    said = f"{path}:15: driver sysmex-k knows no code 'NEUTT#' (did you mean 'NEUT#'? Where the analyzer does send 'NEUTT#', name it in new_codes)\n"
    assert (done.returncode, done.stderr) == (3, said)
    path.write_text(text.replace("revision = 1", "revision = 1\nnew_codes = ['NEUTT#']"))
    assert lis_bridge("config", "check", path).returncode == 0


@pytest.mark.parametrize(
    ("code", "meant"),
    [("wbc", "WBC"), ("HGBB", "HGB"), ("HGB", None), ("HGB@U", None), ("FERR", None), ("042", None), ("6690-3", None)],
)
def test_slips_are_letters_not_numbers(code: str, meant: str | None) -> None:
    assert mistyped(code, ("WBC", "HGB", "041", "6690-2")) == meant


def test_run_refuses_a_driver_of_another_revision_and_a_replay_may_look(lis_bridge: Run, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    path = tmp_path / "bridge.toml"
    path.write_text(TEXT.replace('"WBC2" = "WBC"\n', "").replace("revision = 1", "revision = 2"))
    done = lis_bridge("run", "-c", path)
    assert (done.returncode, done.stderr.startswith(f"{path}:11: driver sysmex-k is at revision 1")) == (3, True)
    assert "replay --all --dry-run --analyzer k-1" in done.stderr
    assert lis_bridge("replay", "-c", path, "--all", "--dry-run").returncode == 4  # it got as far as the database


@pytest.mark.parametrize(("own", "warned"), [(1, True), (2, False), (3, False)])
def test_a_site_driver_that_hides_a_newer_shipped_one_is_warned_of(own: int, warned: bool, tmp_path: Path) -> None:
    for place, revision in (("own", f"{own}\nreplaces_shipped = true"), ("shipped", "2")):
        shutil.copytree(DRIVERS / "sysmex-k", tmp_path / place / "sysmex-k")
        manifest = tmp_path / place / "sysmex-k" / "driver.toml"
        text = manifest.read_text(encoding="utf-8")
        manifest.write_text(text.replace("revision = 1", f"revision = {revision}", 1), encoding="utf-8")
    (tmp_path / "bridge.toml").write_text(TEXT)
    library = Library.load([tmp_path / "own", tmp_path / "shipped"])
    found = list(outgrown(settings.load(tmp_path / "bridge.toml"), library))
    assert [one.location for one in found] == [("analyzer", 0, "driver")] * warned


def test_a_site_driver_is_used_by_run_s_check_and_one_of_a_shipped_id_must_say_so(lis_bridge: Run, tmp_path: Path) -> None:
    path = tmp_path / "bridge.toml"
    path.write_text(TEXT.replace('"WBC2" = "WBC"\n', ""))
    shutil.copytree(DRIVERS / "sysmex-k", tmp_path / "own" / "sysmex-k")
    manifest = tmp_path / "own" / "sysmex-k" / "driver.toml"
    done = lis_bridge("config", "check", path)
    assert (done.returncode, done.stderr.startswith(f"{manifest}: driver 'sysmex-k' is there already")) == (6, True)
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace("revision = 1", "revision = 4\nreplaces_shipped = true", 1), encoding="utf-8")
    done = lis_bridge("config", "check", path)
    assert (done.returncode, "sysmex-k is at revision 4" in done.stderr) == (3, True)
