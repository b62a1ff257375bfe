"""``driver check``: findings for people and scripts, and ``--watch`` in the edit loop."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import Run

ROOT = Path(__file__).parents[2]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder with the site's own copy of a small driver."""
    shutil.copytree(ROOT / "drivers" / "alcor-ised", tmp_path / "own" / "alcor-ised")
    edit(tmp_path / "own", "revision = 1", "revision = 1\nreplaces_shipped = true")
    return tmp_path / "own"


def edit(own: Path, old: str, new: str) -> int:
    """The line on which the replacement stands."""
    manifest = own / "alcor-ised" / "driver.toml"
    text = manifest.read_text(encoding="utf-8")
    assert old in text
    manifest.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_a_driver_that_holds_has_no_findings(own: Path, lis_bridge: Run) -> None:
    done = lis_bridge("driver", "check", "alcor-ised", "--drivers", own)
    assert (done.returncode, done.stdout, done.stderr) == (0, "alcor-ised: documented, 0 findings\n", "")


def test_a_finding_is_file_line_key_what_and_remedy(own: Path, lis_bridge: Run) -> None:
    line = edit(own, '"ESR" = "ESR"', '"ESR" = "ESRR"')
    done = lis_bridge("driver", "check", "alcor-ised", "--drivers", own)
    assert done.returncode == 1
    place = f"own/alcor-ised/driver.toml:{line}"
    assert f"  {place}: codes.ESR: 'ESRR' is not in the catalogue (did you mean 'ESR-R'?) [codes]\n" in done.stdout
    report = json.loads(lis_bridge("driver", "check", "alcor-ised", "--drivers", own, "--json").stdout)
    found = next(item for item in report[0]["findings"] if item["check"] == "codes")
    assert (report[0]["driver"], report[0]["tier"], found["key"]) == ("alcor-ised", "draft", "codes.ESR")
    assert (found["where"], found["hint"]) == (f"{own}/alcor-ised/driver.toml:{line}", "did you mean 'ESR-R'?")


def test_a_manifest_that_does_not_load_is_told_and_the_other_drivers_are_still_checked(own: Path, lis_bridge: Run) -> None:
    line = edit(own, "manufacturer", "manufactuer")
    done = lis_bridge("driver", "check", "alcor-ised", "il-1620", "--drivers", own)
    assert done.returncode == 1
    assert f"driver.toml:{line}: manufactuer: unknown key (did you mean 'manufacturer'?) [schema]" in done.stdout
    assert "il-1620: bench, 0 findings\n" in done.stdout


def test_a_driver_that_is_not_there_is_named_with_the_nearest(lis_bridge: Run) -> None:
    done = lis_bridge("driver", "check", "il-1621")
    assert (done.returncode, "did you mean 'il-1620'?" in done.stderr) == (6, True)


def test_watch_is_for_people(lis_bridge: Run) -> None:
    assert lis_bridge("driver", "check", "il-1620", "--watch", "--json").returncode == 2


def test_the_list_as_markdown_goes_between_the_markers_of_a_page(lis_bridge: Run, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- drivers: begin -->\nwhat stood there\n<!-- drivers: end -->\nafter\n")
    assert lis_bridge("driver", "list", "--markdown", "--into", page).returncode == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- drivers: begin -->\n")
    assert text.endswith("<!-- drivers: end -->\nafter\n")
    assert "| [il-1620](drivers/il-1620/README.md)<br>" in text
    assert "what stood there" not in text
    page.write_text("nothing here\n")
    done = lis_bridge("driver", "list", "--markdown", "--into", page)
    assert (done.returncode, "the page has no markers" in done.stderr, page.read_text()) == (2, True, "nothing here\n")


def test_the_list_keeps_tiers_and_the_check_believes_none(own: Path, lis_bridge: Run, tmp_path: Path) -> None:
    def tier() -> str:
        done = lis_bridge("driver", "list", "--json", "--drivers", own, XDG_CACHE_HOME=str(tmp_path / "cache"))
        return next(row["tier"] for row in json.loads(done.stdout) if row["id"] == "alcor-ised")

    before = tier()
    cache = tmp_path / "cache" / "lis-bridge" / "tiers.json"
    cache.write_text(json.dumps(dict.fromkeys(json.loads(cache.read_text()), "site")))
    assert (before, tier()) == ("documented", "site")
    done = lis_bridge("driver", "check", "alcor-ised", "--drivers", own, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert done.stdout == "alcor-ised: documented, 0 findings\n"
    readme = own / "alcor-ised" / "README.md"
    readme.write_text(readme.read_text(encoding="utf-8").replace("**Evidence.**", "**Proof.**"), encoding="utf-8")
    assert tier() == "draft"


class Watching:
    """``driver check --watch`` in a process of its own."""

    def __init__(self, own: Path) -> None:
        command = [sys.executable, "-m", "lis_bridge.cli.main", "driver", "check", "alcor-ised", "--watch", "--drivers", str(own)]
        env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=own.parent, env=env)

    def next(self) -> str:
        """What is said up to the next wait for changes."""
        said = b""
        assert self.process.stdout is not None
        until = time.monotonic() + 60
        while b"waiting for changes" not in said:
            assert select.select([self.process.stdout], [], [], until - time.monotonic())[0], said
            said += os.read(self.process.stdout.fileno(), 65536)
        return said.decode()

    def quiet(self, seconds: float) -> bool:
        assert self.process.stdout is not None
        return not select.select([self.process.stdout], [], [], seconds)[0]


def test_watch_checks_again_after_each_change_and_only_then(own: Path) -> None:
    manifest = own / "alcor-ised" / "driver.toml"
    sound = manifest.read_text(encoding="utf-8")
    watching = Watching(own)
    try:
        assert "alcor-ised: documented, 0 findings" in watching.next()
        edit(own, '"ESR" = "ESR"', '"ESR" = "ESRR"')
        assert "did you mean 'ESR-R'?" in watching.next()
        edit(own, "manufacturer", "= manufacturer")  # half an edit: not even TOML
        assert "not TOML" in watching.next()
        manifest.write_text(sound, encoding="utf-8")
        assert "alcor-ised: documented, 0 findings" in watching.next()
        assert watching.quiet(2)
        watching.process.send_signal(signal.SIGINT)
        assert watching.process.wait(20) == 130
    finally:
        watching.process.kill()
        watching.process.wait()
        assert watching.process.stdout is not None
        watching.process.stdout.close()
