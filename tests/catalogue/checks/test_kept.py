"""A tier that was kept is that of the driver as it is now, whatever became of its files, the shelf or the cache."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lis_bridge.catalogue.checks import QUICK, checked, kept
from lis_bridge.catalogue.checks.kept import MOST, Kept, cache_file
from lis_bridge.core import resources
from tests.catalogue.checks.conftest import DRIVERS, Copy
from tests.disk import no_file_above

Copies = Callable[[str], Copy]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "lis-bridge" / "tiers.json"


def tier(driver: Copy, file: Path | None) -> str:
    """The tier as a list says it, which keeps it."""
    subject = driver.subject(effort=QUICK)
    found = Kept(subject.library, file)
    said = found.tier(subject)
    found.write()
    return said


def overwrite(file: Path) -> None:
    """Put a tier that no check computes here in place of all that is kept: who says it has not checked."""
    file.write_text(json.dumps(dict.fromkeys(json.loads(file.read_text()), "site")))


def test_an_unchanged_driver_is_not_checked_again(copy: Copies, cache: Path) -> None:
    driver = copy("il-1620")
    assert tier(driver, cache) == "bench"
    overwrite(cache)
    assert tier(driver, cache) == "site"


def _cut_a_capture(driver: Copy) -> None:
    file = next(file for file in driver.file("captures").iterdir() if file.suffix != ".toml")
    file.write_bytes(file.read_bytes()[:-40])


def _edit_what_is_expected(driver: Copy) -> None:
    file = next(driver.file("expected").glob("*.json"))
    file.write_text(file.read_text(encoding="utf-8").replace('"value": "', '"value": "9', 1), encoding="utf-8")


def _edit_the_note_of_a_capture(driver: Copy) -> None:
    for note in driver.file("captures").glob("*.toml"):
        note.write_text(note.read_text(encoding="utf-8").replace("real", "written"), encoding="utf-8")


def _put_another_driver_beside(driver: Copy) -> None:
    shutil.copytree(driver.folder, driver.root / "il-9")
    file = driver.root / "il-9" / "driver.toml"
    file.write_text(file.read_text(encoding="utf-8").replace('id = "il-1620"', 'id = "il-9"'), encoding="utf-8")


def _put_code_in_it(driver: Copy) -> None:
    driver.file("deep/er").mkdir(parents=True)
    driver.file("deep/er/hook.py").write_text("")


CHANGES: dict[str, tuple[Callable[[Copy], object], str]] = {
    "a capture": (_cut_a_capture, "draft"),
    "what is expected": (_edit_what_is_expected, "draft"),
    "the origin of its captures": (_edit_the_note_of_a_capture, "documented"),
    "its page": (lambda driver: driver.edit("**Evidence.**", "**Proof.**", "README.md"), "draft"),
    "its manifest": (lambda driver: driver.edit("revision = ", 'low_confidence = "a guess"\nrevision = '), "draft"),
    "code beside it": (_put_code_in_it, "draft"),
    "a folder among its captures": (lambda driver: driver.file("captures/more").mkdir(), "draft"),
    "a capture taken away": (lambda driver: shutil.rmtree(driver.file("captures")), "draft"),
    "a driver that claims the same": (_put_another_driver_beside, "draft"),
}


@pytest.mark.parametrize("changed", CHANGES)
def test_after_a_change_the_tier_is_that_of_what_is_there_now(changed: str, copy: Copies, cache: Path) -> None:
    driver = copy("il-1620")
    assert tier(driver, cache) == "bench"
    overwrite(cache)
    change, expected = CHANGES[changed]
    change(driver)
    assert tier(driver, cache) == checked(driver.subject())[0] == expected


def test_a_change_that_keeps_size_and_time_is_seen(copy: Copies, cache: Path) -> None:
    driver = copy("il-1620")
    assert tier(driver, cache) == "bench"
    page = driver.file("README.md")
    before = page.stat()
    driver.edit("**Evidence.**", "**Evidenze.**", "README.md")
    os.utime(page, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert page.stat().st_size == before.st_size
    assert tier(driver, cache) == "draft"


def test_captures_behind_a_link_count(copy: Copies, cache: Path, tmp_path: Path) -> None:
    driver = copy("il-1620")
    driver.file("captures").rename(tmp_path / "elsewhere")
    driver.file("captures").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert tier(driver, cache) == "bench"
    _cut_a_capture(driver)
    assert tier(driver, cache) == "draft"


def test_another_catalogue_or_program_knows_nothing_of_what_is_kept(
    copy: Copies, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = copy("il-1620")
    assert tier(driver, cache) == "bench"
    overwrite(cache)
    with monkeypatch.context() as patch:
        folder = shutil.copytree(resources.catalogue(), tmp_path / "catalogue")
        (folder / "SOURCES.md").write_text("others")
        patch.setattr(resources, "catalogue", lambda: folder)
        assert tier(driver, cache) == "bench"
    with monkeypatch.context() as patch:
        (tmp_path / "program").mkdir()
        (tmp_path / "program" / "checks.py").write_text("")
        patch.setattr(kept, "_PROGRAM", tmp_path / "program")
        assert tier(driver, cache) == "bench"
    assert tier(driver, cache) == "site"


def test_what_changes_while_it_is_checked_is_not_kept(copy: Copies, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = copy("il-1620")
    with monkeypatch.context() as patch:
        patch.setattr(kept, "checked", lambda subject: (checked(subject), driver.edit("# ", "#  ", "README.md"))[0])
        assert tier(driver, cache) == "bench"
    assert not cache.exists()


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": 1}', "null"])
def test_a_damaged_cache_is_as_none(content: str, copy: Copies, cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text(content)
    assert tier(copy("il-1620"), cache) == "bench"
    assert [*json.loads(cache.read_text()).values()] == ["bench"]


def test_a_tier_that_is_none_is_not_believed(copy: Copies, cache: Path) -> None:
    driver = copy("il-1620")
    tier(driver, cache)
    cache.write_text(cache.read_text().replace("bench", "perfect"))
    assert tier(driver, cache) == "bench"


def test_where_nothing_can_be_kept_the_tier_is_computed(copy: Copies, tmp_path: Path) -> None:
    driver = copy("il-1620")
    (tmp_path / "file").write_text("in the way")
    assert tier(driver, tmp_path / "file" / "tiers.json") == "bench"
    assert tier(driver, None) == "bench"


def test_a_full_disk_costs_the_cache_nothing_but_what_is_new(copy: Copies, cache: Path) -> None:
    driver = copy("il-1620")
    tier(driver, cache)
    before = cache.read_bytes()
    driver.edit("# ", "#  ", "README.md")
    with no_file_above(10):
        assert tier(driver, cache) == "bench"
    assert cache.read_bytes() == before
    assert [file.name for file in cache.parent.iterdir()] == ["tiers.json"]


def test_what_was_used_last_stays(copy: Copies, cache: Path) -> None:
    driver = copy("il-1620")
    tier(driver, cache)
    (first,) = json.loads(cache.read_text())
    cache.write_text(json.dumps({first: "bench", **{f"old {number}": "draft" for number in range(MOST)}}))
    other = Copy(DRIVERS, "zonci-zl")
    assert tier(other, cache) == "documented"
    found = json.loads(cache.read_text())
    assert (len(found), first in found, "old 0" in found, [*found.values()][-1]) == (MOST, False, False, "documented")
    assert [file.name for file in cache.parent.iterdir()] == ["tiers.json"]


def test_the_cache_lies_where_the_user_has_caches() -> None:
    home = Path("~/.cache").expanduser() / "lis-bridge" / "tiers.json"
    assert cache_file({"XDG_CACHE_HOME": "/var/c", "LOCALAPPDATA": "/l"}) == Path("/var/c/lis-bridge/tiers.json")
    assert cache_file({"LOCALAPPDATA": "/l"}) == Path("/l/lis-bridge/tiers.json")
    assert cache_file({"XDG_CACHE_HOME": "relative"}) == cache_file({}) == home
