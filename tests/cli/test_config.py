"""``config check`` names mistakes, warns of what is unwise and shows what the site changes of its drivers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Run

TEXT = """\
[site]
id = "xinhe"
[storage]
url = "sqlite:///data/bridge.db"
[[analyzer]]
id = "line-1"
driver = "mindray-bs"
link = "tcp-listen://127.0.0.1:5100"
[analyzer.controls]
prefixes = ["QC"]
[analyzer.codes]
"SITE-GLU" = "GLU"
[[destination]]
id = "lis"
link = "mllp://127.0.0.1:2575"
"""


@pytest.fixture
def check(lis_bridge: Run, tmp_path: Path) -> Any:
    """Checks a text; gives the exit code and the JSON document."""

    def checked(text: str, *options: str) -> tuple[int, Any]:
        path = tmp_path / "bridge.toml"
        path.write_text(text, encoding="utf-8")
        done = lis_bridge("config", "check", path, "--json", *options)
        assert done.stderr == ""
        return done.returncode, json.loads(done.stdout)

    return checked


def said(report: Any, level: str = "errors") -> list[tuple[int, str]]:
    """Line and words of what was found."""
    return [(int(item["where"].rpartition(":")[2]), item["what"]) for item in report[level]]


def test_usable_file_shows_what_the_site_changes(check: Any) -> None:
    code, report = check(TEXT)
    assert (code, report["ok"], report["errors"], report["warnings"]) == (0, True, [], [])
    changed = {"SITE-GLU": {"driver": None, "site": "GLU"}}
    assert report["analyzers"] == [{"id": "line-1", "driver": "mindray-bs", "codes": changed}]


def test_every_mistake_is_listed_with_its_line(check: Any) -> None:
    code, report = check(TEXT.replace("[site]", "[site]\nsize = 1").replace("mllp:", "mlp:"))
    assert code == 3
    assert [line for line, _ in said(report)] == [2, 16]


def test_unknown_driver_names_the_nearest(check: Any) -> None:
    code, report = check(TEXT.replace("mindray-bs", "mindray-bz"))
    assert (code, said(report)) == (3, [(7, "unknown driver 'mindray-bz'")])
    assert report["errors"][0]["hint"].startswith("did you mean 'mindray-b")


def test_override_to_a_test_that_the_catalogue_lacks_is_a_mistake(check: Any) -> None:
    code, report = check(TEXT.replace('= "GLU"', '= "NO-SUCH-TEST"'))
    assert (code, said(report)) == (3, [(12, "code 'SITE-GLU': the catalogue has no test 'NO-SUCH-TEST'")])


def test_dialect_that_the_driver_lacks_is_a_mistake(check: Any) -> None:
    code, report = check(TEXT.replace("[analyzer.controls]", 'dialect = "morse"\n[analyzer.controls]'))
    assert (code, said(report)) == (3, [(9, "driver mindray-bs has no dialect 'morse'")])


def test_option_that_the_driver_lacks_is_a_mistake(check: Any) -> None:
    code, report = check(TEXT.replace("[analyzer.codes]", "[analyzer.options]\nspeed = 3\n[analyzer.codes]"))
    assert (code, said(report)) == (3, [(12, "driver mindray-bs has no option 'speed'")])


@pytest.mark.parametrize(
    ("link", "warned"),
    [
        ("tcp-listen://127.0.0.1:5100", []),
        ("tcp-connect://192.0.2.10:5100", [(9, "analyzer 'line-1': peer is ignored, tcp-connect names the other end itself")]),
        ("serial:///dev/ttyS0", [(9, "analyzer 'line-1': peer is ignored, serial names the other end itself")]),
    ],
)
def test_peer_on_a_link_that_ignores_it_is_warned_of(link: str, warned: list[tuple[int, str]], check: Any) -> None:
    text = TEXT.replace("tcp-listen://127.0.0.1:5100", link)
    assert said(check(text.replace("[analyzer.controls]", 'peer = "192.0.2.0/28"\n[analyzer.controls]'))[1], "warnings") == warned


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('= "GLU"', '= "NO-SUCH-TEST"', ":12: code 'SITE-GLU': the catalogue has no test 'NO-SUCH-TEST' ("),
        ("[analyzer.controls]", 'dialect = "morse"\n[analyzer.controls]', ":9: driver mindray-bs has no dialect 'morse' ("),
        ("[analyzer.codes]", "[analyzer.options]\nspeed = 3\n[analyzer.codes]", ":12: driver mindray-bs has no option 'speed' ("),
    ],
)
def test_run_refuses_what_it_would_have_to_ignore(old: str, new: str, what: str, lis_bridge: Run, tmp_path: Path) -> None:
    path = tmp_path / "bridge.toml"
    path.write_text(TEXT.replace(old, new))
    done = lis_bridge("run", "-c", path)
    assert done.returncode == 3
    assert done.stderr.startswith(f"{path}{what}")
    assert list(tmp_path.iterdir()) == [path]


def test_warnings_count_only_when_asked(check: Any) -> None:
    text = TEXT + 'ack = "none"\n'
    assert [check(text)[0], check(text, "--strict")[0]] == [0, 1]
    assert said(check(text)[1], "warnings")[0][0] == 16


def test_people_read_mistakes_as_place_what_and_remedy(lis_bridge: Run, tmp_path: Path) -> None:
    path = tmp_path / "bridge.toml"
    path.write_text(TEXT.replace("prefixes", "prefix"))
    done = lis_bridge("config", "check", path)
    assert done.returncode == 3
    assert done.stderr == f"{path}:10: unknown key 'prefix' (did you mean 'prefixes'?)\n"
    path.write_text(TEXT)
    assert "line-1: codes: SITE-GLU = GLU (driver: nothing)\n" in lis_bridge("config", "check", path).stdout


@pytest.mark.parametrize("name", ["hospital.toml", "demo.toml"])
def test_shipped_examples_have_neither_mistakes_nor_warnings(name: str, lis_bridge: Run) -> None:
    done = lis_bridge("config", "check", Path(__file__).parents[2] / "config" / name, "--strict")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_site_that_dates_numbers_by_their_reception_sees_it_and_its_risk(check: Any) -> None:
    code, report = check(TEXT.replace("[analyzer.controls]", 'number_date = "reception"\n[analyzer.controls]'))
    assert (code, report["analyzers"][0]["number_date"]) == (0, "reception")
    ((line, what),) = said(report, "warnings")
    assert (line, "under that day" in what) == (9, True)
